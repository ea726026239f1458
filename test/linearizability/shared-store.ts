// The store of the chaos campaign (test/engines/chaos/store.ts) as one process alone would see it. It knows nothing
// of ministore, and repeats the rules of that store in plain code.
import { BUDGET, REMEMBERED } from '../engines/chaos/store.ts'
import type { Model, Operation } from './operation.ts'
import { Trie } from './trie.ts'

export interface Mutation {
  readonly type: string
  readonly payload: {
    readonly by: string
    readonly n: number
    readonly name?: string | undefined
    readonly amount?: number | undefined
  }
}

export type StoreCall =
  | {
      readonly what: 'dispatch'
      readonly mutations: readonly Mutation[]
      readonly key?: string | undefined
      readonly expectSeq?: number | undefined
    }
  | {
      readonly what: 'takeAny'
      readonly by: string
      readonly n: number
      readonly names: readonly string[]
    }
  | { readonly what: 'refresh' }

type Asked = Exclude<StoreCall, { readonly what: 'refresh' }>

/** What a read shows. `seq` is absent if the store went on before it could be asked. */
export interface Shown {
  readonly seq?: number | undefined
  readonly names: Readonly<Record<string, string>>
  readonly spent: number
  readonly trail: number
}

export type StoreAnswer =
  | {
      readonly what: 'done'
      readonly seq: number
      readonly duplicate: boolean
      readonly value?: string | undefined
    }
  /** `details`: of the rejection, as JSON has it. */
  | { readonly what: 'refused'; readonly code: string; readonly details?: unknown }
  | { readonly what: 'shown'; readonly state: Shown }

export type StoreOperation = Operation<StoreCall, StoreAnswer>

interface State {
  readonly seq: number
  readonly names: Readonly<Record<string, string>>
  readonly spent: number
  readonly trail: number
  /** The operations of each writer, the last one first. */
  readonly done: Readonly<Record<string, Done | undefined>>
  /** By the index of the key. */
  readonly keys: Trie<Keyed>
  /** Two words of all records in their order: other records give other words, but for chance. */
  readonly high: number
  readonly low: number
}
interface Done {
  readonly n: number
  readonly before: Done | undefined
}
interface Keyed {
  readonly seq: number
  readonly body: string
}

const INITIAL: State = {
  ...{ seq: 0, names: {}, spent: 0, trail: 0, done: {}, keys: Trie.empty },
  ...{ high: 0, low: 0 },
}

class Refusal {
  readonly code: string
  readonly details: unknown
  constructor(code: string, details: unknown) {
    this.code = code
    this.details = details
  }
}

/** Draws conclusions from the answers, which hold in whichever order: who has which seq. */
export function sharedStore(
  operations: readonly StoreOperation[],
): Model<State, StoreCall, StoreAnswer> {
  return new SharedStore(operations)
}

class SharedStore implements Model<State, StoreCall, StoreAnswer> {
  readonly initial: State = INITIAL
  /** The seqs of calls that had an answer: no other call can have them. */
  readonly #owned = new Set<number>()
  /** The seqs of keys that some answer names. */
  readonly #placed = new Map<string, number>()
  readonly #indexes = new Map<string, number>()
  readonly #bodies = new Map<StoreCall, string>()

  constructor(operations: readonly StoreOperation[]) {
    for (const { call, answer } of operations) {
      if (answer?.what !== 'done') continue
      if (!answer.duplicate) this.#owned.add(answer.seq)
      if (call.what === 'dispatch' && call.key !== undefined) this.#placed.set(call.key, answer.seq)
    }
  }

  step(state: State, call: StoreCall, answer: StoreAnswer | undefined): State | undefined {
    if (call.what === 'refresh')
      return answer === undefined || (answer.what === 'shown' && isShown(answer.state, state))
        ? state
        : undefined
    if (answer === undefined) return this.#guess(state, call)
    // What an answer says of the seq is compared first: it is cheap.
    if (answer.what === 'done' && !answer.duplicate && answer.seq !== state.seq + 1)
      return undefined
    const result = this.#decide(state, call)
    if (result instanceof Refusal)
      return answer.what === 'refused' &&
        answer.code === result.code &&
        isSame(answer.details, result.details)
        ? state
        : undefined
    if (answer.what !== 'done' || answer.duplicate !== result.duplicate) return undefined
    return answer.seq === result.seq && answer.value === result.value ? result.state : undefined
  }

