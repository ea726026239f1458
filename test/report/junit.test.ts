import { describe, expect, test } from 'vitest'
import { report } from '../../src/proof/report/index.ts'
import { bad, journal, nondeterministic, options, schemaChanged, tornWrite } from './result.ts'
import { descendants, parseXml } from './xml.ts'

const parsed = parseXml(report(bad, 'junit', options))
const cases = descendants(parsed).filter(({ name }) => name === 'testcase')

describe('the JUnit report', () => {
  test('has a suite for each journal and one for the definition, each with its numbers', () => {
    const counts = { errors: '0', skipped: '0', time: '0' }
    expect(parsed.attributes).toEqual({
      name: 'ministore check',
      tests: '6',
      failures: '2',
      errors: '0',
      time: '0',
    })
    expect(parsed.children.map(({ name, attributes }) => [name, attributes])).toEqual([
      ['testsuite', { name: 'data/a.jsonl', tests: '1', failures: '0', ...counts }],
      ['testsuite', { name: 'data/b.jsonl', tests: '2', failures: '2', ...counts }],
      ['testsuite', { name: 'data/c.jsonl', tests: '2', failures: '0', ...counts }],
      ['testsuite', { name: 'definition', tests: '1', failures: '0', ...counts }],
    ])
  })

  test('has a passed test case for a journal without errors, and one for each rule with findings', () => {
    expect(cases.map(({ attributes }) => attributes['name'])).toEqual([
      'data/a.jsonl: replays',
      'data/b.jsonl: invalid_payload',
      'data/b.jsonl: nondeterministic',
      'data/c.jsonl: replays',
      'data/c.jsonl: torn_write',
      'definition: schema_changed',
    ])
  })

  test('says in a failure where and what, with the diff', () => {
    expect(cases[2]?.attributes).toMatchObject({ file: 'data/b.jsonl', line: '9' })
    const failure = cases[2]?.children[0]
    expect(failure?.name).toBe('failure')
    expect(failure?.attributes).toEqual({
      message: 'apply of addTopic gives another state each time',
      type: 'nondeterministic',
    })
    expect(failure?.text).toMatch(
      /^error nondeterministic {2}data\/b\.jsonl:9 {2}seq 7 {2}addTopic\n/,
    )
    expect(failure?.text).toContain('\n  -    "n": 7\n  +    "n": 9\n')
  })

  test('does not fail for a warning or a note, but keeps it', () => {
    expect(cases[4]?.children.map(({ name }) => name)).toEqual(['system-out'])
    expect(cases[5]?.children[0]?.text).toContain('is not the one that was locked')
  })

  test('fails once for all findings of a rule in a journal', () => {
    const findings = [
      { ...nondeterministic, severity: 'warning' as const, message: 'only a warning' },
      { ...nondeterministic, message: 'first' },
      { ...nondeterministic, message: 'second' },
    ]
    const root = parseXml(
      report({ journals: [journal('a', 3, findings)], findings: [] }, 'junit', options),
    )
    expect(root.attributes).toMatchObject({ tests: '1', failures: '1' })
    const failures = descendants(root).filter(({ name }) => name === 'failure')
    expect(failures).toHaveLength(1)
    expect(failures[0]?.attributes['message']).toBe('first')
    expect(failures[0]?.text).toMatch(/first.*second.*only a warning/s)
  })

  test('has the replacement character for what XML cannot hold, and everything else as it was', () => {
    const message = 'a <b> & "c" ]]> \ufffe \uffff 😀'
    const root = parseXml(
      report({ journals: [], findings: [{ ...schemaChanged, message }] }, 'junit', options),
    )
    expect(descendants(root).at(-1)?.text).toContain('a <b> & "c" ]]> \ufffd \ufffd 😀')
  })

  test('shows control characters, which XML cannot hold either', () => {
    const found = { ...tornWrite, file: 'a\u0000\ud800.jsonl', message: 'x\u0007\ty' }
    const root = parseXml(report({ journals: [], findings: [found] }, 'junit', options))
    const [, , testcase, out] = descendants(root)
    expect(testcase?.attributes['file']).toBe('a\\u0000\\ud800.jsonl')
    expect(out?.text).toContain('x\\u0007\\ty')
  })
})
