import { setTimeout as sleep } from 'node:timers/promises'
import { StoreError } from 'ministore-ts'
import { type Engine, sharedJournal } from 'ministore-ts/shared'
import { describe, expect, test, vi } from 'vitest'
import { names, opened } from './names.ts'
import { type Fate, type Network, perfect, Server } from './simulated-engine.ts'

const slow: Network = { ...perfect, delay: () => 3 }
const theirs = (name: string) => [
  {
    id: `id of ${name}`,
    text: `{"at":"2026-01-01T00:00:00.000Z","type":"take","payload":{"by":"them","name":"${name}"}}`,
  },
]

describe('what is decided again', () => {
  test('is what was asked for at the time of the call', async () => {
    const server = new Server()
    const first = ['1', '2', '3']
    const a = await opened(server, {
      ...perfect,
      fate: () => {
        const name = first.shift()
        if (name) server.append(theirs(name), server.head)
        return 'fine'
      },
    })
    const pending = [{ type: 'take' as const, payload: { name: 'x', by: 'a' } }]
    const payload = { name: 'y', by: 'a' }
    const input = { name: 'z', by: 'a' }
    const all = [a.dispatchAll(pending), a.dispatch('take', payload), a.execute('takeAs', input)]
    pending.length = 0
    payload.name = 'other'
    input.name = 'another'
    await Promise.all(all)
    expect(a.state.taken).toMatchObject({ x: 'a', y: 'a', z: 'a' })
    expect(a.state.count).toBe(6)
    await a.close()
  })

  test('is only what others were first with: a lone process decides once', async () => {
    const a = await opened(new Server(), slow)
    let runs = 0
    const all = []
    for (let index = 0; index < 200; index++) {
      all.push(
        a.transaction((tx) => {
          runs += 1
          tx.dispatch('take', { name: `${index}`, by: 'a' })
        }),
      )
      if (index % 3 === 0) await all.at(-1)
      else await sleep(0)
    }
    await Promise.all(all)
    expect(runs).toBe(200)
    await a.close()
  })

  test('who was too late long ago has all the time now', async () => {
    const server = new Server()
    let name: string | undefined = 'x'
    const network: Network = {
      ...perfect,
      fate: () => {
        if (name) server.append(theirs(name), server.head)
        name = undefined
        return 'fine'
      },
    }
    const a = await opened(server, network, 50)
    const refused = await a.dispatch('take', { name: 'x', by: 'a' }).safe()
    expect(refused).toMatchObject({ code: 'taken' })
    await sleep(80)
    name = 'y'
    expect(await a.dispatch('take', { name: 'z', by: 'a' })).toMatchObject({ seq: 3 })
    await a.close()
  })
})

