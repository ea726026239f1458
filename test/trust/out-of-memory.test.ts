// A heap that is full ends a process at any moment, like a kill: nothing that it acknowledged is lost.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { tempJournal } from '../file/temp-journal.ts'
import { isLong } from '../long.ts'
import { type Bundle, bundle } from './bundle.ts'
import { entryOf, type Hoarding, hoard } from './children/hoarder.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

let program: Bundle
beforeAll(async () => {
  program = await bundle('test/trust/children/hoarder-main.ts')
})
afterAll(() => program?.remove())

async function runOut(path: string, what: Hoarding, megabytes: number) {
  const argv = [`--max-old-space-size=${megabytes}`, program.main, path, what]
  // No core dump.
  const child = spawn('prlimit', ['--core=0', process.execPath, ...argv], { cwd: dirname(path) })
  let said = ''
  let complaint = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    said += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    complaint += text
  })
  await once(child, 'close')
  expect(complaint).toContain('heap out of memory')
  const words = said.split('\n').slice(0, -1)
  const last = words.findLast((word) => word.startsWith('acknowledged'))
  return { words, acknowledged: Number(last?.split(' ')[1] ?? 0) }
}

/** Every record that was acknowledged is there, and at most the one that was not answered. */
async function expectAll(path: string, acknowledged: number): Promise<void> {
  const store = await hoard.open(path)
  const { entries } = store.state
  await store.close()
  expect(entries.length - acknowledged).toBeGreaterThanOrEqual(0)
  expect(entries.length - acknowledged).toBeLessThanOrEqual(1)
  expect(entries.every((entry, index) => entry === entryOf(index + 1))).toBe(true)
}

describe.skipIf(process.platform !== 'linux')('a heap that is full', () => {
  test('while dispatching, and then while opening, loses no acknowledged record', async () => {
    const path = tempJournal('hoard.jsonl')
    const { acknowledged } = await runOut(path, 'dispatch', 32)
    expect(acknowledged).toBeGreaterThan(100)
    // The same state does not fit into a third of that.
    const { words } = await runOut(path, 'dispatch', 12)
    expect(words).toEqual([])
    await expectAll(path, acknowledged)
  })

  test.each(isLong ? (['snapshot', 'compact'] as const) : (['compact'] as const))(
    'during a %s loses no acknowledged record',
    async (what) => {
      const path = tempJournal('hoard.jsonl')
      const { words, acknowledged } = await runOut(path, what, 48)
      expect(words.some((word) => word.startsWith('begun'))).toBe(true)
      await expectAll(path, acknowledged)
    },
  )
})
