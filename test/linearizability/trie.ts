// A map that is never changed: a longer one shares almost all of it. The model has a state for each record.

const BITS = 3
const MASK = (1 << BITS) - 1

type Node<V> = readonly (Node<V> | V | undefined)[]

/** From small integers, to values that are no arrays. */
export class Trie<V extends object | number> {
  static readonly empty: Trie<never> = new Trie<never>([], 0)
  readonly #root: Node<V>
  /** Bits of an index below the root's. */
  readonly #shift: number

  private constructor(root: Node<V>, shift: number) {
    this.#root = root
    this.#shift = shift
  }

  get(index: number): V | undefined {
    if (index >> (this.#shift + BITS) > 0) return undefined
    let node: Node<V> | V | undefined = this.#root
    for (let shift = this.#shift; Array.isArray(node) && shift >= 0; shift -= BITS)
      node = (node as Node<V>)[(index >> shift) & MASK]
    return node as V | undefined
  }

  with<W extends object | number>(index: number, value: W): Trie<V | W> {
    let [root, shift]: [Node<V | W>, number] = [this.#root, this.#shift]
    for (; index >> (shift + BITS) > 0; shift += BITS) root = [root]
    return new Trie(placed(root, shift, index, value), shift)
  }
}

function placed<V>(node: Node<V>, shift: number, index: number, value: V): Node<V> {
  const copy = [...node]
  const at = (index >> shift) & MASK
  copy[at] = shift === 0 ? value : placed((node[at] ?? []) as Node<V>, shift - BITS, index, value)
  return copy
}
