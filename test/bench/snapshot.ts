// Opening with a snapshot: the state is read, and only the records behind it are replayed.
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { inChild } from './child-process.ts'
import { forge } from './journals.ts'
import { order, orders } from './orders.ts'
import { report } from './progress.ts'
import { megabytes, raceChildren, rounds } from './replay.ts'
import { atMost, directoryIn, type Options, type Row } from './row.ts'

const TAIL = 100

export async function snapshot(options: Options): Promise<Row> {
  const title = 'open with a snapshot'
  const { records } = options
  // A small state is read so fast that nothing but starting would be measured.
  const live = Math.ceil(records / 10)
  const directory = directoryIn(options)('snapshot')
  const [path, whole] = [join(directory, 'orders.jsonl'), join(directory, 'whole.jsonl')]
  report(`${title}: writing ${records} records`)
  await forge(path, records, live)
  const store = await orders.open(path)
  const receipt = await store.snapshot()
  for (let n = 0; n < TAIL; n++) await store.dispatch('put', order(n, live))
  await store.close()
  cpSync(path, whole)
  const { figures, skipped, ratio } = await raceChildren(title, rounds(options), [
    {
      ...{
        name: 'JSON.parse of the snapshot',
        role: 'floor',
        note: 'the file is in memory; what it gives is kept',
      },
      time: () => inChild('parse', { path: receipt.path, isKept: true }),
    },
    {
      ...{ name: 'ministore, with the snapshot', role: 'ministore' },
      note: 'open: the journal’s end, the snapshot with its checksums, the tail',
      time: () => inChild('open', { path }),
    },
    {
      ...{ name: 'ministore, without it', role: 'ministore', note: 'full replay' },
      time: () => inChild('open', { path: whole }),
    },
  ])
  return {
    id: 'snapshot',
    title,
    work: `${records} records, ${live} live keys, ${TAIL} records after the snapshot of ${megabytes(receipt.path)} MB`,
    unit: 'ms',
    figures,
    targets: [
      atMost(
        'ministore ≤ 2 × JSON.parse of the snapshot',
        ratio('ministore, with the snapshot', 'JSON.parse of the snapshot'),
        2,
      ),
    ],
    skipped,
  }
}
