import { createDecipheriv, createHmac, hkdfSync } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineStore, memoryJournal, reject } from 'ministore-ts'
import { memoryKeys, reveal, type Secret, secret, vault } from 'ministore-ts/secrets'
import { table } from 'ministore-ts/table'
import { scenarios, testKeys } from 'ministore-ts/testing'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { definitionOf } from '../../src/mutation/brand.ts'
import { acceptsOwnOutput } from '../../src/mutation/stable.ts'
import { compareSchemas, schemaLock } from '../../src/proof/schema/index.ts'

const EMAIL = 'ann.smith@example.org'
const email = secret(z.email(), { subject: 'id', redacted: '(erased)' })

interface Person {
  email: Secret<string>
  address: Secret<{ street: string } | null, { street: string }> | null
}

const people = defineStore({
  name: 'people',
  metadata: z.object({
    actor: z.string(),
    address: secret(z.ipv4(), { subject: 'actor', redacted: null }).optional(),
  }),
  state: { byId: {} as Record<string, Person> },
  mutations: {
    registered: {
      payload: z.object({
        id: z.string(),
        email,
        address: secret(z.object({ street: z.string() }), {
          subject: 'id',
          redacted: null,
        }).optional(),
      }),
      guard(state, { id }) {
        if (id in state.byId) return reject('taken')
      },
      apply(draft, { id, email, address = null }) {
        draft.byId[id] = { email, address }
      },
    },
    left: {
      payload: z.object({ id: z.string() }),
      apply: (draft, { id }) => void delete draft.byId[id],
    },
  },
  commands: {
    register: {
      input: z.object({ id: z.string(), email }),
      run: (tx, input) => void tx.dispatch('registered', input),
    },
  },
})

const ann = { id: 'user-7', email: EMAIL, address: { street: 'Main Street 5' } }
const bob = { id: 'user-8', email: 'bob@example.org' }
const by = { metadata: { actor: 'admin' } }

async function directory(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'secrets-'))
}

/** What is sealed, with the fields that nobody needs to know. */
const boxOf = ({ $secret }: { $secret: object }) => $secret as { [field: string]: string }

/** The bytes of every file below `path`. */
const bytesIn = (path: string): string =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n')

