// Keys that an attacker would choose: their hashes are equal, all 32 bits of them.
import { hash } from '../../src/table/hash.ts'

/**
 * 2^stages keys with the same hash. Found as Joux did it: two blocks that collide from where the last
 * two ended; any choice of one block at each stage gives the same.
 */
export function collidingKeys(stages: number): string[] {
  let keys = ['']
  for (let stage = 0; stage < stages; stage++) {
    const blocks = collidingBlocks(keys[0] ?? '')
    keys = keys.flatMap((key) => blocks.map((block) => key + block))
  }
  return keys
}

function collidingBlocks(prefix: string): [string, string] {
  const seen = new Map<number, string>()
  for (let n = 1; ; n++) {
    // Any three code units: letters alone are too much alike to collide.
    const units = [0x9e37, 0x85eb, 0xc2b3].map((odd) => (Math.imul(n, odd) ^ (n >>> 3)) & 0xffff)
    const block = String.fromCharCode(...units)
    const bits = hash(prefix + block, 0)
    const other = seen.get(bits)
    if (other !== undefined && other !== block) return [other, block]
    seen.set(bits, block)
  }
}
