// A journal in a stream of one real server.
import { getEventListeners } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { headers } from '@nats-io/transport-node'
import { natsEngine, natsJournal } from 'ministore-ts/nats'
import type { Engine, EngineEntry } from 'ministore-ts/shared'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { ADMIN, INSTALL, natsVersion, startNats } from '../servers/nats.ts'
import { startProxy, type Traffic } from '../servers/proxy.ts'
import { names } from '../shared/names.ts'
import {
  all,
  engineOn,
  entries,
  failure,
  follow,
  newName,
  numbered,
  openedOn,
  persist,
  race,
} from './opened.ts'

const document = readFileSync(new URL('../../docs/engines/nats.md', import.meta.url), 'utf8')
const [, permissions = ''] = /```text permissions\n([\s\S]*?)```/.exec(document) ?? []
const APP = { user: 'app', pass: 'app-51c0ffee', permissions }
const [, reading = ''] = /```text reading\n([\s\S]*?)```/.exec(document) ?? []
const READER = { user: 'reader', pass: 'reader-51c0ffee', permissions: reading }
const NOBODY = {
  ...{ user: 'nobody', pass: 'nobody-badf00d' },
  permissions: '{ publish: ["x"], subscribe: ["_INBOX.>"] }',
}
const DEAF = {
  ...{ user: 'deaf', pass: 'deaf-badf00d' },
  permissions: '{ publish: [">"], subscribe: ["_INBOX.>"] }',
}

const nats = await startNats({ users: [APP, READER, NOBODY, DEAF] })
if (!nats) console.warn(INSTALL)
afterAll(() => nats?.stop())

/** Runs what needs the server; none is no reason to fail, unless CI says so. */
const withNats = test.skipIf(!nats)
const server = () => nats ?? expect.unreachable()

async function api(what: string, request: object | string = ''): Promise<{ error?: unknown }> {
  const admin = await server().admin()
  const text = typeof request === 'string' ? request : JSON.stringify(request)
  const answer = await admin.request(`$JS.API.${what}`, text)
  await admin.close()
  return answer.json()
}

const configOf = async (name: string): Promise<Record<string, unknown>> => {
  const info = await api(`STREAM.INFO.ministore_${name}`)
  return 'config' in info ? (info.config as Record<string, unknown>) : {}
}

async function behindProxy(options: {
  name: string
}): Promise<[Engine, Awaited<ReturnType<typeof startProxy>>]> {
  const proxy = await startProxy(server().nodes[0]?.port ?? 0)
  const servers = `nats://127.0.0.1:${proxy.port}`
  return [await openedOn(server(), { servers, timeout: 400, ...options }), proxy]
}