describe('where nobody knows whether it was written', () => {
  const fated = (fates: (Fate | StoreError)[]) => (server: Server) => {
    const engine = server.engine({ ...perfect, delay: () => 1 })
    const append: Engine['append'] = async (batch, expected) => {
      const fate = fates.shift() ?? 'fine'
      if (fate instanceof StoreError) throw fate
      const result = await engine.append(batch, expected)
      if (fate === 'unanswered') throw new StoreError('unknown', 'no answer')
      return result
    }
    return { ...engine, append }
  }

  test('a failure after that which does not pass leaves it unknown', async () => {
    const server = new Server()
    const broken = new StoreError('config', 'the password was changed')
    const engine = fated(['unanswered', broken])(server)
    const read: Engine['read'] = (after, options) => {
      if (server.head > 0) throw new StoreError('unavailable', 'away')
      return engine.read(after, options)
    }
    const a = await names.open(sharedJournal({ ...engine, read }, { timeout: 300 }))
    const outcome = a.dispatch('take', { name: 'x', by: 'a' })
    await expect(outcome).rejects.toMatchObject({ code: 'unknown' })
    expect(server.head).toBe(1)
    await a.close()
  })

  test('who knows of more than one record that came first does not take the journal for rewound', async () => {
    const server = new Server()
    const journal = sharedJournal(fated(['unanswered'])(server))
    await journal.open('names')
    server.append([...theirs('x'), ...theirs('y'), ...theirs('z')], 0)
    for await (const _ of journal.read(0));
    const late = journal.append([{ text: theirs('own')[0]?.text ?? '' }], 0)
    expect(await late).toEqual({ ok: false, head: 3 })
    await journal.close()
  })

  test('all who asked under its key hear that, and nobody else does', async () => {
    const server = new Server()
    let isAway = false
    const engine = server.engine({ ...perfect, isAway: () => isAway })
    const append: Engine['append'] = async (batch, expected) => {
      await sleep(5)
      if (isAway) throw new StoreError('unavailable', 'away')
      await engine.append(batch, expected)
      isAway = true
      throw new StoreError('unknown', 'no answer')
    }
    const a = await names.open(sharedJournal({ ...engine, append }, { timeout: 50 }))
    const payload = { name: 'x', by: 'a' }
    const codes: Record<string, string> = {}
    const asked = (who: string, outcome: Promise<unknown>) =>
      outcome.then(
        () => Object.assign(codes, { [who]: 'ok' }),
        ({ code }: StoreError) => Object.assign(codes, { [who]: code }),
      )
    const refused = asked('refresh', a.refresh())
    const first = asked('first', a.dispatch('take', payload, { key: 'k' }))
    await sleep(2)
    const again = asked('again', a.dispatch('take', payload, { key: 'k' }))
    const other = asked('other', a.dispatch('take', { name: 'y', by: 'a' }))
    const same = asked('same', a.dispatch('take', payload))
    await Promise.all([refused, first, again, other, same])
    expect(codes).toEqual({
      refresh: 'unavailable',
      first: 'unknown',
      again: 'unknown',
      other: 'unavailable',
      same: 'unavailable',
    })
    isAway = false
    await a.close()
  })
})

test('a refusal does not rest on a dispatch that never arrived', async () => {
  const server = new Server()
  let isAway = false
  const engine = server.engine({ ...perfect, fate: () => (isAway ? 'refused' : 'fine') })
  const follow: Engine['follow'] = async function* (_, signal) {
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    yield []
  }
  const a = await names.open(sharedJournal({ ...engine, follow }, { timeout: 50 }))
  await a.dispatch('take', { name: 'x', by: 'a' })
  server.append(theirs('y'), 1)
  const lost: Promise<unknown>[] = []
  a.subscribe(() => {
    // Decided, but not sent, when the other dispatch is decided again.
    isAway = true
    lost.push(a.dispatch('take', { name: 'z', by: 'a' }))
  })
  const refused = a.dispatch('take', { name: 'v', by: 'a' }, { expectSeq: 0 })
  await expect(refused).rejects.toMatchObject({ code: 'unavailable' })
  await expect(lost[0]).rejects.toMatchObject({ code: 'unavailable' })
  expect(server.head).toBe(2)
  isAway = false
  const again = await a.dispatch('take', { name: 'v', by: 'a' }, { expectSeq: 0 }).safe()
  expect(again).toMatchObject({ code: 'conflict', details: { expected: 0, actual: 2 } })
  await a.close()
})

describe('a key that belongs to a dispatch in flight', () => {
  const asked = { name: 'x', by: 'a' }
  const other = { name: 'y', by: 'a' }
  /** All at once. `fate`: of their append. */
  const together = async (fate: Fate, timeout: number) => {
    const server = new Server()
    let isAway = true
    const engine = server.engine({ ...perfect, fate: () => (isAway ? fate : 'fine') })
    const a = await names.open(sharedJournal(engine, { timeout }))
    const outcomes = await Promise.allSettled([
      a.dispatch('take', asked, { key: 'k' }),
      a.dispatch('take', other, { key: 'k' }),
      a.dispatchAll([{ type: 'take', payload: other }], { key: 'k' }),
    ])
    isAway = false
    return { server, store: a, outcomes }
  }
  const codes = (outcomes: PromiseSettledResult<unknown>[]) =>
    outcomes.map((it) => (it.status === 'fulfilled' ? 'ok' : it.reason.code))

  test('that never arrives is not reused: nothing has it', async () => {
    const { store, outcomes } = await together('refused', 50)
    expect(codes(outcomes)).toEqual(['unavailable', 'unavailable', 'unavailable'])
    // It is free.
    expect(await store.dispatch('take', other, { key: 'k' })).toMatchObject({ duplicate: false })
    await store.close()
  })

  test('is reused as soon as its record is durable, and the error names that record', async () => {
    const { server, store, outcomes } = await together('fine', 1_000)
    expect(codes(outcomes)).toEqual(['ok', 'key_reused', 'key_reused'])
    expect(outcomes[1]).toMatchObject({ reason: { seq: 1 } })
    expect(server.head).toBe(1)
    await store.close()
  })
})

