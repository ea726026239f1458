import { defineStore } from 'ministore-ts'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  compareSchemas,
  type JsonSchema,
  parseSchemaLock,
  type SchemaLock,
  schemaChanges,
  schemaLock,
  schemaLockText,
} from '../../src/proof/schema/index.ts'
import { lockOf } from './evolve.ts'

const apply = () => undefined
const addTopic = { payload: z.object({ name: z.string() }), apply }
const reset = { apply }

function lock(mutations: object, retired: object = {}, name = 'broker'): SchemaLock {
  return schemaLock(defineStore({ name, state: {}, mutations, retired } as never))
}
const shipped = lock({ addTopic, reset })
const found = (locked: SchemaLock, now: SchemaLock) => compareSchemas(locked, now, 'lock.json')
const errors = (locked: SchemaLock, now: SchemaLock) =>
  found(locked, now).map(({ type, severity, message }) => `${severity} ${type}: ${message}`)

describe('the comparison with a lock', () => {
  test('finds nothing where nothing changed', () => {
    expect(found(shipped, lock({ reset, addTopic }))).toEqual([])
  })

  test('passes a new mutation, a retired one, one that is no longer retired, and warns that the lock is old', () => {
    const now = lock(
      { addTopic, rename: { payload: z.object({ to: z.string() }), apply } },
      { reset },
    )
    const message =
      'the lock does not know of this yet:\n  rename: new\n  reset: retired\n' +
      'run `npx ministore-ts schema --update` and commit it. The lockfile only protects the schemas that it has'
    const warning = { rule: 'schema_changed', severity: 'warning', file: 'lock.json' }
    expect(found(shipped, now)).toEqual([{ ...warning, message }])
    expect(found(lock({ addTopic }, { reset }), shipped)).toMatchObject([{ severity: 'warning' }])
  })

  test('names a mutation that was removed, and says to retire it', () => {
    expect(found(shipped, lock({ addTopic }))).toEqual([
      {
        rule: 'schema_changed',
        severity: 'error',
        file: 'lock.json',
        type: 'reset',
        message:
          'the mutation is gone, and journals with it no longer open: ' +
          'move it to `retired`, with its payload, upcasters and reducer',
      },
    ])
  })

  test('recognises a mutation that was renamed', () => {
    const other = { payload: z.object({ id: z.int() }), apply }
    const before = lock({ addTopic, copyTopic: addTopic })
    const [error] = errors(before, lock({ createTopic: addTopic, copyTopic: addTopic, other }))
    expect(error).toContain('was it renamed to "createTopic"? Its records keep the old name')
  })

  test('says to raise the version where a payload was narrowed', () => {
    const narrow = { payload: z.object({ name: z.string().max(10) }), apply }
    expect(errors(shipped, lock({ addTopic: narrow, reset }))).toEqual([
      [
        'error addTopic: version 1 was changed without an upcaster, and does not take all that the lock allows:',
        '  payload.name: maxLength 10 where it had none',
        'widen it again, or declare the old schema as `upcast: { 1: … }`, which makes this version 2',
      ].join('\n'),
    ])
  })

  test('says that a default does not help old records', () => {
    const more = addTopic.payload.extend({ partitions: z.int().default(1) })
    const [error] = errors(shipped, lock({ addTopic: { payload: more, apply }, reset }))
    expect(error).toContain('payload.partitions: new and required')
    expect(error).toContain('a .default() fills in dispatched payloads, and never replayed ones')
    const upcast = { 1: addTopic.payload }
    const [warning] = errors(shipped, lock({ addTopic: { payload: more, upcast, apply }, reset }))
    expect(warning).toMatch(/^warning [\s\S]*addTopic: version 1 → 2/)
  })

  test('wants an upcaster that takes all that its version had', () => {
    const payload = z.object({ id: z.int() })
    const upcast = { 1: z.object({ name: z.string().min(1) }).transform(() => ({ id: 1 })) }
    const now = lock({ addTopic: { payload, upcast, apply }, reset })
    expect(errors(shipped, now)).toEqual([
      [
        'error addTopic: the upcaster of version 1 does not take all that the lock allows:',
        '  payload.name: minLength 1 where it was 0',
        'let the upcaster take it',
      ].join('\n'),
    ])
    const strict = { 1: z.strictObject({ name: z.string() }).transform(() => ({ id: 1 })) }
    const raised = lock({ addTopic: { payload, upcast: strict, apply }, reset })
    expect(found(shipped, raised)).toMatchObject([{ severity: 'warning' }])
  })

  test('wants every version that was there', () => {
    const payload = z.object({ name: z.string() })
    const before = lock({ addTopic: { payload, upcast: { 1: payload }, apply }, reset })
    expect(errors(before, shipped)).toEqual([
      "error addTopic: version 2 is gone, and journals with it no longer open: today's is version 1; " +
        'declare the old ones in `upcast` again',
    ])
    const { addTopic: { payloads: { '1': _, ...payloads } = {}, ...others } = { version: 2 } } =
      before.mutations
    const holed = {
      ...before,
      mutations: { ...before.mutations, addTopic: { ...others, payloads } },
    }
    expect(errors(before, holed)).toEqual([
      'error addTopic: version 1 has no upcaster: declare one in `upcast`',
    ])
  })

  test('knows whether a record may have no payload', () => {
    const required = 'payload: required where it was optional'
    const payload = z.object({ a: z.int() })
    expect(errors(lockOf(undefined), lockOf(payload))[0]).toContain(required)
    expect(errors(lockOf(payload.optional()), lockOf(payload))[0]).toContain(required)
    expect(found(lockOf(payload), lockOf(payload.optional()))).toMatchObject([
      { severity: 'warning' },
    ])
    expect(errors(lockOf(payload), lockOf(undefined))[0]).toContain('payload: refuses an object')
    expect(found(lockOf(undefined), lockOf(payload.optional()))).toMatchObject([
      { severity: 'warning' },
    ])
  })

  test.each([z.any(), z.undefined(), z.void(), z.unknown(), z.object({}).optional()])(
    'has no objection to an upcaster for records without payload: %#',
    (nothing) => {
      const upcaster = nothing.transform(() => ({ a: 1 }))
      const now = lockOf(z.object({ a: z.int() }), upcaster)
      expect(found(lockOf(undefined), now)).toMatchObject([{ severity: 'warning' }])
      expect(found(lockOf(z.union([z.int(), nothing])), lockOf(z.int()))[0]?.message).toContain(
        'payload: required where it was optional',
      )
    },
  )

  test('refuses the lock of another store', () => {
    expect(errors(shipped, lock({ addTopic, reset }, {}, 'shop'))).toEqual([
      expect.stringContaining('the lock is of the store "broker", the definition is of "shop"'),
    ])
  })

  test('tells ten narrowings of a payload, and how many more there are', () => {
    const shape = (schema: z.ZodType) =>
      z.object(Object.fromEntries(Array.from({ length: 13 }, (_, index) => [`p${index}`, schema])))
    const [error = ''] = errors(lockOf(shape(z.string())), lockOf(shape(z.int())))
    expect(error.match(/refuses/g)).toHaveLength(10)
    expect(error).toContain('\n  … and 3 more\n')
  })

  test.each<JsonSchema>([
    { $ref: '#' },
    {
      $ref: '#/$defs/a',
      $defs: { a: { $ref: '#/$defs/b' }, b: { anyOf: [{ $ref: '#/$defs/a' }] } },
    },
    { $ref: '#/$defs/none' },
    { $ref: 'https://example.org/schema.json' },
    { allOf: [{ $ref: '#' }, { type: 'string' }] },
    {
      $ref: '#/$defs/a',
      $defs: {
        a: {
          type: 'object',
          properties: { n: { allOf: [{ $ref: '#/$defs/a' }, { $ref: '#/$defs/b' }] } },
        },
        b: {
          type: 'object',
          properties: { n: { allOf: [{ $ref: '#/$defs/b' }, { $ref: '#/$defs/a' }] } },
        },
      },
    },
    { type: 'object', if: { required: ['a'] }, minProperties: 2 },
    { type: 'string', pattern: '(' },
    { type: 'nonsense' },
    { not: { type: 'string' } },
  ])('ends, and shows nothing by what it cannot read: %j', (strange) => {
    const of = (schema: JsonSchema): SchemaLock => ({
      ...lockOf(undefined),
      mutations: { m: { version: 1, payloads: { 1: schema } } },
    })
    expect(found(of(strange), of(strange))).toEqual([])
    // It is not of this kind, and nothing says that it takes it.
    const other = { type: 'array', items: { type: 'string', pattern: 'a' } }
    expect(found(of(other), of(strange))).toMatchObject([{ severity: 'error' }])
  })
})

