import { appendFile, mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { defineStore, memoryJournal, reject } from 'ministore-ts'
import { sharedJournal } from 'ministore-ts/shared'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { Server } from '../shared/simulated-engine.ts'

const metadata = z.object({
  actor: z.string().min(1),
  reason: z.string().optional(),
  roles: z.array(z.string()).default([]),
})

const audited = defineStore({
  name: 'audited',
  metadata,
  state: { total: 0, seen: [] as string[] },
  mutations: {
    add: {
      payload: z.object({ by: z.int() }),
      guard(_state, { by }, { metadata }) {
        if (by > 9 && metadata.actor !== 'root')
          return reject('too_much', { actor: metadata.actor })
      },
      apply(draft, { by }, meta) {
        draft.total += by
        draft.seen.push(...('metadata' in meta ? ['seen'] : []))
      },
    },
    reset: { apply: () => ({ total: 0, seen: [] }) },
  },
  commands: {
    addTwice: {
      input: z.object({ by: z.int() }),
      run(tx, { by }) {
        if (tx.metadata.reason === undefined) return reject('no_reason')
        tx.dispatch('add', { by })
        tx.dispatch('add', { by })
        return tx.metadata.actor
      },
    },
  },
})
const ann = { metadata: { actor: 'ann' } }

/** A definition without rules, whose metadata has this schema. */
const counterWith = (schema: z.ZodObject | undefined) =>
  defineStore({
    name: 'counter',
    state: { count: 0 },
    ...(schema && { metadata: schema as z.ZodObject<{ actor: z.ZodString }> }),
    mutations: { add: { apply: (draft) => void draft.count++ } },
  })

const texts = (journal: { entries: readonly { text: string }[] }) =>
  journal.entries.map(({ text }) => JSON.parse(text))

describe('metadata', () => {
  test('is journaled with the record, after its schema and in its place', async () => {
    const journal = memoryJournal()
    const store = await audited.open(journal, { now: () => 0 })
    await store.dispatch('add', { by: 1 }, { key: 'k', metadata: { reason: 'r', actor: 'ann' } })
    expect(journal.entries.map(({ text }) => text)).toEqual([
      '{"at":"1970-01-01T00:00:00.000Z","key":"k","metadata":{"actor":"ann","reason":"r","roles":[]},"type":"add","payload":{"by":1}}',
    ])
  })

  test('goes with a dispatch, a batch, a transaction and a command alike', async () => {
    const journal = memoryJournal()
    const store = await audited.open(journal)
    const why = { metadata: { actor: 'ann', reason: 'why' } }
    await store.dispatch('add', { by: 1 }, why)
    await store.dispatchAll([{ type: 'reset' }, { type: 'reset' }], why)
    await store.transaction((tx) => void tx.dispatch('reset'), why)
    const { value } = await store.execute('addTwice', { by: 1 }, why)
    expect(value).toBe('ann')
    const about = { actor: 'ann', reason: 'why', roles: [] }
    expect(texts(journal).map((record) => record.metadata)).toEqual([about, about, about, about])
  })

  test('is in records and listeners, frozen, also after reopening', async () => {
    const journal = memoryJournal()
    const store = await audited.open(journal)
    const heard: unknown[] = []
    store.subscribe((_state, _previous, records) => heard.push(...records))
    await store.execute('addTwice', { by: 1 }, { metadata: { actor: 'ann', reason: 'why' } })
    const expected = { actor: 'ann', reason: 'why', roles: [] }
    expect(heard).toMatchObject([{ metadata: expected }, { metadata: expected }])
    await store.close()
    const records = []
    const again = await audited.open(journal)
    for await (const record of again.records()) records.push(record)
    expect(records).toEqual(heard)
    for (const { metadata } of records) expect(Object.isFrozen(metadata?.roles)).toBe(true)
  })

  test('decides a guard and a command', async () => {
    const store = await audited.memory()
    const refused = await store.dispatch('add', { by: 10 }, ann).safe()
    expect(refused).toMatchObject({ code: 'too_much', details: { actor: 'ann' } })
    const allowed = await store.dispatch('add', { by: 10 }, { metadata: { actor: 'root' } }).safe()
    expect(allowed.ok).toBe(true)
    expect(await store.execute('addTwice', { by: 1 }, ann).safe()).toMatchObject({
      code: 'no_reason',
    })
  })

  test('is empty for a guard and a transaction where there is none', async () => {
    const seen: unknown[] = []
    const plain = defineStore({
      name: 'plain',
      state: { count: 0 },
      mutations: {
        add: {
          guard: (_state, _payload, { metadata }) => void seen.push(metadata),
          apply: (draft) => void draft.count++,
        },
      },
    })
    const journal = memoryJournal()
    const store = await plain.open(journal)
    await store.dispatch('add')
    await store.dispatch('add', undefined, { metadata: {} })
    await store.transaction((tx) => void seen.push(tx.metadata))
    expect(seen).toEqual([{}, {}, {}])
    expect(texts(journal).map((record) => 'metadata' in record)).toEqual([false, false])
  })

  test('is not seen by a reducer, live or on replay', async () => {
    const journal = memoryJournal()
    const store = await audited.open(journal)
    await store.dispatch('add', { by: 1 }, ann)
    expect(store.state.seen).toEqual([])
    expect((await audited.replay(journal)).state).toEqual(store.state)
    expect((await audited.replayCheck(journal)).ok).toBe(true)
  })

  test('is no part of what an idempotency key compares', async () => {
    const journal = memoryJournal()
    const store = await audited.open(journal)
    const first = await store.dispatch('add', { by: 1 }, { ...ann, key: 'k' })
    const other = { key: 'k', metadata: { actor: 'bob' } }
    expect(await store.dispatch('add', { by: 1 }, other)).toEqual({ ...first, duplicate: true })
    await store.close()
    const again = await audited.open(journal)
    expect(await again.dispatch('add', { by: 1 }, other)).toEqual({ ...first, duplicate: true })
  })

  test('that its schema refuses is invalid, and nothing is written', async () => {
    const journal = memoryJournal()
    const store = await audited.open(journal)
    const loose = store as unknown as { dispatch(...args: unknown[]): Promise<unknown> }
    for (const given of [undefined, {}, { metadata: undefined }, { metadata: { actor: 4 } }]) {
      await expect(loose.dispatch('reset', undefined, given)).rejects.toMatchObject({
        code: 'invalid',
        details: { target: 'dispatch', issues: [{ path: ['metadata', 'actor'] }] },
        message: expect.stringContaining('dispatch: options.metadata.actor: '),
      })
    }
    for (const odd of ['ann', null, [], 4, () => undefined])
      await expect(loose.dispatch('reset', undefined, { metadata: odd })).rejects.toMatchObject({
        code: 'invalid',
        details: { issues: [{ path: ['metadata'] }] },
      })
    expect(journal.entries).toEqual([])
  })

  test('has the well-known fields with every schema, checked', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const known = { correlationId: 'order-7', causationId: 3, traceparent }
    for (const schema of [undefined, z.object({}), z.strictObject({})]) {
      const journal = memoryJournal()
      const store = await counterWith(schema).open(journal)
      const dispatch = (metadata: object) =>
        store.dispatch('add', undefined, { metadata: metadata as never })
      await dispatch(known)
      await dispatch({ causationId: 'msg-1', traceparent: `cc${traceparent.slice(2)}-more` })
      expect(texts(journal)[0].metadata).toEqual(known)
      for (const wrong of [
        { correlationId: '' },
        { correlationId: 'c'.repeat(1025) },
        { correlationId: 4 },
        { causationId: 0 },
        { causationId: 1.5 },
        { causationId: '' },
        { traceparent: 'tp' },
        { traceparent: `${traceparent}-more` },
        { traceparent: `ff${traceparent.slice(2)}` },
        { traceparent: traceparent.replace('0af7651916cd43dd8448eb211c80319c', '0'.repeat(32)) },
        { traceparent: `${traceparent}\n` },
      ])
        await expect(dispatch(wrong), JSON.stringify(wrong)).rejects.toMatchObject({
          code: 'invalid',
          details: { issues: [{ path: ['metadata', Object.keys(wrong)[0]] }] },
        })
    }
  })

  test('may declare a well-known field itself, which is then checked both ways', async () => {
    const schema = z.object({ correlationId: z.string().max(3) })
    const store = await counterWith(schema).memory()
    const dispatch = (correlationId: string) =>
      store.dispatch('add', undefined, { metadata: { correlationId } as never }).safe()
    expect(await dispatch('abc')).toMatchObject({ ok: true })
    expect(await dispatch('abcd')).toMatchObject({ code: 'invalid' })
    expect(await dispatch('')).toMatchObject({ code: 'invalid' })
  })

  test('that no schema declares is refused and not dropped', async () => {
    const store = await counterWith(undefined).memory()
    const metadata = { actor: 'ann' } as never
    await expect(store.dispatch('add', undefined, { metadata })).rejects.toMatchObject({
      code: 'invalid',
      details: { issues: [{ path: ['metadata', 'actor'] }] },
    })
  })

  test('takes at most 16,384 characters', async () => {
    const store = await audited.memory()
    const length = 16_384 - '{"actor":"","roles":[]}'.length
    const dispatch = (actor: string) =>
      store.dispatch('reset', undefined, { metadata: { actor } }).safe()
    expect(await dispatch('a'.repeat(length))).toMatchObject({ ok: true })
    expect(await dispatch('a'.repeat(length + 1))).toMatchObject({
      code: 'invalid',
      details: { issues: [{ path: ['metadata'] }] },
    })
  })

  test('that JSON cannot hold, or that could pollute a prototype, is refused', async () => {
    const loose = counterWith(z.looseObject({}) as never)
    const store = await loose.memory()
    const cyclic: Record<string, unknown> = {}
    cyclic['self'] = cyclic
    for (const odd of [
      JSON.parse('{"__proto__":{"actor":"root"}}'),
      JSON.parse('{"a":{"__proto__":1}}'),
      { constructor: 1 },
      { at: new Date(0) },
      { n: Number.NaN },
      { big: 1n },
      { run: () => 1 },
      cyclic,
    ])
      await expect(
        store.dispatch('add', undefined, { metadata: odd as never }),
      ).rejects.toMatchObject({ code: 'invalid', details: { issues: [{}] } })
    const throws = {
      get actor(): string {
        throw new Error('boom')
      },
    }
    await expect(store.dispatch('add', undefined, { metadata: throws })).rejects.toMatchObject({
      code: 'check_failed',
    })
    expect(store.seq).toBe(0)
  })

  test('is read once, at the call', async () => {
    const server = new Server()
    const store = await audited.open(sharedJournal(server.engine()))
    const given = { actor: 'ann', roles: ['a'] }
    const dispatched = store.dispatch('add', { by: 1 }, { metadata: given })
    given.actor = 'eve'
    given.roles.push('root')
    await dispatched
    for await (const { metadata } of store.records())
      expect(metadata).toEqual({ actor: 'ann', roles: ['a'] })
    await store.close()
  })

  test('stays with a dispatch that is decided again, and its guard reads it again', async () => {
    const server = new Server()
    const [a, b] = [
      await audited.open(sharedJournal(server.engine())),
      await audited.open(sharedJournal(server.engine())),
    ]
    const all = await Promise.all(
      [a, b, a, b].map((store, index) =>
        store
          .dispatch('add', { by: 20 + index }, { metadata: { actor: index < 3 ? 'root' : 'ann' } })
          .safe(),
      ),
    )
    expect(all.map(({ ok }) => ok)).toEqual([true, true, true, false])
    const actors = []
    for await (const { metadata, payload } of b.records())
      actors.push([metadata?.actor, (payload as { by: number }).by])
    expect(actors.sort()).toEqual([20, 21, 22].map((by) => ['root', by]))
    await a.close()
    await b.close()
  })

  test('that a newer schema refuses is shown as it was journaled, and nothing else notices', async () => {
    const journal = memoryJournal()
    const old = await counterWith(z.object({ actor: z.string() })).open(journal)
    await old.dispatch('add', undefined, { metadata: { actor: 'ann' } })
    await old.close()
    const newer = counterWith(z.object({ actor: z.uuid(), tenant: z.string() }))
    const store = await newer.open(journal)
    const shown = []
    for await (const { metadata } of store.records()) shown.push(metadata)
    expect(shown).toEqual([{ actor: 'ann' }])
    expect(await newer.replayCheck(journal)).toMatchObject({ ok: true })
    expect(store.state).toEqual({ count: 1 })
  })

  test('in a record that is no object, or that could pollute a prototype, is corrupt', async () => {
    for (const odd of ['"ann"', 'null', '[]', '{"a":{"__proto__":1}}']) {
      const journal = memoryJournal([
        `{"at":"2026-01-01T00:00:00.000Z","metadata":${odd},"type":"reset"}`,
      ])
      await expect(audited.open(journal), odd).rejects.toMatchObject({ code: 'corrupt', seq: 1 })
    }
  })

  test('begins a store in memory, where a fact may have it', async () => {
    const store = await audited.memory([
      { type: 'reset' },
      { type: 'add', payload: { by: 1 }, metadata: { actor: 'ann' } },
    ])
    const shown = []
    for await (const { metadata } of store.records()) shown.push(metadata)
    expect(shown).toEqual([undefined, { actor: 'ann', roles: [] }])
    const wrong = [{ type: 'reset', metadata: { actor: '' } }] as const
    await expect(audited.memory(wrong)).rejects.toMatchObject({ code: 'invalid' })
  })
})

