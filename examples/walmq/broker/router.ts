// Which partition a message goes to.

/**
 * FNV-1a, 32 bits, over the key's UTF-8 bytes, modulo the number of partitions. It never changes: messages of
 * one key stay in one partition, and in order, for as long as no partitions are added.
 */
export const partitionOf = (key: string, partitions: number): number => fnv1a(key) % partitions

function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash
}
