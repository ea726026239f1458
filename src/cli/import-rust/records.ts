// An import's middle: what another program's lines say, as records of a journal, and the proof of it.

import type { AnyStoreDefinition } from '../../define/store-definition.ts'
import type { StoreError } from '../../errors.ts'
import { fileJournal } from '../../journals/file/index.ts'
import { definitionOf } from '../../mutation/brand.ts'
import { validatePayload } from '../../mutation/validate.ts'
import type { Journal } from '../../port/journal.ts'
import { encode } from '../../record/encode.ts'
import { appender } from '../sources/appender.ts'
import { progress } from '../terminal/progress.ts'
import { Refusal } from '../terminal/refusal.ts'
import { counted, safe } from '../terminal/text.ts'
import { readVariants, type TornLine, type Variant } from './journal.ts'
import type { Mapping } from './mapping.ts'

export interface Work {
  readonly definition: AnyStoreDefinition
  readonly files: readonly string[]
  readonly mapping: Mapping
  /** Whether the mapping is the user's. */
  readonly isMapped: boolean
  /** The time of all records, since the source has none. */
  readonly at: string
}

interface Converted {
  readonly records: number
  /** Lines that the mapping left out. */
  readonly skipped: number
}

/** Writes a journal of all that the source says. Throws Refusal at the first line that does not fit. */
export async function convert(work: Work, path: string, signal: AbortSignal): Promise<Converted> {
  const journal = fileJournal(path, { lock: false })
  const { report, end } = progress('importing', work.files.join(' '))
  let [records, skipped] = [0, 0]
  await journal.open(work.definition.name)
  try {
    const { add, flush } = appender(journal)
    for await (const variant of readVariants(work.files, tellTorn)) {
      signal.throwIfAborted()
      const text = textOf(work, variant, journal)
      if (text === undefined) skipped += 1
      else await add({ text })
      if (text !== undefined) records += 1
      report(records)
    }
    await flush()
    return { records, skipped }
  } finally {
    end()
    await journal.close()
  }
}

function tellTorn({ file, line, bytes }: TornLine): void {
  const what = `a crash cut this line off after ${counted(bytes, 'byte')}: it is not a record`
  console.error(safe(`ministore: ${file}:${line}: ${what}`))
}

/** The record as JSON, its payloads checked by their schemas; undefined if the line is left out. */
function textOf(work: Work, variant: Variant, journal: Journal): string | undefined {
  const { mutations, find } = definitionOf(work.definition)
  try {
    const parts = work.mapping(variant).map(({ type, payload }) =>
      // What is retired has happened anyway.
      validatePayload(mutations.get(type) ?? find(type), payload),
    )
    return parts.length === 0 ? undefined : encode({ meta: { at: work.at }, parts }, journal)
  } catch (error) {
    // A function of --map may throw anything.
    const what = error instanceof Error ? error.message : String(error)
    throw misfit(work, variant, what.replace(journal.name, 'a journal'))
  }
}

function misfit({ isMapped }: Work, { file, line, name }: Variant, what: string): Refusal {
  const variant = name === '' ? '' : `variant ${name}: `
  const next = isMapped
    ? 'Change what --map returns for it'
    : 'Convert it with --map <file#function>; see npx ministore-ts import --help'
  return new Refusal(`${file}:${line}: ${variant}${what}\n  ${next}`)
}

/** The digest of the state, which two replays agree on. Throws Refusal if a reducer fails. */
export async function prove(work: Work, path: string): Promise<string> {
  const replay = () => work.definition.replay(fileJournal(path, { readOnly: true }))
  try {
    const [once, again] = [await replay(), await replay()]
    if (once.digest === again.digest) return once.digest
  } catch (error) {
    const { seq, message } = error as StoreError
    const variant = seq === undefined ? undefined : await variantAt(work, seq)
    throw variant ? misfit(work, variant, message.replace(`${path}: `, '')) : error
  }
  const rule = 'a reducer may use nothing but draft, payload and meta'
  throw new Refusal(`two replays produced two states\n  Fix the reducers: ${rule}`)
}

/** Where record `seq` came from. */
async function variantAt({ files, mapping }: Work, seq: number): Promise<Variant | undefined> {
  let records = 0
  for await (const variant of readVariants(files, () => undefined)) {
    if (mapping(variant).length > 0) records += 1
    if (records === seq) return variant
  }
  return undefined
}
