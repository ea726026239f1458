// What a replay check costs: a journal of a million records against a bare JSON.parse of its lines.
// npm run bench:check -- [--records n] [--live n] [--json file]
import { once } from 'node:events'
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { defineStore } from 'ministore-ts'
import { z } from 'zod'
import { encodeHeader, encodeLine, seedOf } from '../../src/journals/file/format/line.ts'

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '1000000' },
    live: { type: 'string', default: '20' },
    json: { type: 'string' },
  },
})
const [records, live] = [Number(values.records), Number(values.live)]
const JOURNAL = '00000000-0000-4000-8000-000000000000'

interface Topic {
  name: string
  partitions: number
  owner: string
  createdAt: string
}
const broker = defineStore({
  name: 'broker',
  state: { topics: {} as Record<string, Topic>, changes: 0 },
  mutations: {
    setTopic: {
      payload: z.object({
        name: z.string().min(1),
        partitions: z.int().positive(),
        owner: z.string(),
      }),
      apply(draft, payload, { at }) {
        draft.topics[payload.name] = { ...payload, createdAt: at }
        draft.changes += 1
      },
    },
  },
})

const directory = mkdtempSync(join(tmpdir(), 'ministore-bench-'))
try {
  const path = join(directory, 'broker.jsonl')
  await forge(path)
  const lines = readFileSync(path, 'utf8').split('\n').slice(1, -1)
  const parse = median(5, () => {
    let sum = 0
    for (const line of lines) sum += JSON.parse(line).seq
    return sum
  })
  lines.length = 0
  const [open, opened] = await timed(() => broker.replay(path))
  const [check, report] = await timed(() => broker.replayCheck(path))
  if (!report.ok || report.digest !== opened.digest)
    throw new Error(JSON.stringify(report.findings))
  const rows = [
    { work: 'JSON.parse of its lines', ms: parse, ratio: 1 },
    { work: 'replay (opening it)', ms: open, ratio: open / parse },
    { work: 'replay check', ms: check, ratio: check / parse },
  ]
  console.log(`${records} records, ${live} live keys, Node ${process.version}`)
  for (const { work, ms, ratio } of rows)
    console.log(
      `${work.padEnd(26)}${ms.toFixed(0).padStart(8)} ms${ratio.toFixed(2).padStart(8)} ×`,
    )
  console.log(`peak memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`)
  if (values.json) writeFileSync(values.json, JSON.stringify({ records, live, rows }, null, 2))
} finally {
  rmSync(directory, { recursive: true, force: true })
}

/** Lines as a store writes them, 100 to a group commit. */
async function forge(path: string): Promise<void> {
  const out = createWriteStream(path)
  const seed = seedOf(JOURNAL)
  const created = '2026-11-22T12:00:00.000Z'
  out.write(
    encodeHeader({ format: 'ministore', version: 1, journal: JOURNAL, store: 'broker', created }),
  )
  for (let seq = 1; seq <= records; seq++) {
    const payload = `{"name":"topic-${seq % live}","owner":"team-${seq % 7}","partitions":${(seq % 31) + 1}}`
    const text = `{"at":"${created}","type":"setTopic","payload":${payload}}`
    const isFree = out.write(encodeLine({ seq, b: (seq - 1) % 100, text }, seed))
    if (!isFree) await once(out, 'drain')
  }
  await new Promise<void>((resolve) => out.end(resolve))
}

function median(rounds: number, run: () => unknown): number {
  const times = Array.from({ length: rounds }, () => {
    const start = performance.now()
    run()
    return performance.now() - start
  })
  return times.toSorted((a, b) => a - b)[Math.floor(rounds / 2)] ?? 0
}

async function timed<T>(run: () => Promise<T>): Promise<[number, T]> {
  const start = performance.now()
  const value = await run()
  return [performance.now() - start, value]
}
