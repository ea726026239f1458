// Several journals in one process: what they share is the disk, the processor, and four threads that sync.
import { join } from 'node:path'
import { median, timed } from './measure.ts'
import { order, orders, warmUp } from './orders.ts'
import { report } from './progress.ts'
import { atMost, directoryIn, type Options, type Row } from './row.ts'

const SIZES = [1, 2, 4, 8, 16]
/** Of each journal, in a round. */
const CALLS = 100

export async function sideBySide(options: Options): Promise<Row> {
  const title = 'journals side by side'
  await warmUp(options)
  const directory = directoryIn(options)('journals')
  const points: [number, number][] = []
  for (const size of SIZES) {
    report(`${title}: ${size}`)
    const paths = Array.from({ length: size }, (_, at) => join(directory, `${size}-${at}.jsonl`))
    const stores = await Promise.all(paths.map((path) => orders.open(path)))
    const samples: number[] = []
    for (let round = -1; round < options.rounds; round++) {
      const ms = await timed(() =>
        Promise.all(
          stores.map(async (store) => {
            for (let n = 0; n < CALLS; n++) await store.dispatch('put', order(n))
          }),
        ),
      )
      if (round >= 0) samples.push((ms * 1000) / (size * CALLS))
    }
    points.push([size, median(samples)])
    for (const store of stores) await store.close()
  }
  report()
  const at = (size: number) => points.find(([each]) => each === size)?.[1] ?? Number.NaN
  return {
    id: 'journals',
    title,
    work: 'a durable dispatch, each awaited before the next of the same journal; time by the number of all',
    unit: 'µs',
    figures: [],
    curves: { of: 'journals', lines: [{ name: 'ministore', role: 'ministore', points }] },
    targets: [atMost('four journals take at most half the time of one', at(4) / at(1), 0.5)],
    skipped: [],
  }
}
