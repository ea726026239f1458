import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { parseXml } from '../report/xml.ts'
import { env, makeTickets, Project, run, ticketsText } from './installed.ts'
import { tickets } from './tickets.ts'

const project = new Project()
/** Closes a ticket twice: from the record with seq 4 on, the state is another one. */
const CLOSES_TWICE = ['draft.closed += 1', 'draft.closed += 2'] as const
/** Another schema, which refuses what was recorded, and a reducer that fails on it. */
const WRONG = [
  ['title: z.string()', 'title: z.string().regex(/^[a-d]$/)'],
  ['ticket.priority += 1', "throw new Error('not today')"],
] as const

// They all run at once, on whatever the machine has left.
vi.setConfig({ testTimeout: 120_000 })

beforeAll(async () => {
  project.install()
  await makeTickets(project.path('data/one.jsonl'))
  await makeTickets(project.path('data/two.jsonl'), { closeAll: true })
  await makeTickets(project.path('other/damaged.jsonl'))
  appendFileSync(project.path('other/damaged.jsonl'), 'what is this?\n')
  project.write('wrong.js', `console.log('loaded')\n${ticketsText(...WRONG)}`)
}, 120_000)
afterAll(() => project.remove())

const check = (...args: string[]) => project.ministore(['check', ...args])
const wrong = (...args: string[]) => check('data/one.jsonl', '--store', 'wrong.js', ...args)

/** On standard error, so that nobody takes a check that compares no states for one that does. */
const noBaseline = (journals: string) =>
  `note: ${journals}: no baseline yet. Record one with --update, so that the check finds changed states\n`

describe.concurrent('ministore check', () => {
  test('exits with 0 and prints the digest of each journal that a pattern matches', async () => {
    const { digest } = await tickets.replay(project.path('data/one.jsonl'))
    const { status, stdout, stderr } = await check('data/**/*.jsonl', '--store', 'store.ts')
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: noBaseline('data/one.jsonl and 1 other journal'),
    })
    expect(stdout.split('\n')[0]).toBe(`ok data/one.jsonl: 7 records, ${digest}`)
    expect(stdout.split('\n')[1]).toMatch(/^ok data\/two\.jsonl: 8 records, sha256:/)
    expect(stdout).toContain('2 journals, no findings')
  })

  test('exits with 1 and names file, line and reason where one of several is damaged', async () => {
    const journals = ['data/one.jsonl', 'other/damaged.jsonl']
    const { status, stdout } = await check(...journals, '--store', 'store.ts#tickets')
    expect(status).toBe(1)
    expect(stdout).toContain('ok data/one.jsonl')
    expect(stdout).toContain('failed other/damaged.jsonl')
    expect(stdout).toContain('error unreadable  other/damaged.jsonl:9')
  })

  test('ends with 130 where it is interrupted', async () => {
    const go = project.path('interrupted/go')
    // Its reducer waits in the first record, so that the interrupt always comes in the middle.
    const waits = `apply(draft, ticket) {
        if (ticket.id === 'large 1') { writeSync(2, 'waiting'); while (!existsSync(${JSON.stringify(go)})); }`
    const text = `import { existsSync, writeSync } from 'node:fs'\n${ticketsText(['apply(draft, ticket) {', waits])}`
    project.write('interrupted/store.js', text)
    const store = await tickets.open(project.path('interrupted/a.jsonl'), { durability: 'os' })
    for (const id of ['large 1', 'large 2', 'large 3', 'large 4']) {
      await store.dispatch('openTicket', { id, title: 'x'.repeat(2 ** 20) })
    }
    await store.close()
    const args = [project.command, 'check', 'a.jsonl', '--store', 'store.js']
    const child = spawn(process.execPath, args, { cwd: project.path('interrupted'), env })
    await once(child.stderr, 'data')
    child.kill('SIGINT')
    writeFileSync(go, '')
    expect(await once(child, 'close')).toEqual([130, null])
  })
})

