// A schema's output is the journal's: it must come back unchanged, whatever was dispatched before.
import { defineStore, memoryJournal, Rejection, StoreError } from 'ministore-ts'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'

const storeOf = (payload: z.ZodType) =>
  defineStore({
    name: 'posts',
    state: { posts: [] as string[] },
    mutations: {
      post: {
        payload: payload as z.ZodType<string>,
        apply: (draft, post) => void draft.posts.push(post),
      },
    },
  })

const escapeHtml = (text: string) => text.replaceAll('&', '&amp;')
const escaped = z.string().transform(escapeHtml)
const shortened = (text: string) => (text.startsWith('#') ? text.slice(1) : text)

/** Each accepts its first input unchanged, and makes of the second what it would change again. */
const UNSTABLE: [string, z.ZodType, unknown, unknown][] = [
  ['a transform', escaped, 'a', 'a & b'],
  ['a transform in an object', z.object({ body: escaped }), { body: 'a' }, { body: 'a & b' }],
  ['a transform in a list', z.array(escaped), ['a'], ['&']],
  ['a transform in a tuple', z.tuple([z.int(), escaped]), [1, 'a'], [1, '&']],
  ['a transform in a record', z.record(z.string(), escaped), { a: 'a' }, { a: '&' }],
  ['a transform of keys', z.record(escaped, z.int()), { a: 1 }, { '&': 1 }],
  ['a transform of other keys', z.object({}).catchall(escaped), { a: 'a' }, { a: '&' }],
  ['a transform in a lazy schema', z.lazy(() => escaped), 'a', '&'],
  ['a transform in an option', z.union([z.int(), escaped]), 1, '&'],
  [
    'a transform in a named option',
    z.discriminatedUnion('t', [
      z.object({ t: z.literal('a') }),
      z.object({ t: z.literal('b'), x: escaped }),
    ]),
    { t: 'a' },
    { t: 'b', x: '&' },
  ],
  ['a transform in an intersection', z.intersection(escaped, escaped), 'a', '&'],
  ['a transform, read only', escaped.readonly(), 'a', '&'],
  ['an optional transform', escaped.optional(), 'a', '&'],
  ['an overwrite', z.string().overwrite(escapeHtml), 'a', '&'],
  ['a preprocess', z.preprocess((text) => escapeHtml(String(text)), z.string()), 'a', '&'],
  [
    'a codec',
    z.codec(z.string(), z.string(), { decode: escapeHtml, encode: escapeHtml }),
    'a',
    '&',
  ],
  [
    'a check that writes',
    z.string().check((part) => void Object.assign(part, { value: escapeHtml(part.value) })),
    'a',
    '&',
  ],
  [
    'a refinement that writes',
    z.object({ a: z.string() }).refine((post) => Object.assign(post, { a: escapeHtml(post.a) })),
    { a: 'a' },
    { a: '&' },
  ],
  ['a custom format', z.string().pipe(z.string().transform(shortened)), '', '##a'],
  ['an invalid default', z.object({ n: z.int().default('x' as never) }), { n: 1 }, {}],
  ['a key that may not be missing', z.object({ a: z.unknown() }), { a: 1 }, { a: undefined }],
  [
    'an option that takes the output of another',
    z.union([
      z.object({ a: z.string(), b: z.never().optional() }),
      z.object({ a: z.string(), c: z.string() }),
    ]),
    { a: 'x' },
    { a: 'x', b: 1, c: 'y' },
  ],
]

const record = (payload: unknown) =>
  JSON.stringify({ at: '2026-11-22T12:00:00.000Z', type: 'post', payload })

describe('a payload that its schema would change again', () => {
  test.each(UNSTABLE)('is refused whatever came before: %s', async (_, schema, fits, changes) => {
    const asFirst = await storeOf(schema).memory()
    await expect(asFirst.dispatch('post', changes as string)).rejects.toMatchObject({
      code: 'unstable_payload',
    })
    const definition = storeOf(schema)
    const journal = memoryJournal()
    const store = await definition.open(journal)
    await store.dispatch('post', fits as string)
    const error = await store.dispatch('post', changes as string).catch((cause) => cause)
    expect(error).toBeInstanceOf(StoreError)
    expect(error).toMatchObject({ code: 'unstable_payload' })
    expect(journal.entries).toHaveLength(1)
    expect((await definition.replayCheck(journal)).ok).toBe(true)
  })

  test.each<[string, z.ZodType, unknown]>([
    ['a transform to another type', z.string().transform(Number), '7'],
    ['a coercion that refuses its output', z.stringbool(), 'yes'],
    ['a transform that throws at its output', z.any().transform((n) => n.toFixed(1)), 7],
  ])('is the fault of the definition and not of the caller: %s', async (_, schema, input) => {
    const store = await storeOf(schema).memory()
    const error = await store.dispatch('post', input as string).catch((cause) => cause)
    expect(error).toMatchObject({ name: 'StoreError', code: 'unstable_payload' })
    expect(error.message).toContain('Transform the value before you dispatch it')
  })

  test.each<[string, z.ZodType, unknown, unknown]>([
    ['trimmed', z.string().trim(), ' a ', 'a'],
    ['with a default', z.object({ n: z.int().default(1) }), {}, { n: 1 }],
    ['without unknown keys', z.object({ a: z.int() }), { a: 1, b: 2 }, { a: 1 }],
    ['as a URL', z.url(), ' https://example.com ', 'https://example.com'],
  ])('is not meant where it settles at once: %s', async (_, schema, input, payload) => {
    const store = await storeOf(schema).memory()
    await store.dispatch('post', input as string)
    expect(store.state.posts).toEqual([payload])
  })
})