  #guess(state: State, call: Asked): State | undefined {
    const key = call.what === 'dispatch' ? call.key : undefined
    const place = key === undefined ? undefined : this.#placed.get(key)
    if (place !== undefined && place !== state.seq + 1) return undefined
    const result = this.#decide(state, call)
    return result instanceof Refusal ? undefined : result.state
  }

  isRead(call: StoreCall, answer: StoreAnswer): boolean {
    return call.what === 'refresh' || answer.what !== 'done' || answer.duplicate
  }

  key({ seq, high, low }: State): string {
    return `${seq} ${high} ${low}`
  }

  admitsUnknown({ seq }: State): boolean {
    return !this.#owned.has(seq + 1)
  }

  #decide(
    state: State,
    call: Asked,
  ): Refusal | { state: State; seq: number; duplicate: boolean; value?: string | undefined } {
    if (call.what === 'takeAny') {
      const { by, n, names } = call
      if (wasDone(state, by, n)) return new Refusal('done', { by, n })
      const value = names.find((each) => state.names[each] === undefined)
      if (value === undefined) return new Refusal('none_free', { by, n })
      const mutations = [
        { type: 'take', payload: { by, n, name: value } },
        { type: 'spend', payload: { by, n, amount: 1 } },
      ]
      return this.#append(state, call, mutations, value)
    }
    const { key, expectSeq, mutations } = call
    const index = key === undefined ? undefined : this.#indexOf(key)
    const first = index === undefined ? undefined : state.keys.get(index)
    if (first)
      return first.body === this.#bodyOf(call)
        ? { state, seq: first.seq, duplicate: true }
        : new Refusal('key_reused', undefined)
    if (expectSeq !== undefined && expectSeq !== state.seq)
      return new Refusal('conflict', { expected: expectSeq, actual: state.seq })
    return this.#append(state, call, mutations)
  }

  #append(state: State, call: StoreCall, mutations: readonly Mutation[], value?: string) {
    const seq = state.seq + 1
    let next = state
    for (const mutation of mutations) {
      const result = apply(next, mutation, seq)
      if (result instanceof Refusal) return result
      next = result
    }
    const key = call.what === 'dispatch' ? call.key : undefined
    const body = this.#bodyOf(call)
    const keys = key === undefined ? state.keys : state.keys.with(this.#indexOf(key), { seq, body })
    const [high, low] = mixed(state, `${key} ${body}`)
    return { state: { ...next, seq, keys, high, low }, seq, duplicate: false, value }
  }

  #indexOf(key: string): number {
    const index = this.#indexes.get(key) ?? this.#indexes.size
    this.#indexes.set(key, index)
    return index
  }

  #bodyOf(call: StoreCall): string {
    const known = this.#bodies.get(call)
    if (known !== undefined) return known
    const body = JSON.stringify(call.what === 'dispatch' ? call.mutations : call)
    this.#bodies.set(call, body)
    return body
  }

  describeCall(call: StoreCall): string {
    if (call.what === 'refresh') return 'refresh'
    if (call.what === 'takeAny') return `takeAny by ${call.by}/${call.n}`
    const { mutations, key, expectSeq } = call
    const each = mutations.map(({ type, payload: { by, n, name, amount } }) =>
      [type, name, amount, `by ${by}/${n}`].filter((part) => part !== undefined).join(' '),
    )
    const options = [
      ...(key === undefined ? [] : [`key ${key}`]),
      ...(expectSeq === undefined ? [] : [`expectSeq ${expectSeq}`]),
    ]
    return [each.join(' + '), ...options].join(', ')
  }

  describeAnswer(answer: StoreAnswer): string {
    if (answer.what === 'refused')
      return `refused: ${answer.code} ${JSON.stringify(answer.details) ?? ''}`.trimEnd()
    if (answer.what === 'shown') {
      const { seq = '?', spent, trail, names } = answer.state
      return `seq ${seq}, spent ${spent}, trail ${trail}, ${Object.keys(names).length} names`
    }
    const { seq, duplicate, value } = answer
    return `seq ${seq}${duplicate ? ' (duplicate)' : ''}${value === undefined ? '' : `, ${value}`}`
  }

  describeState({ seq, spent, trail, names }: State): string {
    const next = this.#owned.has(seq + 1) ? '' : `; no answer claims seq ${seq + 1}`
    return `seq ${seq}, spent ${spent}, trail ${trail}, ${Object.keys(names).length} names${next}`
  }
}

function apply(
  state: State,
  { type, payload: { by, n, name = '', amount = 0 } }: Mutation,
  seq: number,
): State | Refusal {
  const owner = state.names[name]
  const { spent } = state
  const change = (): Partial<State> | Refusal => {
    switch (type) {
      case 'take':
        if (owner !== undefined) return new Refusal('taken', { name, by: owner })
        return { names: { ...state.names, [name]: by } }
      case 'free': {
        if (owner !== by) return new Refusal('not_yours', { name })
        const { [name]: _, ...names } = state.names
        return { names }
      }
      case 'spend':
        if (spent + amount > BUDGET) return new Refusal('too_much', { spent })
        return { spent: spent + amount }
      case 'refill':
        return spent * 2 > BUDGET ? { spent: 0 } : new Refusal('not_needed', { spent })
      default:
        return {}
    }
  }
  const changed = change()
  if (changed instanceof Refusal) return changed
  const before = state.done[by]
  const done = before?.n === n ? state.done : { ...state.done, [by]: { n, before } }
  const trail = (Math.imul(state.trail, 31) + Math.imul(n, 7) + by.length + seq) >>> 0
  return { ...state, ...changed, done, trail }
}

function wasDone({ done }: State, by: string, n: number): boolean {
  let [each, left] = [done[by], REMEMBERED]
  for (; each !== undefined && left > 0; each = each.before, left--) if (each.n === n) return true
  return false
}

function isShown(shown: Shown, { seq, names, spent, trail }: State): boolean {
  if (shown.seq !== undefined && shown.seq !== seq) return false
  if (shown.trail !== trail || shown.spent !== spent) return false
  const entries = Object.entries(shown.names)
  return (
    entries.length === Object.keys(names).length &&
    entries.every(([name, by]) => names[name] === by)
  )
}

/** Details are small objects without order, of plain values. */
function isSame(a: unknown, b: unknown): boolean {
  const sorted = (value: unknown) =>
    JSON.stringify(typeof value === 'object' && value ? Object.entries(value).sort() : value)
  return sorted(a) === sorted(b)
}

/** FNV-1a, with two bases. */
function mixed({ high, low }: State, text: string): [number, number] {
  let [one, other] = [high ^ 0x811c9dc5, low ^ 0x2f0b4c47]
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    one = Math.imul(one ^ code, 0x01000193)
    other = Math.imul(other ^ code, 0x0100019d)
  }
  return [one ^ (one >>> 15), other ^ (other >>> 15)]
}
