// JITI_TSCONFIG_PATHS=true node --import jiti/register test/snapshot/large.ts [megabytes]
// A state that no string could hold, through a snapshot and back: how long, in how much memory, and
// for how long at most nobody else came in between.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { defineStore } from 'ministore-ts'
import { z } from 'zod'

const [megabytes = 300] = process.argv.slice(2).map(Number)
const ROWS = 5000

const rows = defineStore({
  name: 'rows',
  state: { blocks: {} as Record<string, { id: number; text: string }[]> },
  mutations: {
    add: {
      payload: z.number(),
      apply(draft, block) {
        const text = 'x ü'.repeat(60)
        draft.blocks[block] = Array.from({ length: ROWS }, (_, id) => ({ id, text: text + id }))
      },
    },
  },
})

const directory = mkdtempSync(join(tmpdir(), 'ministore-large-'))
const path = join(directory, 'rows.jsonl')
const say = (what: string, since: number) =>
  console.log(
    `${what}: ${Math.round(performance.now() - since)} ms, rss ${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB`,
  )
try {
  const store = await rows.open(path)
  const bytes = ROWS * 270
  for (let n = 0; n * bytes < megabytes * 2 ** 20; n++) await store.dispatch('add', n)
  const delay = monitorEventLoopDelay({ resolution: 1 })
  for (const what of ['snapshot', 'compact'] as const) {
    delay.reset()
    delay.enable()
    const since = performance.now()
    const { bytes } = await store[what]()
    say(`${what} of ${Math.round(bytes / 2 ** 20)} MiB`, since)
    delay.disable()
    console.log(`  longest turn ${Math.round(delay.max / 1e6)} ms`)
  }
  await store.snapshot()
  await store.close()
  const parsing = performance.now()
  let start = 0
  const file = readFileSync(`${path}.snapshot`)
  for (let end = file.indexOf(10); end >= 0; end = file.indexOf(10, start)) {
    JSON.parse(file.toString('utf8', start, end))
    start = end + 1
  }
  say('JSON.parse of its lines', parsing)
  const opening = performance.now()
  const again = await rows.open(path)
  say('open from the snapshot', opening)
  console.log(again.recovery, Object.keys(again.state.blocks).length)
  await again.close()
} finally {
  rmSync(directory, { recursive: true })
}