describe.concurrent('its reports', () => {
  test('are for people without --format: what is wrong, where, and what to do', async () => {
    const { status, stdout, stderr } = await wrong()
    expect({ status, stderr }).toEqual({ status: 1, stderr: 'loaded\n' })
    expect(stdout).toMatch(/^failed data\/one\.jsonl/)
    expect(stdout).toContain('error invalid_payload  data/one.jsonl:2  seq 1  openTicket')
    expect(stdout).toContain('(and 1 more record like it)')
    expect(stdout).toContain('error apply_failed  data/one.jsonl:4  seq 3  raise')
    expect(stdout).toContain('not today')
  })

  test('are JSON, and nothing but JSON, whatever the definition logs', async () => {
    const { status, stdout, stderr } = await wrong('--format', 'json')
    expect({ status, stderr }).toEqual({ status: 1, stderr: 'loaded\n' })
    expect(JSON.parse(stdout)).toMatchObject({
      version: 1,
      ok: false,
      journals: [
        {
          journal: 'data/one.jsonl',
          ok: false,
          findings: [
            { rule: 'invalid_payload', severity: 'error', seq: 1, line: 2, type: 'openTicket' },
            { rule: 'apply_failed', severity: 'error', seq: 3, line: 4, type: 'raise' },
          ],
        },
      ],
    })
  })

  test('are SARIF for code scanning', async () => {
    const { status, stdout, stderr } = await wrong('--format', 'sarif')
    expect({ status, stderr }).toEqual({ status: 1, stderr: 'loaded\n' })
    const { version, runs } = JSON.parse(stdout)
    expect({
      version,
      rules: runs[0].results.map(({ ruleId }: { ruleId: string }) => ruleId),
    }).toEqual({
      version: '2.1.0',
      rules: ['invalid_payload', 'apply_failed'],
    })
  })

  test('are JUnit XML', async () => {
    const { status, stdout, stderr } = await wrong('--format', 'junit')
    expect({ status, stderr }).toEqual({ status: 1, stderr: 'loaded\n' })
    expect(stdout).toMatch(/^<\?xml /)
    expect(parseXml(stdout).attributes).toMatchObject({ tests: '2', failures: '2' })
  })

  test('are annotations and a summary in GitHub Actions, by themselves', async () => {
    project.write('summary.md', 'of the step before\n')
    const github = {
      GITHUB_ACTIONS: 'true',
      GITHUB_STEP_SUMMARY: project.path('summary.md'),
      GITHUB_WORKSPACE: project.directory,
    }
    const args = ['check', 'one.jsonl', '--store', '../wrong.js']
    const [annotated, asked] = await Promise.all([
      project.ministore(args, github, 'data'),
      project.ministore([...args, '--format', 'json'], github, 'data'),
    ])
    expect(annotated.status).toBe(1)
    expect(annotated.stdout).toMatch(
      /^::error file=data\/one\.jsonl,line=2,title=ministore invalid_payload/,
    )
    expect(project.read('summary.md')).toMatch(/^of the step before\n### ministore check: failed\n/)
    expect(project.read('summary.md').match(/^### /gm)).toHaveLength(1)
    expect(JSON.parse(asked.stdout)).toMatchObject({ ok: false })
  })
})

describe.concurrent('the definition', () => {
  test('may reach others by the paths of a tsconfig, and be exported twice', async () => {
    project.write('paths/tsconfig.json', '{"compilerOptions":{"paths":{"@/*":["./lib/*"]}}}')
    project.write('paths/lib/start.ts', 'export const none: number = 0\n')
    const text = ticketsText(['closed: 0', 'closed: none'])
    const all = `import { none } from '@/start'\n${text}\nexport default tickets\n`
    project.write('paths/src/store.ts', all)
    const { status, stderr } = await check('data/one.jsonl', '--store', 'paths/src/store.ts')
    expect({ status, stderr }).toEqual({ status: 0, stderr: noBaseline('data/one.jsonl') })
  })

  test('may be plain JavaScript, in a file that leaves something open', async () => {
    const text = `import { defineStore } from 'ministore-ts'
export default defineStore({ name: 'tickets', state: {}, mutations: {} })
setInterval(() => {}, 1000)
`
    project.write('plain/store.mjs', text)
    const { status, stdout, stderr } = await check('data/one.jsonl', '--store', 'plain/store.mjs')
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' })
    expect(stdout).toContain('unknown_mutation')
  })

  test('may log, which is no part of what any command prints', async () => {
    project.write('logs.ts', `console.log('loaded')\n${ticketsText()}`)
    const args = ['state', 'data/one.jsonl', '--store', 'logs.ts', '--path', '/closed']
    const printed = await project.ministore(args)
    expect(printed).toEqual({ status: 0, stdout: '1\n', stderr: 'loaded\n' })
  })
})

describe.concurrent('--update', () => {
  test('records digests, against which a changed reducer is found, and accepts it when told to', async () => {
    await makeTickets(project.path('update/a.jsonl'), { closeAll: true })
    const args = ['a.jsonl', '--store', 'store.js']
    const checkHere = (...more: string[]) =>
      project.ministore(['check', ...args, ...more], {}, 'update')
    project.write('update/store.js', ticketsText())
    const first = await checkHere('--update')
    expect(first).toMatchObject({ status: 0, stderr: 'recorded a.jsonl.check.json\n' })
    const recorded = project.read('update/a.jsonl.check.json')
    expect(JSON.parse(recorded)).toMatchObject({ format: 'ministore-check', store: 'tickets' })

    project.write('update/store.js', ticketsText(CLOSES_TWICE))
    const { status, stdout } = await checkHere()
    expect(status).toBe(1)
    expect(stdout).toContain('error digest_mismatch  a.jsonl:5  seq 4  closeTicket')
    expect(stdout).toContain('closeTicket {"id":"a"} is the first record whose state differs')
    expect(stdout).toMatch(/^ +--- state at seq 3\n +\+\+\+ state at seq 4\n +@@ /m)
    expect(stdout).toMatch(/^ +-.*"closed": 0/m)
    expect(stdout).toMatch(/^ +\+.*"closed": 2/m)
    expect(stdout).toMatch(/^ +replace \/closed {2}0 → 2$/m)

    project.write('update/bad.jsonl', `${project.read('update/a.jsonl')}what is this?\n`)
    const second = await checkHere('bad.jsonl', '--update')
    expect(second.status).toBe(1)
    expect(second.stderr).toBe(
      'recorded a.jsonl.check.json\nnot recorded, since there are errors: bad.jsonl\n',
    )
    expect(project.read('update/a.jsonl.check.json')).not.toBe(recorded)
    expect(existsSync(project.path('update/bad.jsonl.check.json'))).toBe(false)
    expect(await checkHere()).toMatchObject({ status: 0, stderr: '' })
  })
})

describe.concurrent('the schema lock', () => {
  test('must hold where it is that of this store', async () => {
    project.write('locked/store.js', ticketsText())
    const here = (...args: string[]) => project.ministore(args, {}, 'locked')
    expect(await here('schema', '--store', 'store.js', '--update')).toMatchObject({ status: 0 })
    // Recorded payloads still fit: only the lock knows that others would not.
    project.write('locked/store.js', ticketsText(['id = z.string()', 'id = z.string().max(9)']))
    project.write('locked/other.js', ticketsText(["name: 'tickets'", "name: 'other'"]))
    project.write('locked/empty.jsonl', '')
    const [changed, others, named] = await Promise.all([
      here('check', '../data/one.jsonl', '--store', 'store.js'),
      here('check', 'empty.jsonl', '--store', 'other.js'),
      here('check', 'empty.jsonl', '--store', 'other.js', '--lock', 'ministore.schema.json'),
    ])
    expect(changed.status).toBe(1)
    expect(changed.stdout).toContain('error schema_changed  ministore.schema.json')
    expect(changed.stdout).toContain('ok ../data/one.jsonl')
    expect(others.stdout).not.toContain('schema_changed')
    expect(named.stdout).toContain('schema_changed')
  })
})

describe.concurrent('--digest and --require-coverage', () => {
  test('name the digest of the last state, and demand that journals have everything', async () => {
    const { digest } = await tickets.replay(project.path('data/two.jsonl'))
    const args = ['--store', 'store.js', '--require-coverage', '--digest', digest]
    const [all, one] = await Promise.all([
      check('data/two.jsonl', ...args),
      check('data/one.jsonl', ...args),
    ])
    expect(all).toMatchObject({ status: 0, stderr: '' })
    expect(one.status).toBe(1)
    expect(one.stdout).toContain('error digest_mismatch  data/one.jsonl:8  seq 7')
    expect(one.stdout).toContain(digest)
    expect(one.stdout).toContain('command closeAll is in no journal')
  })
})

describe.concurrent('--shrink', () => {
  test('writes a short journal with a test that is red, and green once the reducer is mended', async () => {
    await makeTickets(project.path('shrink/a.jsonl'), { closeAll: true })
    const here = (...args: string[]) => project.ministore(args, {}, 'shrink')
    const vitest = () => {
      const command = project.path('node_modules/vitest/vitest.mjs')
      return run(process.execPath, [command, 'run'], { cwd: project.path('shrink') })
    }
    const text = ticketsText(['ticket.priority += 1', "throw new Error('not today')"])
    project.write('shrink/store.js', text)
    const args = ['check', 'a.jsonl', '--store', 'store.js', '--shrink']
    const { status, stderr } = await here(...args)
    expect(status).toBe(1)
    expect(stderr).toBe(
      'a.jsonl: 2 records of 2 still show apply_failed (of seq 3): a.shrunk.jsonl, a.shrunk.test.ts\n',
    )
    const [, ...records] = project.read('shrink/a.shrunk.jsonl').trimEnd().split('\n')
    expect(records.map((line) => JSON.parse(line).payload)).toEqual([
      { id: 'b', title: 'Ticket b' },
      { id: 'b' },
    ])
    expect(existsSync(project.path('shrink/a.shrunk.jsonl.lock'))).toBe(false)
    const red = await vitest()
    expect(red.status).toBe(1)
    expect(red.stdout + red.stderr).toMatch(/1 failed[\s\S]*apply_failed[\s\S]*not today/)

    const again = await here(...args)
    expect(again.status).toBe(2)
    expect(again.stderr).toContain('a.shrunk.jsonl is there already')

    project.write('shrink/store.js', ticketsText())
    const green = await vitest()
    expect(green.status, green.stderr).toBe(0)
    expect(green.stdout).toMatch(/1 passed/)
  })

  test('cuts a journal off where its recorded digests are not met any more', async () => {
    await makeTickets(project.path('diverging/a.jsonl'))
    const here = (...args: string[]) =>
      project.ministore(['check', 'a.jsonl', '--store', 'store.js', ...args], {}, 'diverging')
    project.write('diverging/store.js', ticketsText())
    expect((await here('--update')).status).toBe(0)
    project.write('diverging/store.js', ticketsText(CLOSES_TWICE))
    expect((await here('--shrink')).stderr).toContain('a.jsonl: 4 records of 7 still show')
    const short = await project.ministore(
      ['check', 'a.shrunk.jsonl', '--store', 'store.js'],
      {},
      'diverging',
    )
    expect(short.status).toBe(1)
    expect(short.stdout).toContain('error digest_mismatch  a.shrunk.jsonl:5  seq 4  closeTicket')
  })
})

describe.concurrent('used wrongly', () => {
  const one = 'data/one.jsonl'
  const store = ['--store', 'store.js']
  const file = (name: string, text: string) => {
    project.write(name, text)
    return ['check', one, '--store', name]
  }

  test.each([
    ['a command that is not there', () => ['chekc', one], /Did you mean check/],
    [
      'an option that is not there',
      () => ['check', one, ...store, '--fromat', 'json'],
      /mean --format/,
    ],
    ['no definition', () => ['check', one], /required option '--store/],
    ['a journal that is not there', () => ['check', one, 'none.jsonl', ...store], /'none\.jsonl'/],
    [
      'a pattern that matches nothing',
      () => ['check', 'none/*.jsonl', ...store],
      /no file matches none\/\*\.jsonl/,
    ],
    [
      'one digest for two journals',
      () => ['check', 'data/*.jsonl', ...store, '--digest', 'x'],
      /name one/,
    ],
    [
      '--update with --digest',
      () => ['check', one, ...store, '--update', '--digest', 'x'],
      /cannot be used with/,
    ],
    [
      'a lock that is not there',
      () => ['check', one, ...store, '--lock', 'a.json'],
      /a\.json is not there.*schema --lock a\.json --update/,
    ],
    [
      'a file that is not there',
      () => ['check', one, '--store', 'nowhere.ts'],
      /nowhere\.ts: the file does not exist/,
    ],
    [
      'an export that is not there',
      () => ['check', one, '--store', 'store.ts#tikets'],
      /did you mean "tickets"/,
    ],
    ['a file without definition', () => file('empty.ts', 'export const a = 1\n'), /exports: none/],
    [
      'a file with two definitions',
      () =>
        file(
          'both.ts',
          "export * from './store.ts'\nexport { tickets as more } from './wrong.js'\n",
        ),
      /both\.ts#more, both\.ts#tickets/,
    ],
    [
      'a file that throws',
      () => file('throws.ts', "import './throwing.ts'\n"),
      /throws\.ts cannot be loaded: no DATABASE_URL \(throwing\.ts:2:7\)$/m,
    ],
    [
      'a file that is no TypeScript',
      () => file('syntax.ts', 'export const a = {\n  b: = 1\n}\n'),
      /Unexpected token .*syntax\.ts:2:5$/m,
    ],
    [
      'a file that imports what is not there',
      () => file('missing.ts', "import 'nothing-of-this-name'\n"),
      /Cannot find module 'nothing-of-this-name' \(missing\.ts\)$/m,
    ],
  ])('exits with 2 for %s, and says so without a stack', async (_, args, message) => {
    project.write('throwing.ts', "\nthrow new Error('no DATABASE_URL')\n")
    const { status, stdout, stderr } = await project.ministore(args())
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toMatch(message)
    expect(stderr).not.toMatch(/^ +at |Require stack/m)
  })
})

test('says its version', async () => {
  const { version } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  )
  expect(await project.ministore(['--version'])).toEqual({
    status: 0,
    stdout: `${version}\n`,
    stderr: '',
  })
})

describe.concurrent('what was compared', () => {
  test('is named, and required with --require-recording and --require-lock', async () => {
    await makeTickets(project.path('compared/a.jsonl'))
    const here = (...args: string[]) =>
      project.ministore([...args, '--store', '../store.js'], {}, 'compared')
    const required = ['--require-recording', '--require-lock']
    const [bare, missing] = await Promise.all([
      here('check', 'a.jsonl'),
      here('check', 'a.jsonl', ...required),
    ])
    expect(bare.status).toBe(0)
    expect(bare.stderr).toBe(noBaseline('a.jsonl'))
    expect(bare.stdout).toContain('warning: no schema lockfile of this store.')
    expect(missing.status).toBe(1)
    expect(missing.stdout.match(/error not_compared/g)).toHaveLength(2)
    await here('check', 'a.jsonl', '--update')
    await here('schema', '--update')
    const { status, stdout } = await here('check', 'a.jsonl', ...required)
    expect(status).toBe(0)
    expect(stdout).toContain(
      'compared with 7 recorded digests, schemas locked by ministore.schema.json',
    )
  })

  test('is not a journal that lost its records, and --update does not accept that', async () => {
    const path = (name: string) => project.path('lost', name)
    for (const name of ['a', 'b', 'c']) await makeTickets(path(`${name}.jsonl`))
    const here = (...args: string[]) =>
      project.ministore(['check', ...args, '--store', '../store.js'], {}, 'lost')
    expect((await here('*.jsonl', '--update')).status).toBe(0)
    const baseline = project.read('lost/b.jsonl.check.json')
    rmSync(path('a.jsonl'))
    writeFileSync(path('b.jsonl'), '')
    writeFileSync(path('c.jsonl'), `${project.read('lost/c.jsonl').split('\n')[0]}\n`)
    writeFileSync(path('d.jsonl'), '')
    for (const more of [[], ['--update']]) {
      const { status, stdout } = await here('*.jsonl', ...more)
      expect(status).toBe(1)
      for (const name of ['a.jsonl.check.json', 'b.jsonl', 'c.jsonl', 'd.jsonl'])
        expect(stdout).toContain(`error lost_records  ${name}`)
      expect(stdout).toContain('there were 7 records when the digests were recorded, now 0')
      expect(stdout).not.toContain('ecord it again')
    }
    expect(project.read('lost/b.jsonl.check.json')).toBe(baseline)
    expect(existsSync(path('d.jsonl.check.json'))).toBe(false)
  })
})
