import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { Rejection, type StoreError } from 'ministore-ts'
import { type SharedJournal, sharedJournal } from 'ministore-ts/shared'
import { describe, expect, test } from 'vitest'
import { names, opened } from './names.ts'
import { type Fate, type Network, perfect, Server } from './simulated-engine.ts'

describe('two processes with one journal', () => {
  test('see what the other appended, in one order', async () => {
    const server = new Server()
    const [a, b] = [await opened(server), await opened(server)]
    await a.dispatch('take', { name: 'x', by: 'a' })
    await b.dispatch('take', { name: 'y', by: 'b' })
    expect(b.state.taken).toEqual({ x: 'a', y: 'b' })
    expect(await a.refresh()).toEqual(b.state)
    await a.close()
    await b.close()
  })

  test('an idle one follows, and its listeners hear of each record once', async () => {
    const server = new Server()
    const [a, b] = [await opened(server), await opened(server)]
    const heard: [number, number][] = []
    b.subscribe((state, previous, records) => {
      for (const { seq } of records) heard.push([seq, state.count - previous.count])
    })
    for (const name of ['x', 'y', 'z']) await a.dispatch('take', { name, by: 'a' })
    await expect.poll(() => b.seq).toBe(3)
    await b.dispatch('take', { name: 'w', by: 'b' })
    await expect.poll(() => a.seq).toBe(4)
    expect(heard).toEqual([1, 2, 3, 4].map((seq) => [seq, 1]))
    await a.close()
    await b.close()
  })

  test('a rule is asked again on what the other did first', async () => {
    const server = new Server()
    const [a, b] = [await opened(server), await opened(server)]
    const both = await Promise.all([
      a.dispatch('take', { name: 'x', by: 'a' }).safe(),
      b.dispatch('take', { name: 'x', by: 'b' }).safe(),
    ])
    expect(both.map(({ ok }) => ok).sort()).toEqual([false, true])
    const refused = both.find((each) => !each.ok)
    expect(refused).toMatchObject({ code: 'taken', details: { name: 'x' } })
    expect(server.head).toBe(1)
    await a.close()
    await b.close()
  })

  test('a command decides again, and its value is that of the decision that counts', async () => {
    const server = new Server()
    const [a, b] = [await opened(server), await opened(server)]
    const values = await Promise.all([
      a.execute('takeFree', { by: 'a' }),
      b.execute('takeFree', { by: 'b' }),
    ])
    expect(values.map(({ value }) => value).sort()).toEqual(['n0', 'n1'])
    expect(values.map(({ seq }) => seq).sort()).toEqual([1, 2])
    await a.close()
    await b.close()
  })

  test('expectSeq compares with what all of them did', async () => {
    const server = new Server()
    const [a, b] = [await opened(server), await opened(server)]
    const both = await Promise.all([
      a.dispatch('take', { name: 'x', by: 'a' }, { expectSeq: 0 }).safe(),
      b.dispatch('take', { name: 'y', by: 'b' }, { expectSeq: 0 }).safe(),
    ])
    const refused = both.find((each) => !each.ok)
    expect(refused).toMatchObject({ code: 'conflict', details: { expected: 0, actual: 1 } })
    await a.close()
    await b.close()
  })

  test('a refusal that rests on what this process has not seen yet is none', async () => {
    const server = new Server()
    const late: Network = { ...perfect, delay: () => 5 }
    const [a, b] = [await opened(server), await opened(server, late)]
    await a.dispatch('take', { name: 'x', by: 'a' })
    // Somebody told b's caller of it before b heard of it.
    const { state } = await b
      .transaction(
        (tx) => {
          tx.dispatch('take', { name: 'y', by: 'b' })
          return { state: tx.state }
        },
        { expectSeq: 1 },
      )
      .then(() => b)
    expect(state.taken).toEqual({ x: 'a', y: 'b' })
    await a.close()
    await b.close()
  })

  test('the same key in two of them is one record, and both get its receipt', async () => {
    const server = new Server()
    const [a, b] = [await opened(server), await opened(server)]
    const payload = { name: 'x', by: 'somebody' }
    const both = await Promise.all([
      a.dispatch('take', payload, { key: 'k' }),
      b.dispatch('take', payload, { key: 'k' }),
    ])
    expect(both.map(({ seq }) => seq)).toEqual([1, 1])
    expect(both.map(({ duplicate }) => duplicate).sort()).toEqual([false, true])
    const other = b.dispatch('take', { name: 'z', by: 'b' }, { key: 'k' })
    await expect(other).rejects.toMatchObject({ code: 'key_reused' })
    await a.close()
    await b.close()
  })

  test('records({ follow }) has those of the others', async () => {
    const server = new Server()
    const [a, b] = [await opened(server), await opened(server)]
    const seen: string[] = []
    const reading = (async () => {
      for await (const { payload } of b.records({ follow: true, until: 4 })) seen.push(payload.by)
    })()
    await a.dispatch('take', { name: 'x', by: 'a' })
    await b.dispatch('take', { name: 'y', by: 'b' })
    await a.dispatchAll([
      { type: 'take', payload: { name: 'z', by: 'a' } },
      { type: 'take', payload: { name: 'w', by: 'a' } },
    ])
    await b.dispatch('take', { name: 'v', by: 'b' })
    await reading
    expect(seen).toEqual(['a', 'b', 'a', 'a', 'b'])
    await a.close()
    await b.close()
  })

  test('what is decided while others are ahead is decided on what they did', async () => {
    const server = new Server()
    const slow: Network = { fate: () => 'fine', delay: () => 3, isAway: () => false }
    const [a, b] = [await opened(server), await opened(server, slow)]
    const first = b.dispatch('take', { name: 'x', by: 'b' }).safe()
    for (let index = 0; index < 30; index++) await a.dispatch('take', { name: `${index}`, by: 'a' })
    const more = Array.from({ length: 10 }, (_, index) =>
      b.dispatch('take', { name: `${index}`, by: 'b' }).safe(),
    )
    const refused = await Promise.all(more)
    expect(refused.map((each) => !each.ok && each.code)).toEqual(more.map(() => 'taken'))
    expect(await first).toMatchObject({ ok: true })
    await a.close()
    await b.close()
  })
})