describe('what definition.schema has parsed', () => {
  test('is transformed once, in the dispatch', async () => {
    const definition = storeOf(z.string().transform(shortened))
    const store = await definition.memory()
    const parsed = definition.schema.parse({ type: 'post', payload: '##a' })
    expect(parsed).toEqual({ type: 'post', payload: '##a' })
    // Parsed twice, it would be 'a', which the schema does not change any more.
    await expect(store.dispatchAll([parsed])).rejects.toMatchObject({ code: 'unstable_payload' })
    await store.dispatchAll([definition.schema.parse({ type: 'post', payload: '#a' })])
    expect(store.state.posts).toEqual(['a'])
  })

  test('has the JSON Schema of what can be dispatched', () => {
    const { schema } = storeOf(z.object({ n: z.int().default(1), text: z.string() }))
    expect(
      z.toJSONSchema(schema, { io: 'input' }).oneOf?.[0]?.properties?.['payload'],
    ).toMatchObject({
      required: ['text'],
      properties: { n: { default: 1 }, text: { type: 'string' } },
    })
  })
})

describe('the replay check of a journal that a schema reads as another', () => {
  test('does not advise a version where the schema does not accept its own output', async () => {
    const { findings } = await storeOf(escaped).replayCheck(memoryJournal([record('a & b')]))
    expect(findings[0]?.message).toContain('An upcaster cannot help')
    expect(findings[0]?.message).not.toContain('version of its own')
  })

  test('advises a version where the schema only became another', async () => {
    const { findings } = await storeOf(z.string().trim()).replayCheck(memoryJournal([record(' a')]))
    expect(findings[0]?.message).toContain('give the old shape a version of its own, with upcast')
  })
})

describe('an asynchronous schema', () => {
  test.each<[string, z.ZodType]>([
    ['a refinement', z.string().refine(async () => true)],
    ['a refinement inside', z.object({ a: z.array(z.any().refine(async () => true)) })],
    ['a transform', z.string().transform(async (text) => text)],
    ['a check', z.any().superRefine(() => Promise.resolve())],
  ])('is refused in words of ours: %s', async (_, schema) => {
    const store = await storeOf(schema).memory()
    const input = schema instanceof z.ZodObject ? { a: ['x'] } : 'x'
    const error = await store.dispatch('post', input as string).catch((cause) => cause)
    expect(error).toMatchObject({ code: 'check_failed' })
    expect(error.message).toBe(
      'The schema of post is asynchronous, and a store parses at once. Use only synchronous refinements and transforms, and await before you dispatch.',
    )
  })
})

describe('a key that zod would leave out without a word', () => {
  test.each<[string, z.ZodType]>([
    ['a record', z.object({ labels: z.record(z.string(), z.string()) })],
    ['an object', z.object({ labels: z.object({ a: z.string() }) })],
    ['a loose object', z.object({ labels: z.looseObject({}) })],
    ['anything', z.any()],
  ])('is refused in %s', async (_, schema) => {
    const store = await storeOf(schema).memory()
    for (const key of ['__proto__', 'constructor', 'prototype']) {
      const payload = JSON.parse(`{"labels":{"a":"x","${key}":"y"}}`)
      const refused = await store.dispatch('post', payload).safe()
      expect(refused).toBeInstanceOf(Rejection)
      expect(refused).toMatchObject({
        code: 'invalid',
        message: `post: payload.labels.${key}: is a forbidden key`,
        details: { target: 'post', issues: [{ path: ['labels', key] }] },
      })
    }
    expect(store.seq).toBe(0)
  })

  test('is refused in the input of a command', async () => {
    const definition = defineStore({
      name: 'n',
      state: {},
      mutations: { go: { apply() {} } },
      commands: { run: { input: z.record(z.string(), z.int()), run: (_, input) => input } },
    })
    const store = await definition.memory()
    const refused = await store.execute('run', JSON.parse('{"__proto__":1}')).safe()
    expect(refused).toMatchObject({
      code: 'invalid',
      message: 'run: input.__proto__: is a forbidden key',
    })
  })

  test('is no matter in a value that a schema takes for something else, or in a cycle', async () => {
    const cycle: Record<string, unknown> = {}
    Object.assign(cycle, { a: cycle, b: cycle, c: cycle })
    const store = await storeOf(z.object({ n: z.int() })).memory()
    await store.dispatch('post', { n: 1, cycle } as never)
    expect(store.state.posts).toEqual([{ n: 1 }])
  })
})