describe('appending', () => {
  withNats('a new journal is empty, and found again by the next who opens it', async () => {
    const name = newName()
    const engine = engineOn(server(), { name })
    const info = await engine.open('tickets')
    expect(info).toEqual({
      epoch: expect.stringMatching(/^[-0-9a-f]{36}$/),
      head: 0,
      first: 1,
      created: true,
      features: '{}',
    })
    expect(await engineOn(server(), { name }).open('tickets')).toEqual({ ...info, created: false })
    expect(await engine.open('tickets')).toEqual({ ...info, created: false })
  })

  withNats('of ten that make a journal at once, one does, and all have the same', async () => {
    const name = newName()
    const infos = await Promise.all(
      Array.from({ length: 10 }, () => persist(() => engineOn(server(), { name }).open('tickets'))),
    )
    expect(new Set(infos.map(({ epoch }) => epoch)).size).toBe(1)
    expect(infos.filter(({ created }) => created)).toHaveLength(1)
  })

  withNats('what was appended is read: in order, with its ids, to the byte', async () => {
    const engine = await openedOn(server(), { name: newName() })
    const batch = entries('{"a":"é\\u0000 \\r\\n"}', '"😀"', ...Array<string>(2_500).fill('[]'))
    let head = 0
    while (head < batch.length) {
      const result = await engine.append(batch.slice(head), head)
      // Some of them, since there are more than one batch takes.
      expect(result).toEqual({ ok: true, seq: Math.min(head + 1_000, batch.length) })
      if (result.ok) head = result.seq
    }
    expect(await all(engine)).toEqual(batch.map((entry, at) => ({ ...entry, seq: at + 1 })))
    expect(await all(engine, 7, 9)).toEqual([8, 9].map((seq) => ({ ...batch[seq - 1], seq })))
    expect(await all(engine, head)).toEqual([])
  })

  withNats('an append that expects another head is a conflict and leaves nothing', async () => {
    const engine = await openedOn(server(), { name: newName() })
    await engine.append(numbered(3), 0)
    for (const count of [1, 2])
      for (const expected of [0, 2, 4])
        expect(await engine.append(numbered(count), expected)).toEqual({ ok: false, head: 3 })
    expect(await all(engine)).toHaveLength(3)
  })

  withNats('of three that append at once, one wins each seq: no gap, no duplicate', async () => {
    const name = newName()
    const engines = await Promise.all([1, 2, 3].map(() => openedOn(server(), { name })))
    const written = await race(engines, 100)
    const read = await all(engines[0] ?? expect.unreachable())
    expect(read.map(({ seq, id }) => [seq, id])).toEqual([...written].sort(([a], [b]) => a - b))
    expect(read.at(-1)?.seq).toBe(written.size)
  })

  withNats('an entry may have maxEntryBytes bytes, and not one more', async () => {
    const engine = await openedOn(server(), { name: newName() })
    const largest = `"${'x'.repeat(engine.maxEntryBytes - 2)}"`
    const [feed, stop] = follow(engine)
    await engine.append(entries(largest), 0)
    // Together larger than a batch may be.
    let head = 1
    while (head < 7) {
      const result = await engine.append(entries(...Array<string>(7 - head).fill(largest)), head)
      if (result.ok) head = result.seq
    }
    expect(await failure(engine.append(entries('1', `${largest} `), 7))).toMatch(
      /^too_large: .*max_payload/,
    )
    expect((await all(engine)).map(({ text }) => text === largest)).toEqual(Array(7).fill(true))
    await expect.poll(() => feed.length).toBe(7)
    expect(feed.every(({ text }) => text === largest)).toBe(true)
    await stop()
  })

  withNats('a client that is killed in the middle of a batch leaves nothing', async () => {
    const name = newName()
    const engine = await openedOn(server(), { name })
    const { epoch } = await engine.open('tickets')
    const admin = await server().admin()
    for (let at = 1; at <= 5; at++) {
      const marks = headers()
      marks.append('Nats-Batch-Id', 'torn')
      marks.append('Nats-Batch-Sequence', String(at))
      if (at === 1) marks.append('Nats-Expected-Last-Sequence', '0')
      admin.publish(`ms.${name}.${epoch}`, '"torn"', { headers: marks })
    }
    await admin.flush()
    await admin.close()
    const batch = numbered(5)
    expect(await engine.append(batch, 0)).toEqual({ ok: true, seq: 5 })
    expect(await all(engine)).toEqual(batch.map((entry, at) => ({ ...entry, seq: at + 1 })))
  })
})