describe('a secret', () => {
  test('is sealed in the journal, in the state and in a listener, and revealed with its key', async () => {
    const secrets = vault(people, memoryKeys())
    const journal = memoryJournal()
    const store = await people.open(journal)
    const heard: unknown[] = []
    store.subscribe((_state, _previous, records) => heard.push(records[0]?.payload))
    await store.dispatch('registered', await secrets.seal('registered', ann), by)
    const sealed = JSON.stringify([store.state, heard, journal.entries])
    expect(sealed).toContain('"subject\\":\\"user-7')
    for (const text of [EMAIL, 'Main Street']) expect(sealed).not.toContain(text)
    const revealed = await secrets.reveal(store.state)
    expect(revealed).toEqual({ byId: { 'user-7': { email: EMAIL, address: ann.address } } })
    expectTypeOf(revealed.byId['user-7']?.email).toEqualTypeOf<string | undefined>()
    expect(await secrets.reveal(heard)).toEqual([ann])
  })

  test('is its redacted value once its subject was forgotten; others are as they were', async () => {
    const secrets = vault(people, memoryKeys())
    const store = await people.memory([])
    for (const person of [ann, bob])
      await store.dispatch('registered', await secrets.seal('registered', person), by)
    await secrets.forget('user-7')
    await secrets.forget('user-7')
    expect(await secrets.reveal(store.state.byId)).toEqual({
      'user-7': { email: '(erased)', address: null },
      'user-8': { email: 'bob@example.org', address: null },
    })
    await expect(secrets.seal('registered', ann)).rejects.toMatchObject({ code: 'forgotten' })
    await secrets.permit('user-7')
    const again = await secrets.seal('registered', ann)
    expect(await secrets.reveal(again)).toEqual(ann)
    expect(await secrets.reveal(store.state.byId['user-7'])).toEqual({
      email: '(erased)',
      address: null,
    })
  })

  test('that is not sealed is refused, and no message has the plain text', async () => {
    const store = await people.memory([])
    const refused = await store.dispatch('registered', ann as never, by).safe()
    expect(refused).toMatchObject({ ok: false, code: 'invalid' })
    expect(String((refused as Error).message)).toContain('seal it before you dispatch it')
    const rude = z.string().refine(() => false, { error: ({ input }) => `not ${input}` })
    const strict = defineStore({
      name: 'strict',
      state: {},
      mutations: {
        said: { payload: secret(rude, { subject: () => 'x', redacted: '' }), apply() {} },
      },
    })
    const wrong = await vault(strict, memoryKeys())
      .seal('said', EMAIL)
      .catch((error) => error)
    expect(wrong).toMatchObject({ code: 'invalid' })
    for (const error of [refused, wrong])
      expect(JSON.stringify([error, String(error)])).not.toContain(EMAIL)
  })

  test('is checked by its own schema when it is sealed', async () => {
    const secrets = vault(people, memoryKeys())
    const wrong = { ...ann, email: 'no address' }
    await expect(secrets.seal('registered', wrong)).rejects.toMatchObject({
      code: 'invalid',
      details: { issues: [{ path: ['email'] }] },
    })
  })

  test('of another subject, another key or another redacted value does not fit', async () => {
    const secrets = vault(people, memoryKeys())
    const { email } = await secrets.seal('registered', ann)
    const other = boxOf((await secrets.seal('registered', bob)).email)
    for (const [field, value] of Object.entries({
      subject: other['subject'],
      redacted: 'other',
      data: other['data'],
      iv: other['iv'],
    })) {
      const forged = { $secret: { ...email.$secret, [field]: value } }
      const code = field === 'subject' ? 'key_missing' : 'damaged'
      await expect(secrets.reveal(forged), field).rejects.toMatchObject({ code })
    }
    const moved = { $secret: { ...other, data: boxOf(email)['data'], iv: boxOf(email)['iv'] } }
    await expect(secrets.reveal(moved)).rejects.toMatchObject({ code: 'damaged' })
    const torn = { $secret: { ...email.$secret, alg: 'none' } }
    await expect(secrets.reveal(torn)).rejects.toMatchObject({ code: 'damaged' })
  })

  test('without its key store is an error, not a redacted value', async () => {
    const sealed = await vault(people, memoryKeys()).seal('registered', ann)
    await expect(reveal(sealed, memoryKeys())).rejects.toMatchObject({ code: 'key_missing' })
  })

  test('from outside in its sealed form is taken for plain text, and opens nothing', async () => {
    const secrets = vault(people, memoryKeys())
    const { email } = await secrets.seal('registered', ann)
    const attack = { ...bob, email: email as unknown as string }
    await expect(secrets.seal('registered', attack)).rejects.toMatchObject({ code: 'invalid' })
  })
})

describe('the same plain text', () => {
  test('of the same subject with the same idempotency key is a duplicate', async () => {
    const secrets = vault(people, memoryKeys())
    const store = await people.memory([])
    const dispatch = async (given: typeof ann) =>
      store.dispatch('registered', await secrets.seal('registered', given), { ...by, key: 'k' })
    const first = await dispatch(ann)
    expect(await dispatch(ann)).toEqual({ ...first, duplicate: true })
    const other = { ...ann, email: 'other@example.org' }
    await expect(dispatch(other)).rejects.toMatchObject({ code: 'key_reused' })
  })

  test('of another subject looks different, and no two values share an initialization vector', async () => {
    const secrets = vault(people, memoryKeys())
    const sealed = await Promise.all(
      ['user-7', 'user-8'].flatMap((id) =>
        [EMAIL, 'x@example.org'].map((email) => secrets.seal('registered', { id, email })),
      ),
    )
    const boxes = sealed.map(({ email }) => boxOf(email))
    expect(new Set(boxes.map((box) => box['data'])).size).toBe(4)
    expect(new Set(boxes.map((box) => box['iv'])).size).toBe(4)
  })
})