describe('a bound view', () => {
  test('gives its metadata to everything, and a call adds to it field by field', async () => {
    const journal = memoryJournal()
    const store = await audited.open(journal)
    const view = store.with({ metadata: { actor: 'ann', correlationId: 'c' } })
    await view.dispatch('add', { by: 1 })
    await view.dispatchAll([{ type: 'reset' }])
    await view.execute('addTwice', { by: 1 }, { metadata: { reason: 'why' } })
    await view.transaction((tx) => void tx.dispatch('reset'), { metadata: { actor: 'bob' } })
    await view.with({ metadata: { reason: 'more' } }).dispatch('reset')
    const base = { actor: 'ann', correlationId: 'c', roles: [] }
    expect(texts(journal).map((record) => record.metadata)).toEqual([
      base,
      base,
      { ...base, reason: 'why' },
      { ...base, actor: 'bob' },
      { ...base, reason: 'more' },
    ])
    expect(store.state).toBe(view.state)
    expect(view.seq).toBe(5)
  })

  test('requires what it was not given', async () => {
    const store = await audited.memory()
    const view = store.with({ metadata: { reason: 'why' } })
    const loose = view as unknown as { dispatch(type: string): Promise<unknown> }
    await expect(loose.dispatch('reset')).rejects.toMatchObject({ code: 'invalid' })
    await view.dispatch('reset', undefined, ann)
    expect(store.seq).toBe(1)
  })

  test('keeps what it was given, and fills in a default once', async () => {
    let made = 0
    const counted = counterWith(
      z.object({ actor: z.string(), request: z.string().default(() => `r${++made}`) }) as never,
    )
    const journal = memoryJournal()
    const store = await counted.open(journal)
    const given = { actor: 'ann' }
    const view = store.with({ metadata: given })
    given.actor = 'eve'
    await view.dispatch('add')
    await view.dispatch('add')
    expect(texts(journal).map((record) => record.metadata)).toEqual([
      { actor: 'ann', request: 'r1' },
      { actor: 'ann', request: 'r1' },
    ])
  })

  test('takes metadata and nothing else', async () => {
    const store = (await audited.memory()) as unknown as { with(options?: unknown): unknown }
    for (const odd of [undefined, null, {}, { metadata: 'ann' }, { metadata: {}, key: 'k' }])
      expect(() => store.with(odd)).toThrow(TypeError)
  })
})