describe('a connection that fails', () => {
  withNats('an append that could not be sent is unavailable, and never comes later', async () => {
    const [engine, proxy] = await behindProxy({ name: newName() })
    proxy.isDown = true
    proxy.cut()
    // Until the client has noticed, nobody can know.
    await failure(engine.append(numbered(1), 0))
    expect(await failure(engine.append(numbered(2), 0))).toMatch(/^unavailable: /)
    proxy.isDown = false
    const { head } = await persist(() => engine.open('tickets'))
    await sleep(100)
    expect(await all(engine)).toHaveLength(head)
    expect(await engine.append(entries('"later"'), head)).toEqual({ ok: true, seq: head + 1 })
    await proxy.close()
  })

  withNats('no answer in time is unknown: sent or not, written or not', async () => {
    const attempt = async (traffic: Traffic, count: number) => {
      const [engine, proxy] = await behindProxy({ name: newName() })
      proxy.traffic = traffic
      expect(await failure(engine.append(numbered(count), 0)), traffic).toMatch(/^unknown: /)
      proxy.traffic = 'pass'
      // Naming the expected seq, it can be tried again.
      const { ok } = await persist(() => engine.append(numbered(count), 0))
      if (traffic !== 'hold') expect(ok, traffic).toBe(traffic === 'lose_requests')
      expect(await all(engine), traffic).toHaveLength(count)
      await proxy.close()
    }
    const traffics = ['lose_requests', 'lose_answers', 'hold'] as const
    await Promise.all(traffics.flatMap((it) => [attempt(it, 1), attempt(it, 3)]))
  })

  withNats('a connection that breaks while an append is under way makes it unknown', async () => {
    const [engine, proxy] = await behindProxy({ name: newName() })
    proxy.traffic = 'hold'
    const append = failure(engine.append(numbered(3), 0))
    await sleep(50)
    proxy.cut()
    expect(await append).toMatch(/^unknown: /)
    await proxy.close()
  })

  withNats('a server that takes connections and is silent is unavailable, in time', async () => {
    const [engine, proxy] = await behindProxy({ name: newName() })
    proxy.traffic = 'lose_answers'
    proxy.cut()
    await sleep(20)
    const begin = Date.now()
    expect(await failure(engine.append(numbered(1), 0))).toMatch(/^unavailable: .*silent/)
    expect(Date.now() - begin).toBeLessThan(1_500)
    await proxy.close()
  })

  withNats('closing ends what is under way; it can be opened again', async () => {
    const [engine, proxy] = await behindProxy({ name: newName() })
    proxy.traffic = 'hold'
    const [append, followed] = [failure(engine.append(numbered(1), 0)), failure(all(engine))]
    const [, , done] = follow(engine)
    await sleep(20)
    await engine.close()
    expect(await append).toMatch(/^(unknown|closed): /)
    expect(await followed).toMatch(/^closed: /)
    expect(await failure(done)).toMatch(/^closed: /)
    expect(await failure(engine.append(numbered(1), 0))).toMatch(/^closed: /)
    proxy.traffic = 'pass'
    await persist(() => engine.open('tickets'))
    await proxy.close()
  })
})

describe('following', () => {
  withNats('a follower sees what there was and what comes, each once', async () => {
    const engine = await openedOn(server(), { name: newName() })
    await engine.append(numbered(1_500).slice(0, 900), 0)
    const [seen, stop] = follow(
      await openedOn(server(), { name: engine.name.split('#').at(-1) ?? '' }),
    )
    for (let head = 900; head < 1_500; head += 3) await engine.append(numbered(3), head)
    await expect.poll(() => seen.length).toBe(1_500)
    await stop()
    expect(seen).toEqual(await all(engine))
  })

  withNats('a follower sees what it was not told of', async () => {
    const name = newName()
    const [engine, proxy] = await behindProxy({ name })
    const writer = await openedOn(server(), { name })
    const [seen, stop] = follow(engine)
    await writer.append(numbered(1), 0)
    await expect.poll(() => seen.length).toBe(1)
    proxy.cut()
    await writer.append(numbered(5), 1)
    await expect.poll(() => seen.length).toBe(6)
    // Lost on the way, and nothing comes after it that would show it.
    proxy.traffic = 'lose_answers'
    await writer.append(numbered(5), 6)
    await sleep(20)
    proxy.traffic = 'pass'
    await expect.poll(() => seen.length, { timeout: 5_000 }).toBe(11)
    expect(seen.map(({ seq }) => seq)).toEqual(Array.from({ length: 11 }, (_, at) => at + 1))
    await stop()
    await proxy.close()
  })
})

