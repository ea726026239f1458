import { defineStore } from 'ministore-ts'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  parseSchemaLock,
  type SchemaLock,
  SchemaLockError,
  schemaLock,
  schemaLockText,
} from '../../src/proof/schema/index.ts'
import { lockOf } from './evolve.ts'

const apply = () => undefined
const broker = defineStore({
  name: 'broker',
  state: {},
  mutations: {
    addTopic: {
      payload: z.object({ name: z.string().min(1), partitions: z.int32().default(1) }),
      upcast: { 1: z.object({ title: z.string() }).transform(({ title }) => ({ name: title })) },
      apply,
    },
    reset: { apply },
  },
  retired: { purge: { payload: z.object({ before: z.iso.date() }).optional(), apply } },
})

const payloadOf = (schema: z.ZodType) => lockOf(schema).mutations['m']?.payloads['1']

describe('a lock', () => {
  test('has what journals may hold of every mutation and version', () => {
    expect(schemaLock(broker)).toEqual({
      format: 'ministore-schema',
      version: 1,
      store: 'broker',
      mutations: {
        addTopic: {
          version: 2,
          payloads: {
            // What the upcaster takes.
            1: {
              type: 'object',
              properties: { title: { type: 'string' } },
              required: ['title'],
              'x-code': ['transform ({ title }) => ({ name: title })'],
            },
            // What the schema gives: a default is always there.
            2: {
              type: 'object',
              properties: {
                name: { type: 'string', minLength: 1 },
                partitions: { type: 'integer', minimum: -2147483648, maximum: 2147483647 },
              },
              required: ['name', 'partitions'],
              additionalProperties: false,
            },
          },
        },
        purge: {
          version: 1,
          retired: true,
          payloads: {
            1: {
              type: 'object',
              properties: {
                before: { type: 'string', format: 'date', pattern: expect.any(String) },
              },
              required: ['before'],
              additionalProperties: false,
              'x-optional': true,
            },
          },
        },
        reset: { version: 1, payloads: { 1: { not: {}, 'x-optional': true } } },
      },
    })
  })

  test('is the same text for the same definition, in whatever order it is declared', () => {
    const [one, other] = [['a', 'b', 'c'] as const, ['c', 'b', 'a'] as const].map((names) =>
      schemaLock(
        defineStore({
          name: 's',
          state: {},
          mutations: Object.fromEntries(
            names.map((name) => {
              const shape = names.map((each): [string, z.ZodType] => [each, z.literal(each)])
              return [name, { payload: z.object(Object.fromEntries(shape)), apply }]
            }),
          ),
        } as never),
      ),
    ) as [SchemaLock, SchemaLock]
    expect(schemaLockText(other)).toBe(schemaLockText(one))
    expect(schemaLockText(one)).toMatch(/^\{\n {2}"format": "ministore-schema",\n[\s\S]*\n\}\n$/)
  })

  test('says what JSON Schema cannot say', () => {
    const seen = z.object({
      refined: z.string().refine(Boolean).optional(),
      trimmed: z.array(z.string().trim().toLowerCase()),
      flagged: z.string().regex(/^a/i),
      several: z
        .url({ protocol: /^https$/ })
        .regex(/b$/)
        .regex(/c/s)
        .max(9),
      custom: z.custom<string>(() => true),
      transformed: z.string().transform(Number),
    })
    expect(payloadOf(seen)?.properties).toEqual({
      refined: { type: 'string', 'x-zod': ['refine function Boolean() { [native code] }'] },
      trimmed: {
        type: 'array',
        items: {
          type: 'string',
          'x-zod': [
            'overwrite (input) => input.toLowerCase()',
            'overwrite (input) => input.trim()',
          ],
        },
      },
      flagged: { type: 'string', 'x-zod': ['/^a/i'] },
      several: {
        type: 'string',
        maxLength: 9,
        pattern: 'b$',
        'x-zod': ['/c/s', 'format url', 'format url, protocol /^https$/'],
      },
      custom: { 'x-zod': ['refine () => true'] },
      transformed: { type: 'string', 'x-zod': ['transform function Number() { [native code] }'] },
    })
  })

  test('leaves out what changes nothing: descriptions, ids, defaults', () => {
    const told = z
      .object({ a: z.string().default('x').describe('a').meta({ id: 'A' }) })
      .readonly()
      .meta({ title: 'T' })
    expect(payloadOf(told)).toEqual(payloadOf(z.object({ a: z.string() })))
  })

  test('has recursive schemas by reference', () => {
    const tree: z.ZodType = z.object({
      get children() {
        return z.array(tree)
      },
    })
    expect(payloadOf(tree)).toMatchObject({
      $ref: '#/$defs/kept0',
      $defs: { kept0: { properties: { children: { items: { $ref: '#/$defs/kept0' } } } } },
    })
  })
})

describe('the text of a lock', () => {
  test('is read back as the same lock', () => {
    const lock = schemaLock(broker)
    expect(parseSchemaLock(schemaLockText(lock), 'lock')).toEqual(lock)
  })

  const text = (change: (lock: { [key: string]: unknown; mutations: never }) => unknown) =>
    JSON.stringify(change(JSON.parse(schemaLockText(schemaLock(broker)))))
  const nested = `${'[{"items":'.repeat(600)}1${'}]'.repeat(600)}`

  test.each([
    ['', /not JSON .*; restore it from version control, or delete it/],
    ['<<<<<<< HEAD\n{}', /not JSON/],
    ['[]', /not a schema lockfile; name the lock file by --lock/],
    ['null', /not a schema lockfile/],
    [text((lock) => ({ ...lock, format: 'ministore' })), /not a schema lockfile/],
    [text((lock) => ({ ...lock, version: 2 })), /format version 2; update ministore/],
    [text((lock) => ({ ...lock, version: '1' })), /version: .*; restore it/],
    [text(({ store, ...lock }) => lock), /store: /],
    [text((lock) => ({ ...lock, more: 1 })), /more/],
    [
      text((lock) => ({ ...lock, mutations: { a: { version: 2, payloads: { 1: {} } } } })),
      /mutations\.a: payloads must have every version/,
    ],
    [
      text((lock) => ({
        ...lock,
        mutations: {
          a: { version: 1, payloads: { 1: { properties: { b: { maxLength: 'x' } } } } },
        },
      })),
      /mutations\.a\.payloads\.1\.properties\.b: /,
    ],
    [
      text((lock) => ({
        ...lock,
        mutations: { a: { version: 1, payloads: { 1: { items: 1 } } } },
      })),
      /mutations\.a\.payloads\.1\.items: /,
    ],
    [
      `{"format":"ministore-schema","version":1,"store":"s","mutations":${nested}}`,
      /nested too deep/,
    ],
  ])('is refused with its path, where and what to do: %#', (bad, problem) => {
    let thrown: unknown
    try {
      parseSchemaLock(bad, 'data/lock.json')
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(SchemaLockError)
    const { message, path } = thrown as SchemaLockError
    expect(path).toBe('data/lock.json')
    expect(message).toMatch(/^data\/lock\.json: /)
    expect(message).toMatch(problem)
  })
})
