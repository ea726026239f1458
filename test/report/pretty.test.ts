import { stripVTControlCharacters } from 'node:util'
import type { Finding } from 'ministore-ts'
import pc from 'picocolors'
import { describe, expect, test } from 'vitest'
import { report } from '../../src/proof/report/index.ts'
import { pretty } from '../../src/proof/report/pretty.ts'
import type { CheckResult } from '../../src/proof/report/result.ts'
import { bad, good, journal, nondeterministic, options, tornWrite } from './result.ts'

const digest = good.journals[0]?.digest
const plain = (result: CheckResult) => stripVTControlCharacters(report(result, 'pretty', options))
const about = (finding: Finding) =>
  plain({ journals: [journal('data/b.jsonl', 12, [finding])], findings: [] })

describe('the report for people', () => {
  test('says of each journal whether it is ok, what was found under it, and the sums at the end', () => {
    expect(plain(bad)).toBe(`ok data/a.jsonl: 1,234 records, ${digest}
failed data/b.jsonl: 12 records, ${digest}

  error invalid_payload  data/b.jsonl:7  seq 5  addTopic
    today's schema of addTopic refuses the payload: partitions: Too small, expected number to be >0.
    Declare the schema as it was under \`upcast\`.
    (and 41 more records like it)

  error nondeterministic  data/b.jsonl:9  seq 7  addTopic
    apply of addTopic gives another state each time

    --- once
    +++ again
    @@ -1,5 +1,5 @@
     {
       "topics": {
    -    "n": 7
    +    "n": 9
       }
     }

    replace /topics/a/n  7 → 9
    add /topics/b  {"name":"b"}
    remove /total  0.5

ok data/c.jsonl: 1 record, ${digest}

  note torn_write  data/c.jsonl:4
    the journal ends in a write of 17 bytes that was cut off: nothing to do

ok definition

  warning schema_changed  broker.lock.json  addTopic
    the schema of addTopic v2 is not the one that was locked

3 journals, 2 errors, 1 warning, 1 note
not covered by any journal: addTopic v1, command createTopics
retired, and not covered: renameTopic v1
`)
  })

  test('says that nothing was found', () => {
    expect(plain(good)).toContain('\n\n1 journal, no findings\n')
  })

  test('does not list what one of the journals covers', () => {
    const other = journal('data/b.jsonl', 3, [])
    const coverage = {
      mutations: other.coverage.mutations.map((each) => ({ ...each, records: 1 })),
      commands: [{ name: 'createTopics', records: 2 }],
    }
    const journals = [...good.journals, { ...other, coverage }]
    expect(plain({ journals, findings: [] })).toMatch(/\n2 journals, no findings\n$/)
  })

  test('says that there is no digest where the state is not JSON', () => {
    const journals = [{ ...journal('data/a.jsonl', 2, []), digest: 'none' }]
    expect(plain({ journals, findings: [] })).toContain('ok data/a.jsonl: 2 records, no digest\n')
  })

  test('colours the severity and the diff, and nothing where colours are off', () => {
    const colors = pc.createColors(true)
    const coloured = pretty(bad, colors)
    expect(coloured).toContain(`${colors.red('error')} ${colors.bold('nondeterministic')}`)
    expect(coloured).toContain(colors.yellow('warning'))
    expect(coloured).toContain(colors.red('-    "n": 7'))
    expect(coloured).toContain(colors.green('+    "n": 9'))
    expect(coloured).toContain(colors.cyan('@@ -1,5 +1,5 @@'))
    expect(pretty(bad, pc.createColors(false))).toBe(plain(bad))
  })

  test('cuts what is too long to be read, and says how much there is', () => {
    const lines = Array.from({ length: 3000 }, (_, index) => `+${index}`)
    const changes = lines.map((path) => ({ op: 'add', path, value: 'v'.repeat(500) }) as const)
    const long = about({
      ...nondeterministic,
      message: 'm'.repeat(5000),
      diff: { changes, unified: ['+'.repeat(500), ...lines].join('\n') },
    })
    expect(long).toContain(`    ${'m'.repeat(2000)}…\n`)
    expect(long).toContain(`    ${'+'.repeat(200)}…\n`)
    expect(long).toContain('    +58\n    … and 2,941 more\n')
    expect(long).toContain(`    add +19  "${'v'.repeat(79)}…\n    … and 2,980 more\n`)
    const many = journal('data/b.jsonl', 99, [
      ...Array<Finding>(60).fill(tornWrite),
      nondeterministic,
    ])
    const cutShort = plain({ journals: [many], findings: [] })
    expect(cutShort).toContain('\n\n  error nondeterministic  data/b.jsonl:9')
    expect(cutShort).toContain('\n\n  … and 11 more\n')
  })

  test('does not cut an emoji in half', () => {
    const message = `${'m'.repeat(1999)}😀😀`
    expect(about({ ...tornWrite, message })).toContain(`    ${'m'.repeat(1999)}…\n`)
  })

  test('shows values that are not JSON, and a state that contains itself', () => {
    const cycle: { self?: unknown; list: unknown[] } = { list: [1n, Number.NaN, -0] }
    cycle.self = cycle
    const changes = [
      { op: 'replace', path: '/zero', value: -0, before: 0 },
      { op: 'replace', path: '/count', value: 12n, before: Number.NaN },
      { op: 'replace', path: '/gone', value: undefined, before: 'here' },
      { op: 'add', path: '/cycle', value: cycle },
      { op: 'replace', path: '', value: [], before: {} },
    ] as const
    const text = about({ ...nondeterministic, diff: { changes, unified: '' } })
    expect(text).toContain('replace /zero  0 → -0\n')
    expect(text).toContain('replace /count  NaN → 12n\n')
    expect(text).toContain('replace /gone  "here" → undefined\n')
    expect(text).toContain('replace (all)  {} → []\n')
    expect(text).toContain('add /cycle  {"list":["1n","NaN","-0"],"self":"[circular]"}\n')
  })

  test('shows what a terminal would obey, instead of sending it there', () => {
    const hostile = about({
      ...tornWrite,
      file: 'data/\u001b[2Jx\nok.jsonl',
      type: 'a\u202eb',
      message: 'first\r\nsecond \u001b]0;title\u0007 \u2028 \ud800',
    })
    expect(hostile).toContain('data/\\u001b[2Jx\\nok.jsonl:4  a\\u202eb\n')
    expect(hostile).toContain('    first\n    second \\u001b]0;title\\u0007 \\u2028 \\ud800\n')
  })

  test('keeps emoji, accents and right-to-left letters', () => {
    const message = 'Zürich 👩‍👩‍👧 שלום'
    expect(about({ ...tornWrite, message })).toContain(`    ${message}\n`)
  })
})