describe('the journal’s history', () => {
  withNats(
    'truncated records are compacted; the head stays, also where nothing is left',
    async () => {
      const name = newName()
      const engine = await openedOn(server(), { name })
      await engine.append(numbered(10), 0)
      await engine.truncate(4)
      expect(await engine.open('tickets')).toMatchObject({ head: 10, first: 5 })
      expect(await failure(all(engine, 3))).toMatch(/^compacted: .*first is 5/)
      expect(await failure(follow(engine, 3)[2])).toMatch(/^compacted: /)
      expect(await all(engine, 4)).toHaveLength(6)
      await engine.truncate(0)
      await engine.truncate(1_000)
      // The last one stays: it is what the next append is compared with.
      expect(await engine.open('tickets')).toMatchObject({ head: 10, first: 10 })
      expect(await failure(all(engine, 8))).toMatch(/^compacted: /)
      expect(await all(engine, 9)).toHaveLength(1)
      expect(await all(engine, 10)).toEqual([])
      expect(await engine.append(numbered(1), 9)).toEqual({ ok: false, head: 10 })
      expect(await engine.append(numbered(1), 10)).toEqual({ ok: true, seq: 11 })
      expect(await all(engine, 10)).toHaveLength(1)
    },
  )

  withNats('what is truncated while it is read is compacted', async () => {
    const name = newName()
    const [engine, other] = [await openedOn(server(), { name }), await openedOn(server(), { name })]
    for (let head = 0; head < 4_000; head += 1_000) await engine.append(numbered(1_000), head)
    const seen: EngineEntry[] = []
    const read = async () => {
      for await (const batch of engine.read(0)) {
        if (seen.length === 0) await other.truncate(3_500)
        seen.push(...batch)
      }
    }
    expect(await failure(read())).toMatch(/^compacted: .*first is 3501/)
    expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, at) => at + 1))
  })

  withNats('a journal that was deleted is rewound, for everything', async () => {
    const name = newName()
    const engine = await openedOn(server(), { name })
    await engine.append(numbered(3), 0)
    const [, , done] = follow(engine, 3)
    await api(`STREAM.DELETE.ministore_${name}`)
    for (const said of await Promise.all(
      [
        engine.append(numbered(1), 3),
        engine.append(numbered(2), 3),
        all(engine),
        engine.truncate(1),
        done,
      ].map(failure),
    ))
      expect(said).toMatch(/^rewound: .*deleted/)
  })

  withNats(
    'a journal that was made anew gets nothing and gives nothing of the old one',
    async () => {
      const name = newName()
      const [engine, idle] = [
        await openedOn(server(), { name }),
        await openedOn(server(), { name }),
      ]
      await engine.append(numbered(3), 0)
      await api(`STREAM.DELETE.ministore_${name}`)
      const other = await openedOn(server(), { name })
      // The very seq that the old one expects.
      await other.append(entries('"a"', '"b"', '"c"'), 0)
      for (const said of await Promise.all(
        [
          engine.append(numbered(1), 3),
          engine.append(numbered(2), 3),
          all(engine),
          all(idle, 2),
          follow(engine, 3)[2],
          engine.truncate(1),
        ].map(failure),
      ))
        expect(said).toMatch(/^rewound: .*created again/)
      expect(await all(other)).toHaveLength(3)
    },
  )

  withNats('a record of another epoch is never given, though it comes in between', async () => {
    const name = newName()
    const engine = await openedOn(server(), { name })
    for (let head = 0; head < 4_000; head += 1_000) await engine.append(numbered(1_000), head)
    const reading = engine.read(0)[Symbol.asyncIterator]()
    await reading.next()
    await reading.next()
    await api(`STREAM.DELETE.ministore_${name}`)
    const other = await openedOn(server(), { name })
    for (let head = 0; head < 4_000; head += 1_000)
      await other.append(entries(...Array<string>(1_000).fill('"new"')), head)
    const rest: EngineEntry[] = []
    const read = async () => {
      for (let next = await reading.next(); !next.done; next = await reading.next())
        rest.push(...next.value)
      // What was under way before may have been the last of it.
      await all(engine)
    }
    expect(await failure(read())).toMatch(/^rewound: /)
    expect(rest.filter(({ text }) => text === '"new"')).toEqual([])
  })
})