describe('where the engine fails', () => {
  const failing = (fates: Fate[]): Network => ({
    fate: () => fates.shift() ?? 'fine',
    delay: () => 1,
    isAway: () => false,
  })

  test.each(['refused', 'lost', 'unanswered', 'late'] as const)(
    'a dispatch whose append is %s is durable once when it resolves',
    async (fate) => {
      const server = new Server()
      const a = await opened(server, failing([fate, fate, fate]))
      expect(await a.dispatch('take', { name: 'x', by: 'a' })).toMatchObject({ seq: 1 })
      expect(await a.dispatch('take', { name: 'y', by: 'a' })).toMatchObject({ seq: 2 })
      await sleep(20)
      expect(server.entries.map(({ seq }) => seq)).toEqual([1, 2])
      expect((await a.refresh()).count).toBe(2)
      await a.close()
    },
  )

  test('an answer that is lost is told from another writer that was first', async () => {
    const server = new Server()
    const b = await opened(server)
    const fates: Fate[] = ['lost']
    const a = await opened(server, {
      fate: () => {
        const fate = fates.shift() ?? 'fine'
        // While nobody knows whether it arrived.
        if (fate === 'lost') void b.dispatch('take', { name: 'x', by: 'b' })
        return fate
      },
      delay: () => 1,
      isAway: () => false,
    })
    const refused = await a.dispatch('take', { name: 'x', by: 'a' }).safe()
    expect(refused).toMatchObject({ ok: false, code: 'taken', details: { by: 'b' } })
    expect(server.head).toBe(1)
    await a.close()
    await b.close()
  })

  test('the deadline: certainly not written is unavailable, and the store goes on', async () => {
    const server = new Server()
    let fate: Fate = 'refused'
    const network: Network = { fate: () => fate, delay: () => 1, isAway: () => fate !== 'fine' }
    fate = 'fine'
    const a = await opened(server, network, 60)
    fate = 'refused'
    const refused = a.dispatch('take', { name: 'x', by: 'a' })
    const behind = a.dispatch('take', { name: 'y', by: 'a' })
    await expect(refused).rejects.toMatchObject({ code: 'unavailable' })
    await expect(behind).rejects.toMatchObject({ code: 'unavailable' })
    await expect(a.refresh()).rejects.toMatchObject({ code: 'unavailable' })
    expect(a.state.count).toBe(0)
    fate = 'fine'
    expect(await a.dispatch('take', { name: 'x', by: 'a' })).toMatchObject({ seq: 1 })
    await a.close()
  })

  test('the deadline: what may have been written is unknown, and shows up by itself', async () => {
    const server = new Server()
    let isAway = false
    const fates: Fate[] = []
    const network = { fate: () => fates.shift() ?? 'fine', delay: () => 1, isAway: () => isAway }
    const a = await opened(server, network, 60)
    fates.push('unanswered')
    isAway = true
    fates.push(...Array<Fate>(1000).fill('refused'))
    const heard: number[] = []
    a.subscribe(({ count }) => void heard.push(count))
    const doubtful = a.dispatch('take', { name: 'x', by: 'a' }, { key: 'k' })
    await expect(doubtful).rejects.toMatchObject({ code: 'unknown' })
    isAway = false
    fates.length = 0
    const again = await a.dispatch('take', { name: 'x', by: 'a' }, { key: 'k' })
    expect(again).toMatchObject({ seq: 1, duplicate: true })
    expect(heard).toEqual([1])
    expect(server.head).toBe(1)
    await a.close()
  })

  test('who always comes too late hears so at the deadline', async () => {
    const server = new Server()
    const a = await opened(
      server,
      {
        ...failing([]),
        fate: () => {
          server.append(
            [
              {
                id: 'other',
                text: `{"at":"2026-01-01T00:00:00.000Z","type":"take","payload":{"name":"${server.head}","by":"b"}}`,
              },
            ],
            server.head,
          )
          return 'fine'
        },
      },
      100,
    )
    await expect(a.dispatch('take', { name: 'x', by: 'a' })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('lost the append race'),
    })
    await a.close()
  })
})