describe('where the answer is lost and reads lag, as after the death of a leader', () => {
  /** An engine whose first append is done and not answered, and whose first reads do not show its last records. */
  const lagging = (server: Server, reads: number, lag = 10): Engine => {
    let [appends, left] = [0, reads]
    const network: Network = { ...perfect, lag: () => (appends > 0 && left-- > 0 ? lag : 0) }
    const engine = server.engine(network)
    return {
      ...engine,
      append: async (batch, expected) => {
        const result = await engine.append(batch, expected)
        appends += 1
        if (appends === 1) throw new StoreError('unknown', 'no answer')
        return result
      },
    }
  }
  const open = (engine: Engine, timeout?: number) => names.open(sharedJournal(engine, { timeout }))
  const payload = { name: 'x', by: 'a' }

  test('one dispatch is one record, and is not refused because of itself', async () => {
    for (const [what, options] of [
      ['dispatch'],
      ['dispatch', { key: 'k' }],
      ['all'],
      ['command'],
    ] as const) {
      const server = new Server()
      const a = await open(lagging(server, 12))
      const outcome =
        what === 'dispatch'
          ? a.dispatch('take', payload, options)
          : what === 'all'
            ? a.dispatchAll([{ type: 'take', payload }])
            : a.execute('takeAs', payload)
      expect(await outcome, what).toMatchObject({ ok: true, seq: 1, duplicate: false })
      expect(server.head, what).toBe(1)
      expect(a.state.count, what).toBe(1)
      await a.close()
    }
  })

  test('several that were sent together are each there once, also if a read shows only the first', async () => {
    const server = new Server()
    const a = await open(lagging(server, 4, 2))
    const all = ['x', 'y', 'z'].map((name) => a.dispatch('take', { name, by: 'a' }))
    expect((await Promise.all(all)).map(({ seq }) => seq)).toEqual([1, 2, 3])
    expect(server.head).toBe(3)
    await a.close()
  })

  test("somebody else's record in its place is a conflict, however late it shows", async () => {
    const server = new Server()
    const engine = server.engine({ ...perfect, lag: () => (reads++ < 4 ? 1 : 0) })
    let [appends, reads] = [0, -1]
    const a = await open({
      ...engine,
      append: async (batch, expected) => {
        appends += 1
        if (appends > 1) return engine.append(batch, expected)
        server.append(theirs('x'), server.head)
        throw new StoreError('unknown', 'no answer')
      },
    })
    expect(await a.dispatch('take', payload).safe()).toMatchObject({ ok: false, code: 'taken' })
    expect(server.head).toBe(1)
    await a.close()
  })

  test('is unknown when the time is over, and shown when a read shows it', async () => {
    const server = new Server()
    const a = await open(lagging(server, Number.POSITIVE_INFINITY), 60)
    await expect(a.dispatch('take', payload)).rejects.toMatchObject({ code: 'unknown' })
    expect(server.head).toBe(1)
    await a.close()
  })

  test('a read that lags is not taken for a loss; one that stays short is', async () => {
    const server = new Server()
    const network = { ...perfect, lag: () => lag }
    let lag = 0
    const a = await opened(server, network)
    for (const name of ['x', 'y', 'z']) await a.dispatch('take', { name, by: 'a' })
    const read = async () => {
      const seqs: number[] = []
      for await (const { seq } of a.records()) seqs.push(seq)
      return seqs
    }
    lag = 2
    setTimeout(() => {
      lag = 0
    }, 30)
    expect(await read()).toEqual([1, 2, 3])
    lag = 2
    await expect(read()).rejects.toMatchObject({ code: 'rewound' })
    await a.close()
  })
})