describe('a metadata schema', () => {
  const define = (schema: unknown) => () => counterWith(schema as z.ZodObject)

  test('that is no object of JSON is a bad definition', () => {
    for (const [schema, says] of [
      [z.string(), 'metadata: must be a z.object'],
      [z.union([z.object({})]), 'metadata: must be a z.object'],
      [{ actor: z.string() }, 'metadata: must be a z.object'],
      [z.object({ when: z.array(z.date()) }), 'metadata.when[] is a date, which the journal'],
    ] as const)
      expect(define(schema)).toThrow(
        expect.objectContaining({ code: 'bad_definition', message: expect.stringContaining(says) }),
      )
    const throws = z.object({
      get a(): z.ZodString {
        throw new Error('boom')
      },
    })
    expect(define(throws)).toThrow(expect.objectContaining({ code: 'bad_definition' }))
  })

  test('that does not accept its own output is unstable, and one that is asynchronous fails', async () => {
    const dispatch = async (schema: z.ZodObject) =>
      (await counterWith(schema).memory()).dispatch('add', undefined, { metadata: { actor: 'a' } })
    const growing = z.object({ actor: z.string().transform((text) => `${text}!`) })
    await expect(dispatch(growing as never)).rejects.toMatchObject({ code: 'unstable_payload' })
    const settled = z.object({ actor: z.string().transform((text) => text.toLowerCase()) })
    await dispatch(settled as never)
    const late = z.object({ actor: z.string().refine(async () => true) })
    await expect(dispatch(late)).rejects.toMatchObject({ code: 'check_failed' })
    const throwing = z.object({
      actor: z.string().refine(() => {
        throw new Error('boom')
      }),
    })
    await expect(dispatch(throwing)).rejects.toMatchObject({ code: 'check_failed' })
  })
})