describe('a journal that is not what it was', () => {
  test.each([
    [
      'another journal of the same name',
      (server: Server) => Object.assign(server, { epoch: 'other' }),
    ],
    ['a journal that lost records', (server: Server) => void server.entries.pop()],
    ['another history of the same length', (server: Server) => server.refill(server.head)],
    ['another history that is longer', (server: Server) => server.refill(server.head + 3)],
  ])('%s stops the store with rewound, and it keeps what it has', async (_, change) => {
    const server = new Server()
    const stops: StoreError[] = []
    const journal = sharedJournal(server.engine())
    const a = await names.open(journal, { onStop: (error) => void stops.push(error) })
    await a.dispatch('take', { name: 'x', by: 'a' })
    change(server)
    await expect(a.dispatch('take', { name: 'y', by: 'a' })).rejects.toMatchObject({
      code: 'rewound',
    })
    await expect(a.dispatch('take', { name: 'z', by: 'a' })).rejects.toMatchObject({
      code: 'rewound',
    })
    await expect(a.refresh()).rejects.toMatchObject({ code: 'rewound' })
    expect(stops.map(({ code }) => code)).toEqual(['rewound'])
    expect(a.state.count).toBe(1)
    await a.close()
  })

  test('a record that this code does not know stops an idle follower, which says so once', async () => {
    const server = new Server()
    const stops: string[] = []
    const a = await names.open(sharedJournal(server.engine()), {
      onStop: ({ code, message }) => void stops.push(`${code} ${message}`),
    })
    const reading = (async () => {
      for await (const _ of a.records({ follow: true }));
    })()
    server.append([{ id: '1', text: '{"at":"2026-01-01T00:00:00.000Z","type":"newer"}' }], 0)
    await expect(reading).rejects.toMatchObject({ code: 'unknown_mutation' })
    expect(stops).toEqual([expect.stringContaining('unknown_mutation')])
    await a.close()
  })

  test('a snapshot that a symbolic link names is where the link leads, and keeps its mode', async () => {
    const server = new Server()
    const directory = mkdtempSync(join(tmpdir(), 'ministore-'))
    const [snapshot, real] = ['link', 'real'].map((name) => join(directory, name))
    if (!snapshot || !real) throw new Error('no paths')
    symlinkSync('real', snapshot)
    const store = await names.open(sharedJournal(server.engine(), { snapshot }))
    await store.dispatch('take', { name: 'first', by: 'a' })
    expect((await store.snapshot()).path).toBe(real)
    chmodSync(real, 0o640)
    await store.dispatch('take', { name: 'second', by: 'a' })
    await store.snapshot()
    await store.close()
    expect(lstatSync(snapshot).isSymbolicLink()).toBe(true)
    expect(statSync(real).mode & 0o777).toBe(0o640)
    const again = await names.open(sharedJournal(server.engine(), { snapshot }))
    expect(again.recovery).toMatchObject({ records: 0, snapshot: { used: true, seq: 2 } })
    await again.close()
  })

  test('a store behind the truncation says compacted; a snapshot helps where it is new enough', async () => {
    const server = new Server()
    const directory = mkdtempSync(join(tmpdir(), 'ministore-'))
    const snapshot = join(directory, 'names.snapshot')
    const journal = sharedJournal(server.engine(), { snapshot })
    const a = await names.open(journal)
    for (let index = 0; index < 10; index++) await a.dispatch('take', { name: `${index}`, by: 'a' })
    await a.snapshot()
    await a.dispatch('take', { name: 'last', by: 'a' })
    await journal.truncate(8)
    await a.close()
    await expect(opened(server)).rejects.toMatchObject({ code: 'compacted' })
    const again = await names.open(sharedJournal(server.engine(), { snapshot }))
    expect(again.recovery).toMatchObject({ records: 1, snapshot: { used: true, seq: 10 } })
    expect(again.state).toEqual(a.state)
    await expect(again.compact()).rejects.toThrow(/truncate/)
    await again.close()
    server.truncate(11)
    const late = sharedJournal(server.engine(), { snapshot })
    await expect(names.open(late)).rejects.toMatchObject({ code: 'compacted' })
  })

  test('a snapshot of another journal, or a damaged one, is not used and does no harm', async () => {
    const [server, other] = [new Server(), new Server()]
    const snapshot = join(mkdtempSync(join(tmpdir(), 'ministore-')), 'names.snapshot')
    const a = await names.open(sharedJournal(other.engine(), { snapshot }))
    await a.dispatch('take', { name: 'x', by: 'a' })
    await a.snapshot()
    await a.close()
    const b = await names.open(sharedJournal(server.engine(), { snapshot }))
    expect(b.recovery.snapshot).toEqual({ used: false, reason: 'it is of another journal' })
    expect(b.state.count).toBe(0)
    await b.close()
    writeFileSync(snapshot, readFileSync(snapshot, 'utf8').replace('"x":', '"y":'))
    const c = await names.open(sharedJournal(other.engine(), { snapshot }))
    expect(c.recovery.snapshot).toMatchObject({ used: false })
    expect(c.state.taken).toEqual({ x: 'a' })
    await c.close()
  })

  test('a snapshot that is ahead of the journal proves that records were lost', async () => {
    const server = new Server()
    const snapshot = join(mkdtempSync(join(tmpdir(), 'ministore-')), 'names.snapshot')
    const a = await names.open(sharedJournal(server.engine(), { snapshot }))
    await a.dispatch('take', { name: 'x', by: 'a' })
    await a.snapshot()
    await a.close()
    server.entries.pop()
    const again = names.open(sharedJournal(server.engine(), { snapshot }))
    await expect(again).rejects.toMatchObject({ code: 'rewound' })
  })
})