describe('a stream that is changed under an open journal', () => {
  /** A check of the stream holds for less than that, in milliseconds. */
  const FRESH = 25
  const updated = (change: object) => async (name: string) => {
    const config = { ...(await configOf(name)), ...change }
    expect((await api(`STREAM.UPDATE.ministore_${name}`, config)).error).toBeUndefined()
  }
  /** The same stream with other records, as after a restore: settings and metadata are those that it had. */
  const refilled = (count: number) => async (name: string) => {
    const config = await configOf(name)
    await api(`STREAM.DELETE.ministore_${name}`)
    await api(`STREAM.CREATE.ministore_${name}`, config)
    const other = await openedOn(server(), { name })
    for (let head = 0; head < count; head++) await other.append(entries('"other"'), head)
    await other.close()
  }
  const CHANGES: readonly (readonly [string, RegExp, (name: string) => Promise<unknown>])[] = [
    ['max_msgs', /^config: .*max_msgs/, updated({ max_msgs: 1_000 })],
    ['max_age', /^config: .*max_age/, updated({ max_age: 3_600_000_000_000 })],
    ['discard old', /^config: .*discard/, updated({ discard: 'old', max_msgs: 3 })],
    [
      'other subjects',
      /^config: .*subjects/,
      updated({ subjects: ['ms.elsewhere'], republish: null }),
    ],
    ['a history of the same length', /^rewound: .*another record 3/, refilled(3)],
    ['a history that is longer', /^rewound: .*another record 3/, refilled(5)],
  ]

  withNats.each(CHANGES)('%s: nothing is acknowledged any more', async (_, said, change) => {
    const name = newName()
    const engine = await openedOn(server(), { name })
    await engine.append(numbered(3), 0)
    // One that has read nothing, and one that follows.
    const [fresh, idle] = [await openedOn(server(), { name }), await openedOn(server(), { name })]
    const followed = failure(follow(idle, 3)[2])
    await sleep(FRESH)
    await change(name)
    const outcomes = await Promise.all(
      [engine, fresh].map((it) => it.append(numbered(1), 3).catch((error: unknown) => error)),
    )
    for (const outcome of outcomes) expect(outcome).not.toMatchObject({ ok: true })
    for (const it of [engine, fresh]) expect(await failure(all(it, 3))).toMatch(said)
    expect(await followed).toMatch(said.source.startsWith('^config') ? said : /^rewound: /)
  })

  withNats(
    'a purge: who appends next gets no acknowledgement, and who follows is told',
    async () => {
      const names = [newName(), newName()] as const
      const [engine, idle] = [
        await openedOn(server(), { name: names[0] }),
        await openedOn(server(), { name: names[1] }),
      ]
      for (const each of [engine, idle]) await each.append(numbered(3), 0)
      const followed = failure(follow(idle, 3)[2])
      await sleep(FRESH)
      for (const name of names) await api(`STREAM.PURGE.ministore_${name}`)
      expect(await failure(engine.append(numbered(1), 3))).toMatch(/^unknown: .*purged/)
      expect(await failure(engine.append(numbered(1), 4))).toMatch(/^rewound: .*purged/)
      expect(await followed).toMatch(/^rewound: .*purged/)
    },
  )

  withNats('a store stops, and is told that what it has just written is unknown', async () => {
    const name = newName()
    const stops: string[] = []
    const journal = natsJournal({ servers: server().urls, ...ADMIN, name, replicas: 1 })
    const store = await names.open(journal, { onStop: ({ code }) => void stops.push(code) })
    await store.dispatch('take', { name: 'x', by: 'a' })
    await sleep(FRESH)
    await updated({ max_msgs: 1, discard: 'old' })(name)
    const late = store.dispatch('take', { name: 'y', by: 'a' })
    await expect(late).rejects.toMatchObject({ code: expect.stringMatching(/^(unknown|config)$/) })
    await expect.poll(() => stops, { timeout: 5_000 }).toEqual(['config'])
    await store.close()
  })

  withNats('an idle follower keeps one listener on its signal', async () => {
    const any = vi.spyOn(AbortSignal, 'any')
    const engine = await openedOn(server(), { name: newName() })
    const [, stop] = follow(engine)
    await sleep(3_300)
    const signals = any.mock.results.flatMap(({ value }) => (value ? [value as AbortSignal] : []))
    any.mockRestore()
    const counts = signals.map((signal) => getEventListeners(signal, 'abort').length)
    expect(counts.length).toBeGreaterThan(0)
    expect(Math.max(...counts)).toBeLessThanOrEqual(1)
    await stop()
  })
})

