// Step 3, the other way round: a journal's records → state. The port itself is in types.ts.
import { reduce } from './draft.ts'
import { StoreError } from './errors.ts'
import { decode } from './record/decode.ts'
import { encodeBody } from './record/encode.ts'
import type { Decoded, Definition, Head, Journal, Keys } from './types.ts'

/**
 * The state after seq `until`; with `keys`, remembers the idempotency keys on the way.
 * Throws StoreError at the first record that does not fit: `corrupt` where a seq is missing,
 * else as `decode` and `reduce` do.
 */
export async function replay(
  definition: Definition,
  journal: Journal,
  { until, keys }: { until?: number | undefined; keys?: Keys } = {},
): Promise<Head> {
  let { state, seq } = { state: definition.initial, seq: 0 }
  for await (const entries of journal.read(0, { to: until })) {
    for (const entry of entries) {
      // What the state already holds is skipped, so meeting a record twice is harmless.
      if (entry.seq <= seq) continue
      seq += 1
      if (entry.seq !== seq) {
        const gap = `${journal.name}: record ${seq} is missing, ${entry.seq} comes instead`
        throw new StoreError('corrupt', gap, { seq, path: journal.name })
      }
      const record = decode(definition, entry)
      for (const part of record.parts) state = reduce(state, part, record.meta)
      if (keys) remember(keys, record)
    }
  }
  return { state, seq }
}

export function remember(keys: Keys, { meta: { key, seq, at }, parts }: Decoded): void {
  const receipt = Object.freeze({ ok: true, seq, at, duplicate: true })
  if (key !== undefined) keys.set(key, { body: encodeBody(parts), receipt })
}