describe('a command and metadata', () => {
  test('take secrets like a payload', async () => {
    const secrets = vault(people, memoryKeys())
    const journal = memoryJournal()
    const store = await people.open(journal)
    const metadata = await secrets.sealMetadata({
      actor: 'admin',
      address: '192.0.2.7',
      correlationId: 'request 1',
    })
    await store.execute('register', await secrets.sealInput('register', bob), { metadata })
    expect(JSON.stringify(journal.entries)).not.toMatch(/bob@|192\.0/)
    expect(await secrets.reveal(store.state.byId['user-8']?.email)).toBe(bob.email)
    const { value: record } = await store.records().next()
    expect(await secrets.reveal(record?.metadata)).toEqual({
      ...{ actor: 'admin', address: '192.0.2.7', correlationId: 'request 1' },
    })
    await secrets.forget('admin')
    expect((await secrets.reveal(record?.metadata))?.address).toBe(null)
  })
})

describe('after a subject was forgotten', () => {
  test('replay, check, snapshot and compaction give what they gave, without any key', async () => {
    const path = join(await directory(), 'people.jsonl')
    const secrets = vault(people, memoryKeys())
    const first = await people.open(path)
    for (const person of [ann, bob])
      await first.dispatch('registered', await secrets.seal('registered', person), by)
    await first.snapshot()
    const before = await people.replay(path)
    await secrets.forget('user-7')
    const after = await people.replay(path)
    expect(after).toEqual(before)
    await first.compact()
    await first.dispatch('left', { id: 'user-8' }, by)
    await first.close()
    const report = await people.replayCheck(path)
    expect(report.findings).toEqual([])
    const second = await people.open(path)
    expect(await secrets.reveal(second.state.byId)).toEqual({
      'user-7': { email: '(erased)', address: null },
    })
    await second.close()
  })

  test('no file beside the journal ever had the plain text', async () => {
    const home = await directory()
    const path = join(home, 'people.jsonl')
    const secrets = vault(people, memoryKeys())
    const store = await people.open(path)
    await store.dispatch('registered', await secrets.seal('registered', ann), by)
    await store.snapshot()
    await store.compact()
    await store.dispatch('left', { id: 'user-7' }, by)
    await store.close()
    const bytes = bytesIn(home)
    expect(bytes).toContain('user-7')
    for (const text of [EMAIL, 'Main Street', btoa(EMAIL).slice(0, -2)])
      expect(bytes).not.toContain(text)
  })
})

describe('the schema of a secret', () => {
  const definitionWith = (schema: z.ZodType, redacted: string) =>
    defineStore({
      name: 'people',
      state: {},
      mutations: {
        registered: {
          payload: z.object({ id: z.string(), email: secret(schema, { subject: 'id', redacted }) }),
          apply() {},
        },
      },
    })

  test('is locked as its sealed form, so plain text and redacted value may change', () => {
    const was = schemaLock(definitionWith(z.string(), ''))
    expect(schemaLock(definitionWith(z.email(), '(erased)'))).toEqual(was)
    const plain = schemaLock(
      defineStore({
        name: 'people',
        state: {},
        mutations: {
          registered: { payload: z.object({ id: z.string(), email: z.string() }), apply() {} },
        },
      }),
    )
    expect(compareSchemas(was, was, 'lock')).toEqual([])
    // What was journaled as plain text is no secret: that takes a new version and an upcaster.
    expect(compareSchemas(plain, was, 'lock')).toMatchObject([{ severity: 'error' }])
  })

  test('accepts what it seals, at no extra price, and says so as JSON Schema', async () => {
    const definition = definitionWith(z.email(), '')
    const { payload } = definitionOf(definition).mutations.get('registered') ?? {}
    expect(payload && acceptsOwnOutput(payload)).toBe(true)
    const schema = z.toJSONSchema(payload as z.ZodType, { reused: 'inline' })
    expect(schema).toMatchObject({
      properties: {
        email: { additionalProperties: false, required: ['$secret'], type: 'object' },
      },
    })
  })

  test('stays a secret when it is described, refined, optional, nullable, in lists and unions', async () => {
    const told = secret(z.string(), { subject: 'id', redacted: '' })
    const definition = defineStore({
      name: 'odd',
      state: {},
      mutations: {
        told: {
          payload: z
            .object({
              id: z.int(),
              a: told.describe('a').optional(),
              b: told.nullable(),
              c: z.array(z.object({ id: z.string(), text: told })),
              d: z.record(z.string(), told.meta({ title: 'd' })),
              e: z.union([z.number(), told.refine(({ $secret }) => $secret.alg === 'A256GCM')]),
              f: z.tuple([told]),
            })
            .refine(({ c }) => c.length < 3),
          apply() {},
        },
      },
    })
    const secrets = vault(definition, memoryKeys())
    const plain = {
      ...{ id: 1, a: 'text a', b: null, c: [{ id: 'x', text: 'text c' }], d: { k: 'text d' } },
      ...{ e: 'text e', f: ['text f'] as [string] },
    }
    const sealed = await secrets.seal('told', plain)
    expect(JSON.stringify(sealed)).not.toContain('text ')
    const store = await definition.memory([])
    expect((await store.dispatch('told', sealed)).ok).toBe(true)
    expect(await secrets.reveal(sealed)).toEqual(plain)
    await secrets.forget('x')
    await secrets.forget('1')
    expect(await secrets.reveal(sealed)).toEqual({
      ...{ id: 1, a: '', b: null, c: [{ id: 'x', text: '' }], d: { k: '' }, e: '', f: [''] },
    })
  })

  test('needs a subject in the payload', async () => {
    const definition = definitionWith(z.string(), '')
    const secrets = vault(definition, memoryKeys())
    const given = { id: '', email: EMAIL }
    await expect(secrets.seal('registered', given)).rejects.toMatchObject({ code: 'invalid' })
    expect(() => secret(z.string(), { subject: '', redacted: '' })).toThrow('`subject` must be')
    expect(() => secret(z.string(), { subject: 'id', redacted: NaN })).toThrow('`redacted` must be')
  })
})