describe('what is refused', () => {
  const UNSAFE: readonly (readonly [string, unknown])[] = [
    ['max_age', 3_600_000_000_000],
    ['max_msgs', 1_000],
    ['max_bytes', 1_000_000],
    ['max_msg_size', 1_000],
    ['max_msgs_per_subject', 5],
    ['discard', 'old'],
    ['deny_delete', false],
    ['allow_direct', false],
    ['allow_atomic', false],
    ['allow_rollup_hdrs', true],
    ['no_ack', true],
    ['republish', undefined],
    ['subjects', ['ms.else']],
    ['storage', 'memory'],
    ['retention', 'interest'],
    ['allow_msg_ttl', true],
    ['persist_mode', 'async'],
    ['metadata', {}],
    ['subject_transform', { src: '>', dest: 'x.>' }],
  ]

  withNats.each(UNSAFE)('a stream with %s: %j', async (setting, value) => {
    const name = newName()
    await openedOn(server(), { name })
    const config = { ...(await configOf(name)), [setting]: value }
    if (setting === 'persist_mode') config['allow_atomic'] = false
    await api(`STREAM.DELETE.ministore_${name}`)
    const { error } = await api(`STREAM.CREATE.ministore_${name}`, config)
    expect(error).toBeUndefined()
    const said = await failure(engineOn(server(), { name }).open('tickets'))
    expect(said).toMatch(/^config: .*ministore_j\d+ has /)
    expect(said).toContain(setting === 'persist_mode' ? 'allow_atomic' : setting)
  })

  withNats('another store, fewer replicas, more than there are servers', async () => {
    const name = newName()
    await openedOn(server(), { name })
    expect(await failure(engineOn(server(), { name }).open('orders'))).toMatch(
      /^wrong_store: .*"tickets"/,
    )
    expect(await failure(engineOn(server(), { name, replicas: 3 }).open('tickets'))).toMatch(
      /^config: .*num_replicas/,
    )
    expect(
      await failure(engineOn(server(), { name: newName(), replicas: 3 }).open('tickets')),
    ).toMatch(/^config: .*replicas: 1/)
  })

  withNats(
    'wrong credentials and missing permissions are config, and no message has a password',
    async () => {
      const name = newName()
      const [host] = server().urls.map((url) => url.replace('nats://', ''))
      const engines = [
        engineOn(server(), { name, user: 'app', pass: 'wrong-s3cret' }),
        natsEngine({ servers: `nats://app:wrong-s3cret@${host}`, name, replicas: 1 }),
        natsEngine({ servers: `nats://wrong-s3cret@${host}`, name, replicas: 1 }),
        engineOn(server(), { name, ...NOBODY }),
      ]
      for (const engine of engines) {
        const error: unknown = await engine.open('tickets').catch((reason) => reason)
        expect(error).toMatchObject({ code: 'config' })
        const said = `${engine.name} ${error} ${JSON.stringify(error)} ${error instanceof Error ? error.cause : ''}`
        expect(said).not.toMatch(/s3cret|badf00d/)
        await engine.close()
      }
      await openedOn(server(), { name })
      const deaf = await openedOn(server(), { name, ...DEAF })
      expect(await failure(follow(deaf)[2])).toMatch(/^config: .*subscribe to msr/)
      const url = natsEngine({
        servers: `nats://${ADMIN.user}:${ADMIN.pass}@${host}`,
        name,
        replicas: 1,
      })
      await url.open('tickets')
      await url.close()
    },
  )

  test('options that make no sense are a TypeError without what was given', () => {
    const make = (options: object) => () =>
      natsEngine({ servers: 'nats://h', name: 'x', ...options })
    for (const name of ['', 'A', 'a.b', '-a', 'a*', 'x'.repeat(64), '>'])
      expect(make({ name })).toThrow(TypeError)
    for (const servers of ['', [], 'http://u:s3cret@h', 'nats://u:s3cret@h:99999999', 'nats://'])
      expect(make({ servers })).toThrow(/^(?!.*s3cret)natsJournal: servers/)
    expect(make({ replicas: 0 })).toThrow(TypeError)
    expect(make({ servers: 'nats://u:s3cret@h:1/x?y=s3cret' })().name).toBe('nats://h:1#x')
  })

  withNats('looking makes and changes nothing, whatever the number of replicas', async () => {
    const name = newName()
    const looking = engineOn(server(), { name, replicas: 3 })
    expect(await looking.look()).toBeUndefined()
    expect(await api(`STREAM.INFO.ministore_${name}`)).toHaveProperty('error')
    const engine = await openedOn(server(), { name })
    await engine.append(numbered(3), 0)
    const { epoch } = await engine.open('tickets')
    const before = await configOf(name)
    expect(await looking.look()).toEqual({
      ...{ epoch, store: 'tickets', head: 3, first: 1, created: false, features: '{}' },
    })
    expect(await all(looking)).toHaveLength(3)
    expect(await configOf(name)).toEqual(before)
  })

  withNats('the documented permissions suffice, and no others are needed', async () => {
    const options = { ...APP, name: 'orders', inboxPrefix: '_INBOX_orders' }
    // Making the journal is for those who may.
    expect(await failure(engineOn(server(), options).open('tickets'))).toMatch(
      /^config: .*STREAM\.CREATE/,
    )
    await openedOn(server(), { name: 'orders' })
    const engine = await openedOn(server(), options)
    const [seen, stop] = follow(engine)
    expect(await engine.append(numbered(1), 0)).toEqual({ ok: true, seq: 1 })
    expect(await engine.append(numbered(5), 1)).toEqual({ ok: true, seq: 6 })
    expect(await engine.append(numbered(5), 1)).toEqual({ ok: false, head: 6 })
    expect(await all(engine)).toHaveLength(6)
    await expect.poll(() => seen.length).toBe(6)
    await stop()
    expect(await failure(engine.truncate(3))).toMatch(/^config: .*STREAM\.PURGE/)
    const reader = engineOn(server(), { ...options, ...READER })
    expect(await reader.look()).toMatchObject({ head: 6, first: 1, store: 'tickets' })
    expect(await all(reader)).toHaveLength(6)
    const [read, end] = follow(reader, 5)
    await expect.poll(() => read.length).toBe(1)
    await end()
    expect(await failure(reader.append(numbered(1), 6))).toMatch(/^config: /)
    expect(
      await failure(engineOn(server(), { ...options, name: 'others' }).open('tickets')),
    ).toMatch(/^config: /)
  })

  const OLD = '/usr/sbin/nats-server'
  test('a server before 2.12', async ({ skip }) => {
    const [major = 9, minor = 9] = natsVersion(OLD) ?? []
    if (major > 2 || minor >= 12) skip('there is no old nats-server on this machine')
    const old = await startNats({ binary: OLD })
    if (!old) return
    const said = await failure(engineOn(old, { name: 'x' }).open('tickets'))
    expect(said).toMatch(/^config: .*version 2\.\d+\.\d+, but 2\.12 is needed/)
    await old.stop()
  })

  withNats('a server without JetStream, and one that is not there', async () => {
    const plain = await startNats({ jetstream: false })
    if (!plain) return
    const engine = engineOn(plain, { name: 'x' })
    expect(await failure(engine.open('tickets'))).toMatch(/^config: .*JetStream/)
    await engine.close()
    await plain.stop()
    expect(await failure(engine.open('tickets'))).toMatch(/^unavailable: .*ECONNREFUSED/)
  })
})

