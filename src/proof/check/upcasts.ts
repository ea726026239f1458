// Records as they are decoded, with old payloads upcast once more at another time and place.
import { isSame } from '../../diff/index.ts'
import { StoreError } from '../../errors.ts'
import type { AcceptedSources, CompiledDefinition } from '../../mutation/spec.ts'
import type { Entry, Journal } from '../../port/journal.ts'
import { decode } from '../../record/decode.ts'
import type { Decoded } from '../../record/record.ts'
import { decodeBehind, readDecoded } from '../../replay/index.ts'
import {
  describeDifference,
  describeUse,
  findDifference,
  type Run,
  variantsFor,
} from './elsewhere.ts'
import { type FindingDraft, isThrown, messageOf } from './findings.ts'
import type { Range } from './locate.ts'
import { HERE, type Use, watch } from './watch.ts'

/** So many records with old payloads are decoded again, unless their upcasters use something impure. */
const TWICE = 1_000

type Result = { readonly decoded: Decoded } | { readonly thrown: string }

/**
 * The records of a range, as `readDecoded` gives them. Tells of upcasters that depend on more than
 * payload and meta. Throws as `readDecoded` does.
 */
export async function* readUpcast(
  definition: CompiledDefinition,
  journal: Journal,
  { after, until }: Range,
  tell: (found: FindingDraft) => void,
): AsyncGenerator<Iterable<Decoded>> {
  if ([...definition.mutations.values()].every(({ version }) => version === 1)) {
    yield* readDecoded(definition, journal, until, after)
    return
  }
  const upcasts = new Upcasts(definition, tell)
  let seq = after
  for await (const entries of journal.read(after, { to: until })) {
    yield upcasts.check(entries, decodeBehind(definition, journal, entries, seq))
    seq = Math.max(seq, entries.at(-1)?.seq ?? 0)
  }
}

class Upcasts {
  readonly #definition: CompiledDefinition
  readonly #tell: (found: FindingDraft) => void
  #checked = 0

  constructor(definition: CompiledDefinition, tell: (found: FindingDraft) => void) {
    this.#definition = definition
    this.#tell = tell
  }

  *check(entries: readonly Entry[], records: Iterator<Decoded>): Generator<Decoded> {
    const bySeq = new Map(entries.map((entry) => [entry.seq, entry]))
    while (true) {
      const uses: Use[] = []
      try {
        const next = watch(
          () => records.next(),
          HERE,
          (use) => uses.push(use),
        )
        if (next.done) return
        const decoded = next.value
        const entry = bySeq.get(decoded.meta.seq)
        if (entry && decoded.parts.some(isOld)) this.#checkOne(entry, { decoded }, uses)
        yield decoded
      } catch (error) {
        const entry = isThrown(error, StoreError) ? bySeq.get(error.seq ?? 0) : undefined
        if (entry && uses.length > 0) this.#checkOne(entry, { thrown: messageOf(error) }, uses)
        throw error
      }
    }
  }

  #checkOne(entry: Entry, here: Result, uses: readonly Use[]): void {
    this.#checked += 1
    if (this.#checked > TWICE && uses.length === 0) return
    const accepted = 'decoded' in here ? acceptedBy(here.decoded) : {}
    const at = atOf(entry)
    const run: Run<Result> = (conditions, onUse) => {
      const read = () => decode(this.#definition, entry)
      try {
        return { decoded: watch(read, { ...conditions, at, accepted }, onUse) }
      } catch (error) {
        return { thrown: messageOf(error) }
      }
    }
    const found = findDifference(run, here, uses, variantsFor(uses, entry.seq), isSameResult)
    const { type, version } = firstOther(here, found?.again)
    const { seq, line } = entry
    const name = `the upcaster of version ${version} of ${type}, with today's schema,`
    const subject = { name, result: 'payload', type }
    const advice =
      'Take the time from meta.at and an id from meta.seq: `upcaster(schema, (old, meta) => …)`'
    const tell = (about: FindingDraft) => this.#tell({ ...about, seq, line })
    if (found) tell(describeDifference(subject, found.uses, advice))
    else for (const use of uses) tell(describeUse(subject, use, accepted))
  }
}

const isOld = ({ version }: { version?: number }) => version !== undefined

function acceptedBy({ parts }: Decoded): AcceptedSources {
  return Object.assign({}, ...parts.map(({ mutation }) => mutation.accept))
}

function isSameResult(one: Result, other: Result): boolean {
  if (!('decoded' in one && 'decoded' in other)) return 'thrown' in one && 'thrown' in other
  return isSame(payloadsOf(one.decoded), payloadsOf(other.decoded))
}

const payloadsOf = ({ parts }: Decoded) => parts.map(({ payload }) => payload ?? null)

/** The first old payload that is read as another, else the first old one. */
function firstOther(here: Result, again: Result | undefined): { type: string; version: number } {
  const [one, other] = [here, again].map((each) =>
    each && 'decoded' in each ? each.decoded.parts : undefined,
  )
  const parts = one ?? other ?? []
  const old = parts.filter(isOld)
  const differs = parts.find(
    (part, index) => isOld(part) && !isSame(part.payload ?? null, other?.[index]?.payload ?? null),
  )
  const { mutation, version = 1 } = (one && other && differs) || old[0] || {}
  return { type: mutation?.type ?? '', version }
}

/** The record was decoded before, or could not be. */
function atOf({ text }: Entry): string | undefined {
  try {
    return (JSON.parse(text) as { at?: string }).at
  } catch {
    return undefined
  }
}
