import { join } from 'node:path'
import type { Finding } from 'ministore-ts'
import { describe, expect, test } from 'vitest'
import { report } from '../../src/proof/report/index.ts'
import { bad, journal, options, schemaChanged, tornWrite } from './result.ts'

const of = (findings: readonly Finding[], cwd = options.cwd) =>
  report({ journals: [], findings }, 'github', { ...options, cwd }).split('\n')

describe('the report for GitHub Actions', () => {
  test('annotates errors first, says the sums, and has the log in a group', () => {
    const lines = report(bad, 'github', options).split('\n')
    expect(lines.slice(0, 7)).toEqual([
      '::error file=data/b.jsonl,line=7,title=ministore invalid_payload seq 5 addTopic::' +
        "today's schema of addTopic refuses the payload: partitions: Too small, expected number to be >0. " +
        'Declare the schema as it was under `upcast`.%0A(and 41 more records like it)',
      '::error file=data/b.jsonl,line=9,title=ministore nondeterministic seq 7 addTopic::' +
        'apply of addTopic gives another state each time',
      '::warning file=broker.lock.json,title=ministore schema_changed addTopic::' +
        'the schema of addTopic v2 is not the one that was locked',
      '::notice file=data/c.jsonl,line=4,title=ministore torn_write::' +
        'the journal ends in a write of 17 bytes that was cut off: nothing to do',
      'ministore check: 3 journals, 2 errors, 1 warning, 1 note',
      '::group::ministore check',
      expect.stringMatching(/^ok data\/a\.jsonl: 1,234 records/),
    ])
    expect(lines).toContain('    replace /topics/a/n  7 → 9')
    expect(lines.slice(-2)).toEqual(['::endgroup::', ''])
  })

  test('escapes what would end a property or a line', () => {
    const [line] = of([{ ...tornWrite, file: 'a,b:c%.jsonl', message: '100%: a, b\nc' }])
    expect(line).toBe(
      '::notice file=a%2Cb%3Ac%25.jsonl,line=4,title=ministore torn_write::100%25: a, b%0Ac',
    )
  })

  test('names files from the root of the repository, wherever in it the command ran', () => {
    const inside = { ...tornWrite, file: join(process.cwd(), 'data/a.jsonl') }
    expect(of([inside])[0]).toContain('file=data/a.jsonl,')
    const parent = join(process.cwd(), '..')
    const folder = process.cwd().slice(parent.length).replace(/^\//, '')
    expect(of([tornWrite], parent)[0]).toContain(`file=${folder}/data/c.jsonl,`)
  })

  test('leaves a file outside the repository, and an address, as they are', () => {
    const outside = { ...tornWrite, file: '/elsewhere/a.jsonl' }
    expect(of([outside])[0]).toContain('file=/elsewhere/a.jsonl,')
    expect(of([{ ...tornWrite, file: 'postgres://db/a' }])[0]).toContain('file=postgres%3A//db/a,')
    expect(of([{ ...tornWrite, file: '..a.jsonl' }])[0]).toContain('file=..a.jsonl,')
  })

  test('annotates no more than GitHub shows, and says how many are only in the log', () => {
    const errors = Array.from({ length: 13 }, (_, index): Finding => {
      return { ...schemaChanged, severity: 'error', message: `error ${index}` }
    })
    const lines = of([...Array<Finding>(12).fill(schemaChanged), ...errors])
    expect(lines.slice(0, 10).map((line) => line.split('::')[2])).toEqual(
      errors.slice(0, 10).map(({ message }) => message),
    )
    expect(lines.filter((line) => line.startsWith('::warning '))).toHaveLength(10)
    expect(lines[20]).toBe(
      'ministore check: 0 journals, 13 errors, 12 warnings; 5 findings only in the log: GitHub shows 10 of a kind',
    )
    expect(lines).toContain('    error 12')
  })

  test('lets no record give orders to the runner', () => {
    const message = '::add-mask::x\n  ::stop-commands::y\nsee ##[error]z'
    const lines = report(
      { journals: [journal('::debug::x', 1, [{ ...tornWrite, message }])], findings: [] },
      'github',
      options,
    ).split('\n')
    expect(lines).toContain('    : :add-mask::x')
    expect(lines).toContain('      : :stop-commands::y')
    expect(lines).toContain('    see ## [error]z')
  })
})