describe('following', () => {
  /** The engine, whose `follow` breaks when it is told to. */
  const breaking = (server: Server, error: unknown) => {
    const engine = server.engine()
    let burn: (error: unknown) => void = () => undefined
    const fuse = new Promise<never>((_, reject) => {
      burn = reject
    })
    fuse.catch(() => undefined)
    return {
      engine: {
        ...engine,
        async *follow(_: number, signal: AbortSignal) {
          const end = new Promise<void>((resolve) =>
            signal.addEventListener('abort', () => resolve()),
          )
          await Promise.race([fuse, end])
        },
      } as Engine,
      burn: () => burn(error),
    }
  }

  test('that breaks does not change what becomes of an append in the air', async () => {
    const server = new Server()
    const error = new StoreError('compacted', 'truncated meanwhile')
    const { engine, burn } = breaking(server, error)
    const append: Engine['append'] = async (...given) => {
      await sleep(30)
      return engine.append(...given)
    }
    const stops: string[] = []
    const a = await names.open(sharedJournal({ ...engine, append }), {
      onStop: ({ code }) => void stops.push(code),
    })
    const outcome = a.dispatch('take', { name: 'x', by: 'a' })
    await sleep(10)
    burn()
    expect(await outcome).toMatchObject({ seq: 1 })
    expect(a.state.taken).toEqual({ x: 'a' })
    await expect.poll(() => stops).toEqual(['compacted'])
    await expect(a.dispatch('take', { name: 'y', by: 'a' })).rejects.toMatchObject({
      code: 'compacted',
    })
    await a.close()
  })

  test.each([new StoreError('unknown', 'what is this?'), new TypeError('a bug of the engine')])(
    'that breaks for whatever reason is told: %s',
    async (error) => {
      const { engine, burn } = breaking(new Server(), error)
      const stops: string[] = []
      const a = await names.open(sharedJournal(engine), {
        onStop: ({ message }) => void stops.push(message),
      })
      burn()
      await expect.poll(() => stops).toEqual([expect.stringContaining(error.message)])
      await a.close()
    },
  )

  test('keeps up while this process appends without a pause', async () => {
    const server = new Server()
    const stops: string[] = []
    const a = await names.open(sharedJournal(server.engine({ ...perfect, delay: () => 2 })), {
      onStop: ({ code }) => void stops.push(code),
    })
    let isOver = false
    const load = async (by: string) => {
      for (let index = 0; !isOver; index++) await a.dispatch('take', { name: `${by}${index}`, by })
    }
    const all = [load('a')]
    await new Promise(setImmediate)
    all.push(load('b'))
    await new Promise(setImmediate)
    all.push(load('c'))
    await expect.poll(() => a.seq).toBeGreaterThan(100)
    server.truncate(a.seq - 20)
    const { seq } = a
    await expect.poll(() => a.seq).toBeGreaterThan(seq + 100)
    isOver = true
    await Promise.all(all)
    await sleep(20)
    expect(stops).toEqual([])
    await a.close()
  })

  test('an engine that repeats records does no harm, one that skips some is found out', async () => {
    const server = new Server()
    const engine = server.engine()
    let skip = 0
    const follow: Engine['follow'] = async function* (after, signal) {
      for await (const batch of engine.follow(after, signal)) {
        yield [...server.entries.slice(0, 2), ...batch].filter(({ seq }) => seq !== skip)
        yield batch.filter(({ seq }) => seq !== skip)
      }
    }
    const stops: string[] = []
    const a = await names.open(sharedJournal({ ...engine, follow }), {
      onStop: ({ code }) => void stops.push(code),
    })
    const heard: number[] = []
    a.subscribe((_, __, records) => void heard.push(...records.map(({ seq }) => seq)))
    for (const name of ['x', 'y', 'z']) {
      server.append(theirs(name), server.head)
      await expect.poll(() => a.seq).toBe(server.head)
    }
    expect(heard).toEqual([1, 2, 3])
    skip = 4
    server.append(theirs('lost'), server.head)
    server.append(theirs('v'), server.head)
    await expect.poll(() => stops).toEqual(['corrupt'])
    await a.close()
  })
})