describe('what changed', () => {
  test('is told by mutation', () => {
    const now = lock(
      { addTopic: { payload: z.object({ name: z.any() }), upcast: { 1: z.any() }, apply } },
      {},
      'shop',
    )
    expect(schemaChanges(shipped, now)).toEqual([
      'the store: broker → shop',
      'addTopic: version 1 → 2, payload of version 1 changed',
      'reset: gone',
    ])
    expect(schemaChanges(undefined, shipped)).toEqual(['addTopic: new', 'reset: new'])
    expect(schemaChanges(shipped, shipped)).toEqual([])
  })
})

test('a change of the metadata schema is a note, and breaks nothing', () => {
  const withMetadata = (metadata: z.ZodObject<{ actor: z.ZodString }>) =>
    schemaLock(defineStore({ name: 'broker', state: {}, metadata, mutations: { addTopic, reset } }))
  const actor = withMetadata(z.object({ actor: z.string() }))
  const other = withMetadata(z.object({ tenant: z.int() }) as never)
  expect(actor.metadata?.properties).toHaveProperty('actor')
  const note = { severity: 'note', rule: 'schema_changed' }
  expect(found(shipped, actor)).toMatchObject([
    { ...note, message: expect.stringContaining('the metadata: new') },
  ])
  expect(found(actor, other)).toMatchObject([
    { ...note, message: expect.stringContaining('the metadata: changed, which breaks no journal') },
  ])
  expect(found(actor, shipped)).toMatchObject([note])
  expect(found(actor, actor)).toEqual([])
  expect(parseSchemaLock(schemaLockText(actor), 'lock.json')).toEqual(actor)
  const wider = schemaLock(
    defineStore({ name: 'broker', state: {}, mutations: { addTopic, reset, other: reset } }),
  )
  expect(found(actor, wider)).toMatchObject([{ severity: 'warning' }])
})
