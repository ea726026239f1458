// How long an idempotency key is known: a function of the journal and the window, whichever way the store came to it.
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { defineStore, memoryJournal } from 'ministore-ts'
import { sharedJournal } from 'ministore-ts/shared'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { perfect, Server } from '../shared/simulated-engine.ts'

type Keep = { records: number } | { days: number }
const DAY = 86_400_000

const counter = (keep?: Keep) =>
  defineStore({
    name: 'counter',
    state: { count: 0 },
    ...(keep && { keys: { keep } }),
    mutations: {
      add: { payload: z.int(), apply: ({ count }, by) => ({ count: count + by }) },
    },
    commands: { addOne: { run: (tx) => void tx.dispatch('add', 1) } },
  })
type Counter = Awaited<ReturnType<ReturnType<typeof counter>['memory']>>

/** Whether the store knows the key; writes nothing. */
async function knows(store: Counter, key: string): Promise<boolean> {
  const asked = store.dispatch('add', 99, { key, expectSeq: 1e9 })
  const code = await asked.then(undefined, (error: { code: string }) => error.code)
  expect(['key_reused', 'conflict']).toContain(code)
  return code === 'key_reused'
}
const known = async (store: Counter, keys: readonly string[]) => {
  const found = []
  for (const key of keys) if (await knows(store, key)) found.push(key)
  return found
}

describe('a window of keys', () => {
  test('of records knows the keys of the last ones', async () => {
    const store = await counter({ records: 2 }).memory()
    const first = await store.dispatch('add', 1, { key: 'a' })
    await store.dispatch('add', 1)
    expect(await store.dispatch('add', 1, { key: 'a' })).toEqual({ ...first, duplicate: true })
    await store.dispatch('add', 1)
    expect(await store.dispatch('add', 1, { key: 'a' })).toMatchObject({ seq: 4, duplicate: false })
    expect(await store.dispatch('add', 1, { key: 'a' })).toMatchObject({ seq: 4, duplicate: true })
  })

  test('of days is measured from the last record, so an idle store forgets nothing', async () => {
    let now = 0
    const store = await counter({ days: 1 }).memory([], { now: () => now })
    await store.execute('addOne', undefined, { key: 'a' })
    now = 5 * DAY
    expect(await knows(store, 'a')).toBe(true)
    await store.dispatch('add', 1)
    expect(await knows(store, 'a')).toBe(false)
    await store.dispatch('add', 1, { key: 'b' })
    now += DAY
    await store.dispatch('add', 1)
    expect(await knows(store, 'b')).toBe(true)
    now += 1
    await store.dispatch('add', 1)
    expect(await knows(store, 'b')).toBe(false)
  })

  test('without one, keys are known for the life of the journal', async () => {
    const store = await counter().memory()
    await store.dispatch('add', 1, { key: 'a' })
    for (let n = 0; n < 100; n++) await store.dispatch('add', 1)
    expect(await knows(store, 'a')).toBe(true)
  })

  test('is not moved on by what does not become durable', async () => {
    const server = new Server()
    let isAway = false
    const network = { ...perfect, fate: () => (isAway ? 'refused' : 'arrives') as never }
    const store = await counter({ records: 2 }).open(
      sharedJournal(server.engine(network), { timeout: 50 }),
    )
    await store.dispatch('add', 1, { key: 'a' })
    isAway = true
    const lost = [1, 2, 3].map((by) => store.dispatch('add', by).catch((error) => error.code))
    // In flight, the key is out of the window: so this is another request, and fails with the others.
    const again = store.dispatch('add', 1, { key: 'a' }).catch((error) => error.code)
    expect(await Promise.all([...lost, again])).toEqual(Array(4).fill('unavailable'))
    isAway = false
    expect(await store.dispatch('add', 1, { key: 'a' })).toMatchObject({ seq: 1, duplicate: true })
    await store.close()
  })

  test('that a newer definition changes counts from then on; what was compacted away stays forgotten', async () => {
    const path = join(await mkdtemp(join(tmpdir(), 'keys-')), 'counter.jsonl')
    const keys = ['a', 'b', 'c', 'd']
    const store = await counter({ records: 2 }).open(path)
    for (const key of keys) await store.dispatch('add', 1, { key })
    await store.snapshot()
    await store.close()
    const openWith = async (keep?: Keep) => {
      const open = await counter(keep).open(path)
      const found = await known(open, keys)
      return { open, found }
    }
    const wider = await openWith({ records: 3 })
    expect(wider.found).toEqual(['b', 'c', 'd'])
    expect(wider.open.recovery.snapshot).toMatchObject({ used: false })
    await wider.open.close()
    const all = await openWith()
    expect(all.found).toEqual(keys)
    await all.open.close()
    const narrow = await openWith({ records: 2 })
    expect(narrow.found).toEqual(['c', 'd'])
    expect(narrow.open.recovery.snapshot).toMatchObject({ used: true })
    await narrow.open.compact()
    await narrow.open.close()
    const after = await openWith()
    expect(after.found).toEqual(['c', 'd'])
    await after.open.close()
    const narrower = await openWith({ records: 1 })
    expect(narrower.found).toEqual(['d'])
    await narrower.open.close()
  })

  test.each([
    [{ keep: { records: 0 } }],
    [{ keep: { records: 1.5 } }],
    [{ keep: { days: 0 } }],
    [{ keep: { days: Number.POSITIVE_INFINITY } }],
    [{ keep: { records: 1, days: 1 } }],
    [{ keep: {} }],
    [{}],
    ['all'],
  ])('%j is a bad definition', (keys) => {
    const define = () =>
      defineStore({ name: 'a', state: { n: 0 }, keys: keys as never, mutations: {} })
    expect(define).toThrow(expect.objectContaining({ code: 'bad_definition' }))
  })
})

