// The quickstart as its reader runs it, in a process of its own, with a child that is really killed.
import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { registry } from '../../examples/quickstart/registry.ts'

const root = new URL('../../', import.meta.url)
const execArgv = ['--import', 'jiti/register']
// `ministore-ts` is src/ here, by tsconfig.json's paths, so that no build has to come first.
const env = { ...process.env, JITI_TSCONFIG_PATHS: 'true', NO_COLOR: '1' }

let directory: string
let installed: string[]
let listed: Set<string>

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'quickstart-'))
  installed = await readIds()
  listed = new Set(installed)
})
afterAll(() => rm(directory, { recursive: true }))

describe('npm run quickstart', () => {
  let journal: string
  let first: string
  let second: string

  beforeAll(async () => {
    const own = join(directory, 'run')
    journal = join(own, 'registry.jsonl')
    first = await runQuickstart(own)
    await writeFile(join(own, 'notes.txt'), 'of somebody else')
    second = await runQuickstart(own)
  }, 60_000)

  test('works, and works again', () => {
    for (const printed of [first, second]) expect(printed).toContain('npx ministore-ts check')
  })

  test('starts afresh and leaves what is not its own', async () => {
    expect(numberOf(second, 'in the registry')).toBe(listed.size)
    expect(await readFile(join(directory, 'run', 'notes.txt'), 'utf8')).toBe('of somebody else')
  })

  test('kills the import part-way', () => {
    for (const printed of [first, second]) {
      expect(printed).toMatch(/Killed with SIGKILL/)
      expect(numberOf(printed, 'recovered')).toBeGreaterThan(0)
      expect(numberOf(printed, 'recovered')).toBeLessThan(listed.size)
    }
  })

  test('loses no acknowledged package', () => {
    for (const printed of [first, second]) {
      expect(numberOf(printed, 'acknowledged')).toBeGreaterThan(0)
      const recovered = numberOf(printed, 'recovered')
      expect(recovered).toBeGreaterThanOrEqual(numberOf(printed, 'acknowledged'))
      expect(numberOf(printed, 'acknowledged and lost')).toBe(0)
    }
  })

  test('resumes without duplicates: what was recovered is not written again', async () => {
    const missing = listed.size - numberOf(second, 'recovered')
    expect(numberOf(second, 'added')).toBe(missing)
    expect(numberOf(second, 'duplicates')).toBe(installed.length - missing)
    const added = (await readRecords(journal)).filter(({ type }) => type === 'addPackage')
    expect(added.map(({ key }) => key)).toHaveLength(listed.size)
    expect(new Set(added.map(({ key }) => key))).toEqual(listed)
  })

  test('ends with every package of package-lock.json', async () => {
    const { state } = await registry.replay(journal)
    expect(new Set(Object.keys(state.packages))).toEqual(listed)
  })

  test('writes the mutations of a command as one record', async () => {
    const records = await readRecords(journal)
    expect(records).toHaveLength(listed.size + 1)
    expect(records.at(-1)?.batch).toHaveLength(numberOf(second, 'deprecateOlder'))
  })

  test('has the same digest live, replayed by itself and replayed here', async () => {
    const { digest } = await registry.replay(journal)
    expect(second).toContain(`live state            ${digest}`)
    expect(second).toContain(`replayed              ${digest}`)
  })

  test('prints the first lines of its journal, and no colours where NO_COLOR is set', async () => {
    const lines = (await readFile(journal, 'utf8')).split('\n')
    for (const line of lines.slice(0, 3)) expect(second).toContain(line)
    expect(second).not.toContain('\u001b')
  })
})

test.each([1, 10, 100])(
  'what the import reported is in the journal, when it is killed at report %i',
  async (enough) => {
    const journal = join(directory, `killed-${enough}.jsonl`)
    const child = fork(new URL('examples/quickstart/import.ts', root), [journal], { env, execArgv })
    const reported: string[] = []
    child.on('message', (id: string) => {
      reported.push(id)
      if (reported.length === enough) child.kill('SIGKILL')
    })
    const [, signal] = await once(child, 'close')
    const { state } = await registry.replay(journal)
    expect(signal).toBe('SIGKILL')
    expect(Object.keys(state.packages)).toEqual(expect.arrayContaining(reported))
    expect(Object.keys(state.packages).length).toBeLessThan(listed.size)
  },
)

/** What it printed; throws, with what it printed to stderr, where the exit code is not 0. */
async function runQuickstart(into: string): Promise<string> {
  const argv = [...execArgv, 'examples/quickstart/main.ts', into]
  const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd: root, env })
  return stdout
}

/** `name@version` of all that package-lock.json installs, found in another way than the example's. */
async function readIds(): Promise<string[]> {
  const { packages } = JSON.parse(await readFile(new URL('package-lock.json', root), 'utf8'))
  const paths = Object.keys(packages).filter((path) => path.includes('node_modules/'))
  const nameOf = (path: string) => packages[path].name ?? path.split('node_modules/').at(-1)
  return paths.map((path) => `${nameOf(path)}@${packages[path].version}`)
}

/** Line by line, as any other program would read it. */
async function readRecords(
  journal: string,
): Promise<{ type?: string; key?: string; batch?: unknown[] }[]> {
  const [, ...lines] = (await readFile(journal, 'utf8')).trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line))
}

function numberOf(printed: string, label: string): number {
  const [, number] = new RegExp(`^ +${label} +(\\d+)\\b`, 'm').exec(printed) ?? []
  return Number(number)
}
