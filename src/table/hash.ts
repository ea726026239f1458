// Where in the trie a key belongs: digits without end, the same on every machine.

/** Slots of a branch: one digit. */
export const WIDTH = 32

const BITS = 5
/** Of one hash. Then comes the next hash of the key, with another seed. */
const DIGITS = Math.floor(32 / BITS)

/** A key's digits by depth, asked for from the root down. */
export function digitsOf(key: string): (depth: number) => number {
  let bits = 0
  let seed = -1
  return (depth) => {
    const needed = Math.floor(depth / DIGITS)
    if (needed !== seed) bits = hash(key, needed)
    seed = needed
    return (bits >>> (BITS * (depth % DIGITS))) & (WIDTH - 1)
  }
}

/** FNV-1a over the key's UTF-16 code units, then the finaliser of MurmurHash3. */
export function hash(key: string, seed: number): number {
  let bits = 0x811c9dc5 ^ Math.imul(seed, 0x9e3779b1)
  for (let at = 0; at < key.length; at++) {
    bits = Math.imul(bits ^ key.charCodeAt(at), 0x01000193)
  }
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}
