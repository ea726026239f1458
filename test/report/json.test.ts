import { describe, expect, test } from 'vitest'
import { report } from '../../src/proof/report/index.ts'
import { bad, invalidPayload, journal, nondeterministic, options, schemaChanged } from './result.ts'

describe('the report for programs', () => {
  test('has every journal as it was reported, the other findings, and the coverage of all together', () => {
    expect(JSON.parse(report(bad, 'json', options))).toEqual({
      version: 1,
      ok: false,
      journals: bad.journals,
      findings: [schemaChanged],
      coverage: {
        mutations: [
          { type: 'addTopic', version: 1, records: 0, retired: false },
          { type: 'addTopic', version: 2, records: 1247, retired: false },
          { type: 'renameTopic', version: 1, records: 0, retired: true },
        ],
        commands: [{ name: 'createTopics', records: 0 }],
      },
    })
  })

  test('is the same text whatever the order in which a finding was put together', () => {
    const turned = (value: object) => Object.fromEntries(Object.entries(value).toReversed())
    const found = { journals: [journal('a', 1, [invalidPayload])], findings: [schemaChanged] }
    const other = {
      journals: [journal('a', 1, [turned(invalidPayload) as typeof invalidPayload])],
      findings: [turned(schemaChanged) as typeof schemaChanged],
    }
    expect(report(other, 'json', options)).toBe(report(found, 'json', options))
  })

  test('has strings for what JSON does not have, instead of failing or losing it', () => {
    const cycle: unknown[] = [Number.NaN, Number.POSITIVE_INFINITY, -0, 12n]
    cycle.push(cycle, ['shared'], undefined)
    const diff = {
      changes: [{ op: 'add' as const, path: '/x', value: cycle }],
      unified: '',
    }
    const found = { journals: [], findings: [{ ...nondeterministic, diff }] }
    const parsed = JSON.parse(report(found, 'json', options))
    expect(parsed.findings[0].diff.changes[0].value).toEqual([
      'NaN',
      'Infinity',
      '-0',
      '12n',
      '[circular]',
      ['shared'],
      null,
    ])
  })

  test('shows an object that is there twice twice, since it is no cycle', () => {
    const shared = { name: 'a' }
    const diff = {
      changes: [{ op: 'add' as const, path: '/x', value: { one: shared, two: [shared] } }],
      unified: '',
    }
    const parsed = JSON.parse(
      report({ journals: [], findings: [{ ...nondeterministic, diff }] }, 'json', options),
    )
    expect(parsed.findings[0].diff.changes[0].value).toEqual({ one: shared, two: [shared] })
  })
})
