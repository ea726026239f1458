// Idempotency keys: what it costs to remember a hundred thousand of them.
import { inChild } from './child-process.ts'
import { report } from './progress.ts'
import { atMost, type Options, type Row } from './row.ts'

const COUNT = 100_000

export async function keys(_: Options): Promise<Row> {
  const title = 'idempotency keys'
  report(title)
  const without = await inChild('keys', { count: COUNT, isKeyed: false }, ['--expose-gc'])
  const keyed = await inChild('keys', { count: COUNT, isKeyed: true }, ['--expose-gc'])
  report()
  const bytes = (keyed.bytes - without.bytes) / COUNT
  const figure = (name: string, value: number) =>
    ({ name, role: 'ministore', value, ratio: value / without.lastUs }) as const
  return {
    id: 'keys',
    title,
    work: `dispatches in memory, ${COUNT.toLocaleString('en')} with a key each`,
    unit: 'µs',
    figures: [
      { name: 'without a key', role: 'floor', value: without.lastUs, ratio: 1 },
      figure('with a key, the first ones', keyed.firstUs),
      figure(`with a key, the last ones of ${COUNT.toLocaleString('en')}`, keyed.lastUs),
      figure('with a key that was there', keyed.repeatedUs),
    ],
    targets: [
      atMost('a key takes at most 1,024 bytes', bytes, 1024),
      atMost(
        'a dispatch with the last key ≤ 1.5 × with the first',
        keyed.lastUs / keyed.firstUs,
        1.5,
      ),
    ],
    skipped: [],
    notes: [
      `${bytes.toFixed(0)} bytes a key, its record in the journal in memory not counted twice`,
    ],
  }
}