describe('listeners', () => {
  test('that dispatch, throw, leave and close in the middle of catching up harm nothing', async () => {
    const server = new Server()
    const late = { ...perfect, delay: () => 2 }
    const errors: unknown[] = []
    const b = await names.open(sharedJournal(server.engine(late)), {
      onListenerError: (error) => void errors.push(error),
    })
    const heard: number[] = []
    const made: Promise<{ seq: number }>[] = []
    let closed: Promise<void> | undefined
    const leave = b.subscribe((_, __, [record]) => {
      if (record?.payload.name === '3') leave()
      throw new Error('a listener')
    })
    b.subscribe(({ taken }, previous, records) => {
      expect(Object.keys(taken)).toHaveLength(Object.keys(previous.taken).length + 1)
      for (const { seq, payload } of records) {
        heard.push(seq)
        if (payload.by === 'them' && heard.length < 8)
          made.push(b.dispatch('take', { name: `after ${payload.name}`, by: 'b' }))
        if (heard.length === 8) closed = b.close()
      }
    })
    const own = b.dispatch('take', { name: 'own', by: 'b' })
    for (let index = 0; index < 10; index++) server.append(theirs(`${index}`), server.head)
    expect(await own).toMatchObject({ seq: 11 })
    await Promise.all(made)
    await closed
    expect(heard).toEqual(heard.map((_, index) => index + 1))
    expect(heard).toHaveLength(server.head)
    expect(errors).toHaveLength(4)
  })

  test('an onStop that throws leaves a store that can be closed', async () => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const server = new Server()
    const a = await names.open(sharedJournal(server.engine()), {
      onStop() {
        throw new Error('onStop itself')
      },
    })
    await a.dispatch('take', { name: 'x', by: 'a' })
    server.entries.pop()
    const refused = a.dispatch('take', { name: 'y', by: 'a' })
    await expect(refused).rejects.toMatchObject({ code: 'rewound' })
    await a.close()
    expect(logged.mock.calls).toEqual([[expect.objectContaining({ message: 'onStop itself' })]])
    logged.mockRestore()
  })

  test('records({ follow }) ends with the store, also while the engine is away', async () => {
    const server = new Server()
    let isAway = false
    const a = await opened(server, { ...perfect, isAway: () => isAway })
    await a.dispatch('take', { name: 'x', by: 'a' })
    isAway = true
    const reading = (async () => {
      for await (const _ of a.records({ follow: true }));
    })()
    await sleep(20)
    await a.close()
    await reading
  })
})

describe('keys', () => {
  test('a snapshot has those of the others in order, whatever was in the air', async () => {
    const server = new Server()
    const [a, b] = [await opened(server, slow), await opened(server, slow)]
    const all = Array.from({ length: 60 }, (_, index) =>
      (index % 2 ? a : b)
        .dispatch('take', { name: `${index % 50}`, by: 'any' }, { key: `k${index % 40}` })
        .catch(() => undefined),
    )
    await Promise.all(all)
    await a.refresh()
    await b.refresh()
    for (let index = 0; index < 40; index++) {
      const payload = { name: `${index}`, by: 'any' }
      const [one, other] = [
        await a.dispatch('take', payload, { key: `k${index}` }),
        await b.dispatch('take', payload, { key: `k${index}` }),
      ]
      expect(one).toEqual(other)
      expect(one.duplicate).toBe(true)
    }
    expect(server.head).toBe(a.state.count)
    await a.close()
    await b.close()
  })
})