test('a secret in a table, and text that looks like one, are revealed as they should be', async () => {
  const keys = memoryKeys()
  const { email } = await vault(people, keys).seal('registered', ann)
  const state = { byId: table([['user-7', { email }]]), plain: { $secrets: 1 }, list: [1] }
  const revealed = await reveal(state, keys)
  expect(revealed.byId.get('user-7')?.email).toBe(EMAIL)
  expectTypeOf(revealed.byId.get('user-7')?.email).toEqualTypeOf<string | undefined>()
  expect(revealed.plain).toBe(state.plain)
  expect(revealed.list).toBe(state.list)
  expect(state.byId.get('user-7')?.email).toEqual(email)
})

test('a scenario compares sealed payloads: test keys are the same in every run', async () => {
  const secrets = vault(people, testKeys())
  const sealed = await secrets.seal('registered', ann)
  expect(await vault(people, testKeys()).seal('registered', ann)).toEqual(sealed)
  const { given } = scenarios(people)
  await given([])
    .when('registered', sealed, by)
    .then([{ type: 'registered', payload: await secrets.seal('registered', ann) }])
  await given([{ type: 'registered', payload: sealed }])
    .when('registered', sealed, by)
    .thenRejects('taken')
  await secrets.forget('user-7')
  await secrets.permit('user-7')
  expect(await secrets.seal('registered', ann)).not.toEqual(sealed)
})

test('JOURNAL.md describes the sealed form: a reader of its own opens it with node:crypto', async () => {
  const keys = memoryKeys()
  const box = boxOf((await vault(people, keys).seal('registered', ann)).email)
  const { alg, key, redacted, subject } = box
  const { bytes } = await keys.obtain('user-7')
  const derive = (info: string) =>
    Buffer.from(hkdfSync('sha256', bytes, '', `ministore secret: ${info}`, 32))
  const about = JSON.stringify({ alg, key, redacted, subject })
  const data = Buffer.from(box['data'] ?? '', 'base64url')
  const iv = Buffer.from(box['iv'] ?? '', 'base64url')
  const cipher = createDecipheriv('aes-256-gcm', derive('encryption'), iv)
  cipher.setAAD(Buffer.from(about)).setAuthTag(data.subarray(-16))
  const text = cipher.update(data.subarray(0, -16), undefined, 'utf8') + cipher.final('utf8')
  expect(text).toBe(JSON.stringify(EMAIL))
  const hmac = createHmac('sha256', derive('initialization vector'))
  expect(
    hmac
      .update(JSON.stringify([about, text]))
      .digest()
      .subarray(0, 12),
  ).toEqual(iv)
})
