// What a campaign promised, held against the journal: read anew, and replayed by a model that knows nothing
// of ministore.
import type { EngineEntry } from 'ministore-ts/shared'
import { keyOf } from './operations.ts'
import type { Told } from './report.ts'
import { BUDGET } from './store.ts'

export interface Witness {
  /** By the writers' names. */
  readonly told: ReadonlyMap<string, readonly Told[]>
  /** By the processes' names, what each ended with; absent where one ended otherwise. */
  readonly digests: ReadonlyMap<string, { readonly seq: number; readonly digest: string }>
  /** What a fresh replay gives. */
  readonly replayed: { readonly seq: number; readonly digest: string }
}

/** Every promise that was broken, as a sentence. */
export function verdict(entries: readonly EngineEntry[], witness: Witness): string[] {
  const model = new Model()
  for (const [index, entry] of entries.entries()) model.take(entry, index + 1)
  const broken = [...model.broken]
  for (const [by, told] of witness.told)
    for (const each of told) broken.push(...hold(each, by, model.places))
  const { seq, digest } = witness.replayed
  if (seq !== entries.length)
    broken.push(`a replay ends at seq ${seq}, but ${entries.length} records are there`)
  for (const [name, its] of witness.digests)
    if (its.seq !== seq || its.digest !== digest)
      broken.push(
        `${name} ends at seq ${its.seq} with ${its.digest}, a replay at ${seq} with ${digest}`,
      )
  return broken
}

/** Whether what a writer was told is so. */
function hold(told: Told, by: string, places: ReadonlyMap<string, number>): string[] {
  const op = keyOf(by, told.n)
  const place = places.get(op)
  const is = place === undefined ? 'is nowhere' : `is seq ${place}`
  switch (told.what) {
    case 'acknowledged':
      if (place !== told.seq) return [`${op} was acknowledged as seq ${told.seq}, but ${is}`]
      if (told.expected === undefined || told.expected + 1 === told.seq) return []
      return [`${op} expected seq ${told.expected}, but ${is}`]
    case 'refused':
      return place === undefined ? [] : [`${op} was refused (${told.code}), but ${is}`]
    case 'found':
      return place === undefined ? [`${op} was found after all, but ${is}`] : []
    case 'missing':
      return place === undefined ? [] : [`${op} was missing for certain, but ${is}`]
    case 'abandoned':
      return []
  }
}

interface RawPart {
  readonly type: string
  readonly payload: {
    readonly by: string
    readonly n: number
    readonly name?: string
    readonly amount?: number
  }
}
type RawRecord = RawPart & { readonly batch?: readonly RawPart[] }

class Model {
  readonly broken: string[] = []
  /** The seq of each operation. */
  readonly places = new Map<string, number>()
  readonly #ids = new Map<string, number>()
  readonly #names = new Map<string, string>()
  #spent = 0

  take({ seq, id, text }: EngineEntry, expected: number): void {
    if (seq !== expected) this.broken.push(`seq ${seq} stands where ${expected} should be`)
    const twin = this.#ids.get(id)
    if (twin !== undefined) this.broken.push(`seq ${twin} and ${seq} have the same id`)
    this.#ids.set(id, seq)
    const record: RawRecord = JSON.parse(text)
    const parts = record.batch ?? [record]
    const ops = new Set(parts.map(({ payload: { by, n } }) => keyOf(by, n)))
    for (const op of ops) {
      const before = this.places.get(op)
      if (before !== undefined) this.broken.push(`${op} is there twice: seq ${before} and ${seq}`)
      this.places.set(op, seq)
    }
    for (const part of parts) this.#apply(part, seq)
  }

  #apply({ type, payload: { by, name = '', amount = 0 } }: RawPart, seq: number): void {
    const owner = this.#names.get(name)
    const forbid = (what: string) => this.broken.push(`seq ${seq} breaks the rule: ${what}`)
    if (type === 'take') {
      if (owner !== undefined) forbid(`${by} takes ${name}, which ${owner} has`)
      this.#names.set(name, by)
    } else if (type === 'free') {
      if (owner !== by) forbid(`${by} frees ${name}, which ${owner} has`)
      this.#names.delete(name)
    } else if (type === 'spend') {
      this.#spent += amount
      if (this.#spent > BUDGET) forbid(`${this.#spent} is spent, of ${BUDGET}`)
    } else if (type === 'refill') {
      if (this.#spent * 2 <= BUDGET) forbid(`a refill at ${this.#spent}`)
      this.#spent = 0
    }
  }
}
