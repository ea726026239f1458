import { execFileSync } from 'node:child_process'
import {
  createWriteStream,
  existsSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { program } from '../../src/cli/program.ts'
import { takeAnswer } from '../../src/cli/terminal/exit.ts'
import { tempJournal } from '../file/temp-journal.ts'
import { broker } from '../store/broker.ts'
import { home } from './build.ts'
import { ministore, ministores, start } from './run.ts'
import { legacy } from './stores.ts'

const HEADER = '// MINISTORE JOURNAL v0.1.4\n'
const stores = join(home(), 'test/cli/stores.js')

/** A journal of the Rust original in a fresh directory, with the lines given. */
function written(...lines: (string | Buffer)[]): string {
  const source = tempJournal('old.jsonl')
  const ended = lines.flatMap((line) => [Buffer.from(line), Buffer.from('\n')])
  writeFileSync(source, Buffer.concat([Buffer.from(HEADER), ...ended]))
  return source
}

/** The command that imports `source` beside itself. */
const importing = (source: string, ...args: string[]) => [
  ...['import', source, '--from', 'mini-rs', '--to', targetOf(source)],
  ...(args.includes('--store') ? [] : ['--store', `${stores}#legacy`]),
  ...args,
]
const targetOf = (source: string) => join(dirname(source), 'new.jsonl')
const filesBeside = (source: string) => readdirSync(dirname(source)).sort()

/** In this process: to start another one takes longer than all that it would do. */
async function refused(args: string[]): Promise<{ status: unknown; stderr: string }> {
  const told = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  try {
    await (await program(args)).parseAsync(args, { from: 'user' })
    return { status: takeAnswer(), stderr: told.mock.calls.join('\n') }
  } finally {
    told.mockRestore()
    takeAnswer()
  }
}

describe('ministore import', () => {
  test('takes over every kind of variant that serde writes', async () => {
    const source = written(
      '{"AddTopic":{"name":"orders","partitions":3}}',
      '',
      '  // a comment',
      '{"add_topic":{"name":"Zürich"}}',
      '{"Rename":"x"}',
      '{"MoveTo":[1,-2]}',
      '"Archive"',
    )
    // Acknowledged or not, it is whole.
    writeFileSync(source, '{"Archive":null}', { flag: 'a' })
    utimesSync(source, 0, Date.parse('2024-02-29T12:00:00.000Z') / 1000)
    const { status, stdout, stderr } = ministore(...importing(source))
    const { digest, state, records } = await legacy.replay(targetOf(source))
    expect(stderr).toBe('')
    expect(stdout).toBe(
      `imported 6 records into ${targetOf(source)}\nstate ${digest}, the same in two replays\n`,
    )
    expect(status).toBe(0)
    expect(records).toBe(6)
    const at = '2024-02-29T12:00:00.000Z'
    const log = [`${at} orders 3`, `${at} Zürich 1`, 'x', '1 -2', 'archived', 'archived']
    expect(state).toEqual({ log })
    expect(filesBeside(source)).toEqual(['new.jsonl', 'new.jsonl.lock', 'old.jsonl'])
    // A store goes on with it.
    const opened = await legacy.open(targetOf(source))
    await opened.dispatch('rename', 'y')
    expect(opened.seq).toBe(7)
    await opened.close()
  })

  test('takes thousands of facts, which no rule is asked about, at the time that is given', async () => {
    const lines = Array.from({ length: 2500 }, (_, index) => {
      return `{"AddTopic":{"name":"topic ${index % 50}","partitions":${index + 1}}}`
    })
    const source = written(...lines)
    const args = importing(
      source,
      '--store',
      'test/store/broker.js',
      '--at',
      '2025-12-31T23:00-01:00',
    )
    const dry = ministore(...args, '--dry-run')
    expect(dry.stdout).toContain('nothing was written; without --dry-run: 2,500 records into')
    expect(filesBeside(source)).toEqual(['old.jsonl'])
    const done = ministore(...args)
    const { state, digest } = await broker.replay(targetOf(source))
    expect(state.total).toBe(2500)
    expect(state.topics['topic 49']).toEqual({
      ...{ name: 'topic 49', partitions: 2500, createdAt: '2026-01-01T00:00:00.000Z' },
    })
    for (const { status, stdout } of [dry, done]) {
      expect(status).toBe(0)
      expect(stdout).toContain(`state ${digest}, the same in two replays\n`)
    }
    const before = readFileSync(targetOf(source))
    const again = ministore(...args)
    expect(again).toMatchObject({ status: 2, stdout: '' })
    expect(again.stderr).toContain(`${targetOf(source)} is there already`)
    expect(readFileSync(targetOf(source))).toEqual(before)
  })

  test('writes nothing where one line does not fit, and says which, why and what to do', async () => {
    const good = '{"AddTopic":{"name":"a"}}'
    const deep = `{"Rename":${'['.repeat(200)}${']'.repeat(200)}}`
    const cases: [lines: (string | Buffer)[], ...messages: string[]][] = [
      [['{"AddTopc":{"name":"b"}}'], 'AddTopc: no mutation', 'did you mean "addTopic"?', '--map'],
      [['{"AddTopic":{"title":"b"}}'], 'AddTopic: addTopic: payload.name: Invalid input', '--map'],
      [['{"AddTopic":{"name":"b"},"Rename":"c"}'], 'not one variant of an enum', '--map'],
      [['{"Fail":{"why":"no such topic"}}'], 'variant Fail: apply of fail failed', 'no such topic'],
      [['{"AddTo{"AddTopic":{"name":"b"}}'], 'this line is not JSON', 'a line of its own'],
      [[Buffer.from('{"Rename":"\xff"}', 'latin1')], 'this line is not UTF-8'],
      [
        ['{"AddTopic":{"name":"b","__proto__":{"polluted":1}}}'],
        'AddTopic.__proto__ is a forbidden key',
      ],
      [[deep], 'nested deeper than 128 levels'],
      [
        ['{"AddTopic":{"name":"\\"","partitions":9007199254740993}}'],
        '9007199254740993 is a number',
      ],
      [[`{"Rename":"${'x'.repeat(2 ** 24)}"}`], 'a line is over 16,777,216 bytes'],
    ]
    for (const [lines, ...messages] of cases) {
      const source = written(good, ...lines, good)
      const { status, stderr } = await refused(importing(source))
      expect(status).toBe(1)
      for (const message of [`${source}:3: `, ...messages, 'Nothing was written'])
        expect(stderr).toContain(message)
      expect(filesBeside(source)).toEqual(['old.jsonl'])
    }
  })

  test('leaves out a last line that a crash cut off, and says so', async () => {
    const source = written('{"Rename":"x"}')
    writeFileSync(source, '{"Rename":"Zü', { flag: 'a' })
    const { status, stdout, stderr } = ministore(...importing(source))
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: `ministore: ${source}:3: a crash cut this line off after 14 bytes: it is not a record\n`,
    })
    expect(stdout).toContain('imported 1 record into')
    expect((await legacy.replay(targetOf(source))).state.log).toEqual(['x'])
  })

  test('asks the function of --map what a line is', async () => {
    const map = ['--map', `${join(home(), 'test/cli/stores.ts')}#toMutation`]
    const source = written(
      '"Noise"',
      '{"Names":["a","b"]}',
      '{"name":"c","partitions":2}',
      '"reset"',
      '{"Names":["d"]}',
    )
    const mapped = ministore(...importing(source, ...map))
    expect(mapped.stdout).toContain(
      `imported 4 records into ${targetOf(source)}, left out 1 line\n`,
    )
    const opened = await legacy.open(targetOf(source), { readOnly: true })
    const records = []
    for await (const { seq, type, part, parts } of opened.records())
      records.push([seq, type, part, parts])
    await opened.close()
    expect(records).toEqual([
      [1, 'addTopic', 1, 2],
      [1, 'addTopic', 2, 2],
      [2, 'addTopic', 1, 1],
      [3, 'reset', 1, 1],
      [4, 'addTopic', 1, 1],
    ])
    for (const [line, message] of [
      ['"Throw"', 'no idea'],
      ['"Promise"', 'the function of --map returned neither'],
      ['"unknown"', '"unknown" is not in'],
    ] as const) {
      const misfit = written('"Noise"', line)
      const { status, stderr } = await refused(importing(misfit, ...map))
      expect(status).toBe(1)
      expect(stderr).toContain(`${misfit}:3: variant ${JSON.parse(line)}: ${message}`)
      expect(stderr).toContain('Change what --map returns for it')
    }
  })

  test('takes no journal whose state is another one each time it is replayed', async () => {
    const source = written('"Reset"')
    const { status, stderr } = await refused(importing(source, '--store', `${stores}#impure`))
    expect(status).toBe(1)
    expect(stderr).toContain('two replays produced two states')
    expect(filesBeside(source)).toEqual(['old.jsonl'])
  })

  test('puts a rotated journal together, unless its first part is gone', async () => {
    const [rotated, gone] = [written('{"Rename":"3"}'), written('{"Rename":"3"}')]
    writeFileSync(`${rotated}.000002`, `${HEADER}{"Rename":"2"}\n`)
    writeFileSync(`${rotated}.000001`, `${HEADER}{"Rename":"1"}\n`)
    writeFileSync(`${gone}.000002`, `${HEADER}{"Rename":"2"}\n`)
    const whole = ministore(...importing(rotated))
    expect(whole.status).toBe(0)
    expect((await legacy.replay(targetOf(rotated))).state.log).toEqual(['1', '2', '3'])
    const { status, stderr } = await refused(importing(gone))
    expect(status).toBe(1)
    expect(stderr).toContain(`${gone}: part 1 of it is gone`)
    expect(existsSync(targetOf(gone))).toBe(false)
  })

  test('leaves nothing behind when it is interrupted', async () => {
    const source = tempJournal('old.jsonl')
    execFileSync('mkfifo', [source])
    const child = start(...importing(source, '--at', '2025-12-31'))
    const pipe = createWriteStream(source)
    pipe.write(`${HEADER}"Reset"\n`)
    while (!filesBeside(source).some((name) => name.startsWith('.ministore-import-')))
      await new Promise(setImmediate)
    child.process.kill('SIGINT')
    pipe.end('"Reset"\n')
    expect(await child.ended).toEqual({
      status: 130,
      stderr: 'ministore: interrupted, nothing was written\n',
    })
    expect(filesBeside(source)).toEqual(['old.jsonl'])
  })

  test('exits with 2 where it is used wrongly', async () => {
    const [source, empty, foreign] = [written('"Reset"'), tempJournal(), tempJournal()]
    writeFileSync(empty, '')
    writeFileSync(foreign, '{"format":"ministore"}\n')
    const all = await ministores(
      importing(empty),
      importing(foreign),
      importing(`${source}.none`),
      importing(source, '--map', `${stores}#legacy`),
      importing(source, '--at', '2025-12-31T23:00'),
      ['import', source, '--from', 'sqlite'],
    )
    expect(all.map(({ status }) => status)).toEqual([2, 2, 2, 2, 2, 2])
    expect(all.map(({ stderr }) => stderr)).toEqual([
      expect.stringContaining(`${empty}:1: this is not a journal of the Rust ministore`),
      expect.stringContaining(`${foreign}:1: this is not a journal of the Rust ministore`),
      expect.stringContaining('.none'),
      expect.stringContaining(`does not name one function; ${stores} exports: `),
      expect.stringContaining('Write it as 2025-12-31 or 2025-12-31T23:59:59Z'),
      expect.stringContaining('Allowed choices are mini-rs'),
    ])
    expect(filesBeside(source)).toEqual(['old.jsonl'])
  })
})
