// What a replay needs beside the state it gives, however large the journal is.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { inChild } from './child-process.ts'
import { forge } from './journals.ts'
import { line } from './orders.ts'
import { report } from './progress.ts'
import { LIVE } from './replay.ts'
import { atMost, directoryIn, type Options, type Row } from './row.ts'

export async function memory(options: Options): Promise<Row> {
  const title = 'memory of a replay'
  const size = options.isQuick ? 6.4e7 : 1e9
  const path = join(directoryIn(options)('memory'), 'orders.jsonl')
  report(`${title}: writing ${size / 1e6} MB`)
  await forge(path, Math.ceil(size / line.length), LIVE)
  report(title)
  const state = await inChild('hold', { live: LIVE })
  const opened = await inChild('open', { path })
  report()
  const over = opened.peakMB - state.peakMB
  return {
    id: 'memory',
    title,
    work: `peak resident memory of a process that opens a journal of ${(statSync(path).size / 1e6).toFixed(0)} MB, ${LIVE} live keys`,
    unit: 'MB',
    figures: [
      {
        ...{
          name: 'Node, the modules and the state',
          role: 'floor',
          value: state.peakMB,
          ratio: 1,
        },
      },
      {
        ...{ name: 'ministore, opening it', role: 'ministore', value: opened.peakMB },
        ratio: opened.peakMB / state.peakMB,
      },
    ],
    targets: [atMost('ministore ≤ state + 100 MB', over, 100)],
    skipped: [],
  }
}
