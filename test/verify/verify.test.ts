import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { defineStore, type StoreError, type StoreOf } from 'ministore-ts'
import { describe, expect, test } from 'vitest'
import { home, installed } from '../cli/build.ts'
import { tempJournal } from '../file/temp-journal.ts'
import { flip } from '../format/forge.ts'
import { broker } from '../store/broker.ts'

/** The same definition, as a program that was built has it: a worker thread cannot load TypeScript. */
const module = pathToFileURL(join(home(), 'test/store/broker.js'))

/** A module beside the journal, which imports the package as it was built. */
function moduleBeside(path: string, text: string): URL {
  const file = `${path}.module.mjs`
  const dist = pathToFileURL(join(installed(), 'dist/index.js'))
  writeFileSync(file, `import { defineStore } from '${dist}'\n${text}`)
  return pathToFileURL(file)
}

async function opened(count: number): Promise<{ path: string; store: StoreOf<typeof broker> }> {
  const path = tempJournal()
  const store = await broker.open(path, { durability: 'os' })
  const names = Array.from({ length: count }, (_, index) => `topic ${index}`)
  await Promise.all(names.map((name) => store.dispatch('addTopic', { name })))
  return { path, store }
}

describe('store.verify', () => {
  test('finds the state that is in memory on the disk', async () => {
    const { path, store } = await opened(20)
    const { digest } = await broker.replay(path)
    const expected = { ok: true, seq: 20, records: 20, memory: digest, disk: digest }
    expect(await store.verify({ module })).toEqual(expected)
    expect(await store.verify({ module: module.href, export: 'broker' })).toEqual(expected)
    await store.close()
  })

  test('compares a state of many chunks', async () => {
    const { store } = await opened(0)
    const longNames = Array.from({ length: 40 }, (_, index) => `${index}`.padEnd(30_000, 'é😀'))
    for (const name of longNames) await store.dispatch('addTopic', { name })
    expect(await store.verify({ module })).toMatchObject({ ok: true, seq: 40 })
    await store.close()
  })

  test('lets dispatches and a compaction go on meanwhile, and writes nothing', async () => {
    const { path, store } = await opened(2_000)
    const before = readFileSync(path)
    const verified = store.verify({ module })
    let done = false
    void verified.finally(() => {
      done = true
    })
    let dispatched = 0
    for (; !done; dispatched++) {
      await store.dispatch('addTopic', { name: `meanwhile ${dispatched}` })
      // Without a sync, dispatches alone would leave the event loop no turn.
      await new Promise((resolve) => setImmediate(resolve))
    }
    const { ok: isWhole, seq: until, records } = await verified
    expect({ isWhole, records }).toEqual({ isWhole: true, records: until })
    expect(until).toBeGreaterThanOrEqual(2_000)
    expect(dispatched).toBeGreaterThan(0)
    expect(readFileSync(path).subarray(0, before.length).equals(before)).toBe(true)
    const again = store.verify({ module })
    await store.compact()
    await store.dispatch('reset')
    const { ok, seq } = await again
    expect({ ok, isCurrent: seq >= 2_000 }).toEqual({ ok: true, isCurrent: true })
    expect(await store.verify({ module })).toMatchObject({ ok: true, records: 1 })
    await store.close()
  })

  test('reports damage on the disk that the open store does not see', async () => {
    const { path, store } = await opened(20)
    const bytes = readFileSync(path)
    writeFileSync(path, flip(bytes, bytes.indexOf('topic 7')))
    const { ok, seq, disk, problem } = await store.verify({ module })
    expect({ ok, seq, disk }).toEqual({ ok: false, seq: 20, disk: undefined })
    expect(problem).toMatchObject({ code: 'corrupt', message: expect.stringContaining(path) })
    writeFileSync(path, bytes)
    expect(await store.verify({ module })).toMatchObject({ ok: true })
    await store.close()
  })

  test('reports that the journal gives another state', async () => {
    const { path, store } = await opened(3)
    const other = moduleBeside(
      path,
      `export const other = defineStore({ name: 'broker', state: {}, mutations: {
        addTopic: { apply: (draft) => { draft.n = (draft.n ?? 0) + 1 } } } })`,
    )
    const report = await store.verify({ module: other })
    expect(report).toMatchObject({ ok: false, seq: 3, records: 3 })
    expect(report.disk).toMatch(/^sha256:/)
    expect(report.disk).not.toBe(report.memory)
    await store.close()
  })

  test.each([
    ['has no definition', 'export const answer = 42', 'it exports answer'],
    [
      'has another store',
      `export const s = defineStore({ name: 's', state: {}, mutations: {} })`,
      's',
    ],
    ['throws', `throw new Error('no database')`, 'no database'],
    ['cannot be parsed', 'export const = 1', 'Missing initializer|Unexpected'],
  ])('fails with bad_definition if the module %s', async (_, text, message) => {
    const { path, store } = await opened(1)
    const error = await store
      .verify({ module: moduleBeside(path, text) })
      .catch((e: StoreError) => e)
    expect(error).toMatchObject({ code: 'bad_definition', message: expect.stringMatching(message) })
    await store.dispatch('reset')
    await store.close()
  })

  test('names what it needs: a URL, a journal in a file, a store that is open', async () => {
    const { store } = await opened(1)
    for (const given of [undefined, {}, { module: '' }, { module: './broker.js' }])
      await expect(store.verify(given as never)).rejects.toThrow("new URL('./broker.js'")
    const inMemory = await broker.memory()
    await expect(inMemory.verify({ module })).rejects.toThrow(/memory.* a journal in a file can/)
    await store.close()
    await expect(store.verify({ module })).rejects.toMatchObject({ code: 'closed' })
  })

  const COUNTER = `export const counter = defineStore({ name: 'counter', state: { count: 0 }, mutations: { inc: { apply: (draft) => void draft.count++ } } })
`
  const counter = defineStore({
    name: 'counter',
    state: { count: 0 },
    mutations: { inc: { apply: (draft) => void draft.count++ } },
  })

  /** Verifies a counter with a module of this text. */
  async function verifiedWith(text: string) {
    const path = tempJournal()
    const store = await counter.open(path)
    await store.dispatch('inc')
    return store
      .verify({ module: moduleBeside(path, text) })
      .catch((error) => error)
      .finally(() => store.close())
  }

  test.each([
    ['waits without end', 'await new Promise(() => {})'],
    ['ends its process', 'process.exit(0)'],
    [
      'throws later',
      'setTimeout(() => { throw new Error("later") }); await new Promise((end) => setTimeout(end, 1000))',
    ],
    [
      'has an unhandled rejection',
      'Promise.reject(1); await new Promise((end) => setTimeout(end, 1000))',
    ],
    ['exports two definitions of one name', COUNTER.replace('counter =', 'older =')],
  ])('ends with bad_definition if the module %s', async (_, text) => {
    expect(await verifiedWith(COUNTER + text)).toMatchObject({ code: 'bad_definition' })
  })

  test.each([
    [
      'talks to its parent',
      "process.getBuiltinModule('node:worker_threads').parentPort.postMessage('ready')",
    ],
    [
      'sends null to its parent',
      "process.getBuiltinModule('node:worker_threads').parentPort.postMessage(null)",
    ],
    [
      'closes the port to its parent',
      "process.getBuiltinModule('node:worker_threads').parentPort.close()",
    ],
    ['keeps a timer', 'setInterval(() => {}, 10)'],
    ['exports the definition twice', 'export { counter as again }'],
    [
      'exports what cannot be looked into',
      'export const odd = new Proxy({}, { has() { throw 1 } })',
    ],
  ])('is right if the module %s', async (_, text) => {
    expect(await verifiedWith(COUNTER + text)).toMatchObject({ ok: true, seq: 1 })
  })

  test('finds the definition in a CommonJS module whose exports are computed', async () => {
    const named = `${COUNTER.replace('export ', '')}export default { ...{ counter } }`
    expect(await verifiedWith(named)).toMatchObject({ ok: true, seq: 1 })
  })

  test('ends with the reason of its signal', async () => {
    const { store } = await opened(1)
    const controller = new AbortController()
    const { signal } = controller
    const verified = store.verify({ module, signal })
    controller.abort(new Error('enough'))
    await expect(verified).rejects.toThrow('enough')
    await expect(store.verify({ module, signal })).rejects.toThrow('enough')
    await store.close()
  })
})