test('metadata comes back from a file as it was given, whatever its strings are', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'metadata-'))
  let run = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          actor: fc.string({ minLength: 1, unit: 'binary' }),
          roles: fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 3 }),
        }),
        { minLength: 1, maxLength: 5 },
      ),
      async (given) => {
        const path = join(folder, `${run++}.jsonl`)
        const store = await audited.open(path, { durability: 'os' })
        await Promise.all(given.map((metadata) => store.dispatch('reset', undefined, { metadata })))
        await store.compact()
        await Promise.all(given.map((metadata) => store.dispatch('reset', undefined, { metadata })))
        await store.close()
        const again = await audited.open(path, { durability: 'os' })
        const shown = []
        for await (const { metadata } of again.records({ after: given.length }))
          shown.push(metadata)
        await again.close()
        expect(shown).toEqual(given)
      },
    ),
    { numRuns: 5 },
  )
})

test('a line whose metadata another program wrote is refused by whoever reads it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'metadata-'))
  const path = join(folder, 'audited.jsonl')
  await (await audited.open(path)).close()
  const header = JSON.parse(await readFile(path, 'utf8'))
  const body = '{"seq":1,"at":"2026-01-01T00:00:00.000Z","metadata":7,"type":"reset"'
  const crc = crc32(body, crc32(header.journal)).toString(16).padStart(8, '0')
  await appendFile(path, `${body},"crc":"${crc}"}\n`)
  await expect(audited.open(path)).rejects.toMatchObject({ code: 'corrupt', seq: 1 })
})
