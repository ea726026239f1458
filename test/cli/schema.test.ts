import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { readSchemaLock, writeSchemaLock } from '../../src/cli/sources/schema-lock-file.ts'
import { parseSchemaLock, schemaLockText } from '../../src/proof/schema/index.ts'
import { installed } from './build.ts'
import { ministores } from './run.ts'

// They run at the same time, on whatever the machine has left.
vi.setConfig({ testTimeout: 120_000 })

const root = fileURLToPath(new URL('../..', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'ministore-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const at = (name: string) => join(directory, name)

/** A file that exports a definition whose mutation `addTopic` has this payload. */
function define(name: string, payload: string, more = ''): string {
  const text = `
    import { defineStore } from '${join(installed(), 'dist/index.js')}'
    import { z } from '${join(root, 'node_modules/zod/index.js')}'
    console.log('a definition that talks')
    export const broker = defineStore({
      name: 'broker',
      state: {},
      mutations: { addTopic: { payload: ${payload}, apply: () => undefined }, ${more} },
    })`
  writeFileSync(at(name), text)
  return at(name)
}
const shipped = define('shipped.ts', 'z.object({ name: z.string() })')
const wider = define(
  'wider.ts',
  'z.object({ name: z.string().nullable() })',
  'reset: { apply() {} }',
)
const narrower = define('narrower.ts', 'z.object({ name: z.string().max(10) })')

const schema = (store: string, lock: string, ...args: string[]) => [
  ...['schema', '--store', store, '--lock', at(lock)],
  ...args,
]
const NARROWED = `error  ${at('lock.json')}  addTopic
  version 1 was changed without an upcaster, and does not take all that the lock allows:
    payload.name: maxLength 10 where it had none
  widen it again, or declare the old schema as \`upcast: { 1: … }\`, which makes this version 2

`

// In this order: each goes on with the lock file of the one before it.
describe('ministore schema', () => {
  test('prints what --update writes, whole and readable by all', async () => {
    const [printed, written] = await ministores(
      ['schema', '--store', `${shipped}#broker`],
      schema(shipped, 'lock.json', '--update'),
    )
    const { stdout = '' } = printed ?? {}
    expect(printed).toMatchObject({ status: 0, stderr: 'a definition that talks\n' })
    expect(schemaLockText(JSON.parse(stdout))).toBe(stdout)
    expect(JSON.parse(stdout).mutations.addTopic.payloads[1].properties).toEqual({
      name: { type: 'string' },
    })
    expect(written).toMatchObject({
      status: 0,
      stdout: `written ${at('lock.json')}: 1 mutation\n  addTopic: new\n`,
    })
    expect(readFileSync(at('lock.json'), 'utf8')).toBe(stdout)
    expect(statSync(at('lock.json')).mode & 0o777).toBe(0o644 & ~process.umask())
    expect(readdirSync(directory).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  test('fails where a payload was narrowed, and passes where it was widened', async () => {
    const before = readFileSync(at('lock.json'), 'utf8')
    const [upToDate, wide, json, refused] = await ministores(
      schema(shipped, 'lock.json', '--update'),
      schema(wider, 'lock.json', '--check'),
      schema(narrower, 'lock.json', '--check', '--format', 'json'),
      schema(narrower, 'lock.json', '--update'),
    )
    expect(upToDate).toMatchObject({ status: 0, stdout: expect.stringMatching(/^up to date /) })
    expect(wide).toMatchObject({
      status: 0,
      stdout: `warning  ${at('lock.json')}
  the lock does not know of this yet:
    addTopic: payload of version 1 changed
    reset: new
  run \`npx ministore-ts schema --update\` and commit it. The lockfile only protects the schemas that it has

ok ${at('lock.json')}: 2 mutations
`,
    })
    expect(json?.status).toBe(1)
    expect(JSON.parse(json?.stdout ?? '')).toMatchObject([
      { rule: 'schema_changed', severity: 'error', file: at('lock.json'), type: 'addTopic' },
    ])
    expect(refused).toMatchObject({
      status: 1,
      stdout: NARROWED,
      stderr: expect.stringContaining('lock.json was not changed. --force writes it in any case'),
    })
    expect(readFileSync(at('lock.json'), 'utf8')).toBe(before)
  })

  test('writes a lock that accepts less by --force only, and says what changed', async () => {
    copyFileSync(at('lock.json'), at('wider.json'))
    const [forced, updated] = await ministores(
      schema(narrower, 'lock.json', '--update', '--force'),
      schema(wider, 'wider.json', '--update'),
    )
    const changed = '  addTopic: payload of version 1 changed\n'
    expect(forced).toMatchObject({
      status: 0,
      stdout: `${NARROWED}written ${at('lock.json')}: 1 mutation\n${changed}`,
    })
    expect(readFileSync(at('lock.json'), 'utf8')).toContain('"maxLength": 10')
    expect(updated).toMatchObject({
      status: 0,
      stdout: `written ${at('wider.json')}: 2 mutations\n${changed}  reset: new\n`,
    })
  })

  test('exits with 2, and says what to do, where it cannot be done; and explains itself', async () => {
    writeFileSync(at('conflict.json'), '<<<<<<< HEAD\n')
    const cases: [string[], RegExp][] = [
      [
        schema(shipped, 'none.json', '--check'),
        /none\.json is not there: write it by `.*--update`/,
      ],
      [schema(shipped, 'conflict.json', '--update', '--force'), /conflict\.json: it is not JSON/],
      [schema(shipped, 'lock.json', '--check', '--force'), /--force goes with --update/],
    ]
    const ran = await ministores(...cases.map(([args]) => args), ['schema', '--help'])
    for (const [index, [, problem]] of cases.entries()) {
      const stderr = expect.stringMatching(problem)
      expect(ran[index]).toMatchObject({ status: 2, stdout: '', stderr })
    }
    expect(existsSync(at('none.json'))).toBe(false)
    expect(readFileSync(at('conflict.json'), 'utf8')).toBe('<<<<<<< HEAD\n')
    const { status, stdout } = ran.at(-1) ?? {}
    expect(status).toBe(0)
    for (const said of ['Examples:', '--lock', '--check', '--update', '--force', '--format']) {
      expect(stdout).toContain(said)
    }
  })
})

describe('the lock file', () => {
  test('is none where there is no file, and refused where it cannot be one', async () => {
    expect(await readSchemaLock(at('nothing.json'))).toBeUndefined()
    expect(await readSchemaLock(at('nowhere/lock.json'))).toBeUndefined()
    writeFileSync(at('large.json'), '')
    truncateSync(at('large.json'), 16 * 1024 * 1024 + 1)
    const isMore = /large\.json: 16777217 bytes are more than any lock has; name the lock file/
    await expect(readSchemaLock(at('large.json'))).rejects.toThrow(isMore)
    await expect(readSchemaLock(directory)).rejects.toThrow(/this is not a file/)
    const lock = parseSchemaLock(readFileSync(at('lock.json'), 'utf8'), 'lock.json')
    const cannot = /nowhere\/lock\.json cannot be written: ENOENT/
    await expect(writeSchemaLock(at('nowhere/lock.json'), lock)).rejects.toThrow(cannot)
  })

  test('is as it was where it cannot be replaced', async () => {
    const lock = parseSchemaLock(readFileSync(at('lock.json'), 'utf8'), 'lock.json')
    mkdirSync(at('taken.json'))
    writeFileSync(at('taken.json/inside'), '')
    await expect(writeSchemaLock(at('taken.json'), lock)).rejects.toThrow(/taken\.json cannot be/)
    expect(readdirSync(directory).filter((name) => name.endsWith('.tmp'))).toEqual([])
    expect(existsSync(at('taken.json/inside'))).toBe(true)
  })
})
