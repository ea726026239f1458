// Journals of any size, written without dispatching a single record.
import { once } from 'node:events'
import { createWriteStream, readFileSync } from 'node:fs'
import { encodeHeader, encodeLine, seedOf } from '../../src/journals/file/format/line.ts'
import { order } from './orders.ts'

const JOURNAL = '00000000-0000-4000-8000-000000000000'
const CREATED = '2026-11-22T12:00:00.000Z'

/** Lines as a store writes them, 100 to a group commit; `live` orders remain. */
export async function forge(path: string, records: number, live: number): Promise<void> {
  const out = createWriteStream(path)
  const seed = seedOf(JOURNAL)
  const header = { format: 'ministore', version: 1, journal: JOURNAL } as const
  out.write(encodeHeader({ ...header, store: 'orders', created: CREATED }))
  for (let seq = 1; seq <= records; seq++) {
    const line = encodeLine({ seq, b: (seq - 1) % 100, text: textOf(seq, live) }, seed)
    if (!out.write(line)) await once(out, 'drain')
  }
  await new Promise<void>((resolve) => out.end(resolve))
}

/** Its keys sorted, as in canonical text. */
function textOf(seq: number, live: number): string {
  const { count, id, item } = order(seq, live)
  const payload = { count, id, item }
  return JSON.stringify({ at: CREATED, type: 'put', payload })
}

/** The records of a journal. */
export function readTexts(path: string): string[] {
  return readFileSync(path, 'utf8').split('\n').slice(1, -1)
}
