import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  fileKeys,
  type KeyStore,
  keyStore,
  masterKey,
  memoryKeys,
  SecretError,
} from 'ministore-ts/secrets'
import { describe, expect, test } from 'vitest'
import { keepsItsPromises } from './promises.ts'

const freshDirectory = () => join(mkdtempSync(join(tmpdir(), 'keys-')), 'a', 'keys')
const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url')

/** All that is in the directory. */
const contentsOf = (directory: string) =>
  readdirSync(directory).map((name) => readFileSync(join(directory, name), 'latin1'))

describe('keys', () => {
  test('in memory keep their promises', async () => {
    const keys = memoryKeys()
    await keepsItsPromises(() => keys)
  })

  test('in a directory keep their promises, for any number of processes', async () => {
    const directory = freshDirectory()
    await keepsItsPromises(() => fileKeys(directory))
    const names = readdirSync(directory)
    expect(names).toHaveLength(3)
    expect(names.filter((name) => !name.endsWith('.json'))).toEqual([])
  })

  test('of a subject are the same for all that ask first at the same time', async () => {
    const directory = freshDirectory()
    const first = fileKeys(directory)
    // Has seen that there is no key, and is overtaken while it makes one.
    const late = fileKeys(directory, {
      async generate(subject) {
        await first.obtain(subject)
        return { id: 'late', bytes: randomBytes(32) }
      },
    })
    expect(await late.obtain('user-7')).toEqual(await first.obtain('user-7'))
    expect((await late.obtain('user-7')).id).not.toBe('late')
    // The same, by a subject that is forgotten.
    const forgotten = fileKeys(directory, {
      async generate(subject) {
        await first.forget(subject)
        return { id: 'late', bytes: randomBytes(32) }
      },
    })
    await expect(forgotten.obtain('user-8')).rejects.toMatchObject({ code: 'forgotten' })
  })

  test('that are wrapped keep their promises, and are stored in no other form', async () => {
    const directory = freshDirectory()
    const wrapping = masterKey(randomBytes(32))
    await keepsItsPromises(() => fileKeys(directory, { wrapping }))
    const key = await fileKeys(directory, { wrapping }).obtain('user-9')
    expect(contentsOf(directory).join()).not.toContain(base64url(key.bytes))
    for (const options of [{ wrapping: masterKey(randomBytes(32)) }, {}])
      await expect(fileKeys(directory, options).obtain('user-9')).rejects.toMatchObject({
        code: 'bad_key',
      })
    expect(() => masterKey(randomBytes(16))).toThrow(TypeError)
  })

  test('that are wrapped cannot be exchanged between subjects', async () => {
    const entries = new Map<string, never>()
    const storage = {
      read: async (subject: string) => entries.get(subject),
      create: async (subject: string, entry: unknown) => {
        entries.set(subject, entry as never)
        return entry as never
      },
      replace: async () => undefined,
    }
    const keys: KeyStore = keyStore(storage, { wrapping: masterKey(randomBytes(32)) })
    await keys.obtain('user-7')
    entries.set('user-8', entries.get('user-7') as never)
    await expect(keys.obtain('user-8')).rejects.toMatchObject({ code: 'bad_key' })
  })
})

describe.skipIf(process.platform === 'win32')('a directory of keys', () => {
  test('is closed to others, and refused where it is not', async () => {
    const directory = freshDirectory()
    await fileKeys(directory).obtain('user-7')
    const [name = ''] = readdirSync(directory)
    const file = join(directory, name)
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    chmodSync(file, 0o640)
    const refused = await fileKeys(directory)
      .obtain('user-7')
      .catch((error) => error)
    expect(refused).toBeInstanceOf(SecretError)
    expect(refused).toMatchObject({ code: 'key_store' })
    expect(refused.message).toContain('chmod 600')
    chmodSync(file, 0o600)
    chmodSync(directory, 0o750)
    await expect(fileKeys(directory).obtain('user-7')).rejects.toThrow('chmod 700')
  })

  test('has no byte of a key that was destroyed, also where a crash had left it', async () => {
    const directory = freshDirectory()
    const keys = fileKeys(directory)
    const { bytes } = await keys.obtain('user-7')
    const other = await keys.obtain('user-8')
    const file = readdirSync(directory)
      .map((name) => join(directory, name))
      .find((path) => readFileSync(path, 'utf8').includes('user-7'))
    if (file === undefined) throw new Error('there is no file of user-7')
    // A draft that was not used, and another name of the file.
    writeFileSync(file.replace('.json', '.1123456789abcdef.new'), readFileSync(file), {
      mode: 0o600,
    })
    linkSync(file, join(directory, 'linked'))
    expect(contentsOf(directory).join()).toContain(base64url(bytes))
    await keys.forget('user-7')
    expect(contentsOf(directory).join()).not.toContain(base64url(bytes))
    expect(readdirSync(directory).filter((name) => name.endsWith('.new'))).toEqual([])
    expect(await keys.obtain('user-8')).toEqual(other)
  })

  test('refuses a file that was damaged, and shows none of its bytes', async () => {
    const directory = freshDirectory()
    const { bytes } = await fileKeys(directory).obtain('user-7')
    const [name = ''] = readdirSync(directory)
    const text = readFileSync(join(directory, name), 'utf8')
    for (const damaged of ['', text.slice(0, -9), text.replace('user-7', 'user-8')]) {
      writeFileSync(join(directory, name), damaged)
      const error = await fileKeys(directory)
        .obtain('user-7')
        .catch((error) => error)
      expect(error).toMatchObject({ code: 'bad_key' })
      expect(error.message).not.toContain(base64url(bytes).slice(0, 8))
    }
    writeFileSync(join(directory, name), text.replace(base64url(bytes), 'AAAA'))
    await expect(fileKeys(directory).obtain('user-7')).rejects.toMatchObject({ code: 'bad_key' })
  })

  test('that cannot be written is an error with a code', async () => {
    const directory = freshDirectory()
    await fileKeys(directory).obtain('user-7')
    const [name = ''] = readdirSync(directory)
    const keys = fileKeys(join(directory, name))
    await expect(keys.obtain('user-7')).rejects.toMatchObject({ code: 'key_store' })
  })
})