describe('a server that is killed', () => {
  withNats(
    'what was acknowledged is there; a data directory put back from before is rewound',
    async () => {
      const own = await startNats()
      if (!own) return
      const [node = expect.unreachable()] = own.nodes
      const backup = mkdtempSync(join(tmpdir(), 'ministore-backup-'))
      const engine = await openedOn(own, { name: 'x' })
      await engine.append(numbered(10), 0)
      await node.kill()
      cpSync(node.directory, backup, { recursive: true })
      await node.start()
      await persist(() => engine.append(numbered(10), 10))
      const [, , done] = follow(engine)
      await node.kill()
      expect(await failure(engine.append(numbered(1), 20))).toMatch(/^(unknown|unavailable): /)
      await node.start()
      expect(await persist(() => all(engine))).toHaveLength(20)
      await node.kill()
      rmSync(node.directory, { recursive: true })
      cpSync(backup, node.directory, { recursive: true })
      await node.start()
      expect(await failure(persist(() => all(engine)))).toMatch(
        /^rewound: .*ends at seq 10, but 20 was durable/,
      )
      expect(await failure(persist(() => engine.append(numbered(1), 20)))).toMatch(/^rewound: /)
      expect(await failure(done)).toMatch(/^rewound: /)
      rmSync(backup, { recursive: true })
      await own.stop()
    },
  )
})