const KEYS = ['a', 'b', 'c']
const step = fc.record({
  key: fc.constantFrom(undefined, ...KEYS),
  isCommand: fc.boolean(),
  isAwaited: fc.boolean(),
  hours: fc.integer({ min: 0, max: 30 }),
})
const keep = fc.oneof(
  fc.record({ records: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ days: fc.integer({ min: 1, max: 3 }) }),
)

test('live, replayed, from a snapshot, compacted, and on a shared journal, the same keys are known', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'keys-'))
  let run = 0
  await fc.assert(
    fc.asyncProperty(
      keep,
      fc.array(step, { maxLength: 25 }),
      fc.nat(24),
      async (keep, steps, cut) => {
        let now = 0
        const definition = counter(keep)
        const server = new Server()
        const path = join(folder, `${run++}.jsonl`)
        const options = { now: () => now }
        const memory = memoryJournal()
        const stores = [
          await definition.open(memory, options),
          await definition.open(path, { ...options, durability: 'os' }),
          await definition.open(sharedJournal(server.engine()), options),
        ]
        /** What the promise says: of the records so far, the last with the key, if it is in the window. */
        const records: { key: string | undefined; at: number; isCommand: boolean }[] = []
        const expected = (key: string) => {
          const index = records.findLastIndex((record) => record.key === key)
          const found = records[index]
          if (!found) return undefined
          const last = records.at(-1)?.at ?? 0
          const isKept =
            'records' in keep
              ? records.length - 1 - index < keep.records
              : last - found.at <= keep.days * DAY
          return isKept ? { ...found, seq: index + 1 } : undefined
        }
        for (const [index, { key, isCommand, isAwaited, hours }] of steps.entries()) {
          now += (hours * DAY) / 24
          const first = key === undefined ? undefined : expected(key)
          const outcome =
            !first || first.isCommand === isCommand ? { duplicate: !!first } : 'key_reused'
          if (!first) records.push({ key, at: now, isCommand })
          const all = stores.map((store) =>
            (isCommand
              ? store.execute('addOne', undefined, { key })
              : store.dispatch('add', 1, { key })
            ).then(
              ({ duplicate }) => ({ duplicate }),
              (error: { code: string }) => error.code,
            ),
          )
          const asserted = Promise.all(all).then((found) => {
            // Without a key, a command is not compared with anything.
            expect(found, `step ${index}`).toEqual(stores.map(() => outcome))
          })
          // On a shared journal, this is decided again when all before it is durable.
          if (isAwaited || outcome === 'key_reused') await asserted
          if (index !== cut) continue
          await asserted
          if (run % 2 === 0) await stores[1]?.compact()
          else await stores[1]?.snapshot()
        }
        const wanted = KEYS.filter((key) => expected(key))
        for (const store of stores) expect(await known(store, KEYS)).toEqual(wanted)
        for (const store of stores) await store.close()
        const again = [
          await definition.open(memoryJournal(memory.entries.map(({ text }) => text))),
          await definition.open(path, { durability: 'os' }),
          await definition.open(sharedJournal(server.engine())),
        ]
        for (const store of again) expect(await known(store, KEYS)).toEqual(wanted)
        for (const store of again) await store.close()
      },
    ),
    { numRuns: 25 },
  )
})