test('whatever the network does: nothing acknowledged is lost, nothing is twice, all end in the same state', async () => {
  const fate = fc.constantFrom<Fate>(
    'fine',
    'fine',
    'fine',
    'refused',
    'lost',
    'unanswered',
    'late',
  )
  const step = fc.record({
    who: fc.nat(2),
    what: fc.constantFrom(
      'take',
      'same',
      'keyed',
      'all',
      'expect',
      'free',
      'refresh',
      'reopen',
      'wait',
    ),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 40 }),
      fc.infiniteStream(fate),
      fc.infiniteStream(fc.nat(4)),
      fc.infiniteStream(fc.nat(9)),
      fc.integer({ min: 1, max: 5 }),
      fc.record({ lags: fc.boolean(), by: fc.infiniteStream(fc.nat(4)) }),
      async (steps, fates, delays, presences, maxBatch, replicas) => {
        const server = new Server()
        server.maxBatch = maxBatch
        let isCalm = true
        const network: Network = {
          fate: () => (isCalm ? 'fine' : (fates.next().value ?? 'fine')),
          delay: () => delays.next().value ?? 0,
          isAway: () => !isCalm && presences.next().value === 0,
          lag: () => (isCalm || !replicas.lags ? 0 : (replicas.by.next().value ?? 0)),
        }
        const disorder: number[] = []
        const joined = async () => {
          const store = await opened(server, network, 40)
          let { seq } = store
          store.subscribe((_, __, [record]) => {
            seq += 1
            if (record?.seq !== seq || store.seq !== seq) disorder.push(seq)
          })
          return store
        }
        const stores = await Promise.all([0, 1, 2].map(joined))
        isCalm = false
        const acknowledged = new Map<string, number>()
        const [refused, known] = [new Set<string>(), new Set<string>()]
        const asked: Promise<unknown>[] = []
        for (const [index, { who, what }] of steps.entries()) {
          const store = stores[who]
          if (!store) continue
          const by = `${who}-${index}`
          const name = what === 'same' ? 'one' : by
          const payload = { name, by }
          const settle = (outcome: Promise<{ seq: number; duplicate?: boolean }>, ids = [by]) =>
            asked.push(
              outcome.then(
                ({ seq }) => {
                  for (const id of ids) acknowledged.set(id, seq)
                },
                (error: unknown) => {
                  const isSure =
                    error instanceof Rejection || (error as StoreError).code !== 'unknown'
                  for (const id of ids) (isSure ? refused : known).add(id)
                },
              ),
            )
          if (what === 'take' || what === 'same') settle(store.dispatch('take', payload))
          if (what === 'keyed') {
            settle(store.dispatch('take', payload, { key: by }))
            const again = stores[(who + 1) % 3]?.dispatch('take', payload, { key: by })
            if (again) asked.push(again.catch(() => undefined))
          }
          if (what === 'expect') settle(store.dispatch('take', payload, { expectSeq: store.seq }))
          if (what === 'free') settle(store.execute('takeFree', { by }))
          if (what === 'all')
            settle(
              store.dispatchAll([
                { type: 'take', payload },
                { type: 'take', payload: { name: `${name}+`, by: `${by}+` } },
              ]),
              [by, `${by}+`],
            )
          if (what === 'refresh') {
            const { head } = server
            asked.push(
              store.refresh().then(
                // A replica that lags cannot know how far the journal is.
                () => replicas.lags || expect(store.seq).toBeGreaterThanOrEqual(head),
                () => undefined,
              ),
            )
          }
          if (what === 'reopen') {
            await store.close()
            const again = await joined().catch(() => undefined)
            if (!again) return
            stores[who] = again
          }
          if (what === 'wait') await sleep(1)
        }
        await Promise.all(asked)
        isCalm = true
        await sleep(1)
        for (const store of stores) await store.refresh()
        const replayed = await names.replay(sharedJournal(server.engine()))
        for (const store of stores) expect(store.state).toEqual(replayed.state)
        expect(disorder, 'each listener hears of each record once, in order').toEqual([])
        const where = new Map<string, number>()
        for (const { seq, text } of server.entries) {
          const { payload, batch = [{ payload }] } = JSON.parse(text)
          for (const part of batch) {
            expect(where.has(part.payload.by), `${part.payload.by} is there once`).toBe(false)
            where.set(part.payload.by, seq)
          }
        }
        for (const [by, seq] of acknowledged) expect(where.get(by), `${by}`).toBe(seq)
        for (const by of refused) {
          // The other one who asked under its key may have brought it in.
          if (!steps.some(({ what }, index) => what === 'keyed' && by.endsWith(`-${index}`)))
            expect(where.has(by), `${by} was refused`).toBe(false)
        }
        expect(Object.keys(replayed.state.taken)).toHaveLength(replayed.state.count)
        await Promise.all(stores.map((store) => store.close()))
      },
    ),
    { numRuns: Number(process.env['SHARING_RUNS'] ?? 60) },
  )
}, 600_000)

