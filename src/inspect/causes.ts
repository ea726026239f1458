// What caused a record, and what it caused: the links that records' metadata has, as a tree.

/** A record of the journal by its seq, or an id from elsewhere. */
export type Cause = number | string

export interface CauseNode {
  readonly cause: Cause
  /** 0 for what nothing in the journal caused. */
  readonly depth: number
  /** Whether it is the last of its siblings, and so of each of its ancestors, from depth 1 on. */
  readonly isLast: readonly boolean[]
}

/** The links of a journal. It holds those only, since records may be large. */
export class Causes {
  /** The first cause of each record that has one. */
  readonly #rootOf = new Map<number, Cause>()
  readonly #effects = new Map<Cause, number[]>()
  /** Its own, or that of the nearest of what caused it. */
  readonly #correlationOf = new Map<number, string>()
  readonly #correlated = new Map<string, number[]>()

  /** In the order of the journal. `metadata` is foreign: what does not fit is not a link. */
  add(seq: number, metadata: { readonly [field: string]: unknown } = {}): void {
    const { causationId, correlationId } = metadata
    const isOwn = typeof correlationId === 'string'
    let id = isOwn ? correlationId : undefined
    // What names itself, or a later record, was not caused by it: so no chain has a cycle.
    const isEarlier = typeof causationId === 'number' && causationId < seq
    if (isEarlier || typeof causationId === 'string') {
      // Kept here, not looked for later: each record of a chain would walk all of it.
      this.#rootOf.set(seq, (isEarlier && this.#rootOf.get(causationId)) || causationId)
      if (isEarlier) id ??= this.#correlationOf.get(causationId)
      push(this.#effects, causationId, seq)
    }
    if (id !== undefined) this.#correlationOf.set(seq, id)
    if (isOwn) push(this.#correlated, correlationId, seq)
  }

  /** The correlation that `seq`, or the nearest of what caused it, belongs to. */
  correlationOf(seq: number): string | undefined {
    return this.#correlationOf.get(seq)
  }

  /**
   * All that has the same first cause as `seq`, or as a record with the same correlation, each after the record that caused
   * it. Lazily, and without recursion: a chain may be as long as the journal.
   */
  *tree(seq: number): Generator<CauseNode> {
    const id = this.correlationOf(seq)
    const members = id === undefined ? [] : (this.#correlated.get(id) ?? [])
    const roots = new Set([...members, seq].map((member) => this.#rootOf.get(member) ?? member))
    const stack: CauseNode[] = [...roots]
      .map((cause) => ({ cause, depth: 0, isLast: [] }))
      .reverse()
    for (let node = stack.pop(); node; node = stack.pop()) {
      yield node
      const { cause, depth, isLast } = node
      const effects = this.#effects.get(cause) ?? []
      for (const [index, effect] of effects.toReversed().entries()) {
        stack.push({
          cause: effect,
          depth: depth + 1,
          isLast: [...isLast, index === 0].slice(0, MAX_DRAWN),
        })
      }
    }
  }
}

/** A deeper place is drawn as deep as this. */
export const MAX_DRAWN = 40

function push<K>(lists: Map<K, number[]>, key: K, seq: number): void {
  const list = lists.get(key)
  if (list) list.push(seq)
  else lists.set(key, [seq])
}