describe('looking at a journal', () => {
  const read = async (journal: SharedJournal) => {
    const found: string[] = []
    for await (const batch of journal.read(0)) found.push(...batch.map(({ text }) => text))
    return found
  }

  test('reads it without knowing its store, and cannot change it', async () => {
    const server = new Server()
    const store = await opened(server)
    await store.dispatch('take', { name: 'x', by: 'a' })
    const journal = sharedJournal(server.engine())
    expect(await journal.look()).toMatchObject({ store: 'names', head: 1, created: false })
    expect(await read(journal)).toHaveLength(1)
    await expect(journal.append([{ text: '{}' }], 1)).rejects.toMatchObject({ code: 'read_only' })
    await expect(journal.truncate(1)).rejects.toMatchObject({ code: 'read_only' })
    await expect(journal.look()).rejects.toMatchObject({ code: 'locked' })
    await journal.close()
    await expect(read(journal)).rejects.toMatchObject({ code: 'closed' })
    expect(await journal.open('names')).toMatchObject({ head: 1 })
    expect(await journal.append([{ text: '{}' }], 1)).toEqual({ ok: true, seq: 2 })
    await journal.close()
    await store.close()
  })

  test('makes none where there is none, and waits for a server that is away', async () => {
    const server = new Server()
    let isAway = true
    const network = { ...perfect, isAway: () => isAway }
    const journal = sharedJournal(server.engine(network), { timeout: 50 })
    await expect(journal.look()).rejects.toMatchObject({ code: 'unavailable' })
    setTimeout(() => {
      isAway = false
    }, 10)
    expect(await journal.look()).toBeUndefined()
    expect(server.store).toBeUndefined()
    expect(await journal.open('names')).toMatchObject({ created: true })
    await journal.close()
  })

  test('what comes from another journal keeps its id', async () => {
    const server = new Server()
    const journal = sharedJournal(server.engine())
    await journal.open('names')
    await journal.append([{ text: '{"n":1}', id: 'first' }, { text: '{"n":2}' }], 0)
    const [one, two] = server.entries.map(({ id }) => id)
    expect(one).toBe('first')
    expect(two).toMatch(/^[0-9a-f-]{36}$/)
    await journal.close()
  })
})
