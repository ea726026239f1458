import { join } from 'node:path'
import type { Finding } from 'ministore-ts'
import { describe, expect, test } from 'vitest'
import { report } from '../../src/proof/report/index.ts'
import { rules } from '../../src/proof/report/rules.ts'
import { bad, nondeterministic, options, schemaChanged, tornWrite } from './result.ts'

interface Sarif {
  readonly $schema: string
  readonly version: string
  readonly runs: readonly {
    readonly tool: { readonly driver: Driver }
    readonly results: readonly SarifResult[]
  }[]
}
interface Driver {
  readonly rules: readonly { readonly id: string }[]
}
interface SarifResult {
  readonly ruleId: string
  readonly ruleIndex: number
  readonly partialFingerprints: { readonly 'ministore/v1': string }
  readonly locations: readonly { readonly physicalLocation: object }[]
}

function sarif(found: typeof bad, cwd = options.cwd) {
  const parsed = JSON.parse(report(found, 'sarif', { ...options, cwd })) as Sarif
  const [run] = parsed.runs
  if (!run) throw new Error('no run')
  return { parsed, driver: run.tool.driver, results: run.results }
}
const of = (...findings: Finding[]) => sarif({ journals: [], findings }).results
const placeOf = (finding: Finding) => of(finding)[0]?.locations[0]?.physicalLocation
const printOf = (finding: Finding) => of(finding)[0]?.partialFingerprints['ministore/v1']

describe('the SARIF report', () => {
  test('names the format, the tool, and every rule with what it means and what to do', () => {
    const { parsed, driver } = sarif(bad)
    expect(parsed).toMatchObject({
      $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
      version: '2.1.0',
    })
    expect(driver).toMatchObject({ name: 'ministore', version: '1.2.3' })
    expect(driver.rules.map(({ id }) => id)).toEqual(Object.keys(rules))
    for (const rule of driver.rules) {
      expect(rule).toMatchObject({
        shortDescription: { text: expect.stringMatching(/^[A-Z].*\.$/) },
        help: { text: expect.stringMatching(/^[A-Z].*\.$/) },
      })
    }
  })

  test('has each finding with its rule, place, record and diff', () => {
    const { results, driver } = sarif(bad)
    expect(results.map(({ ruleIndex }) => driver.rules[ruleIndex]?.id)).toEqual(
      results.map(({ ruleId }) => ruleId),
    )
    expect(results[0]).toMatchObject({
      ruleId: 'invalid_payload',
      level: 'error',
      message: { text: expect.stringContaining('\n(and 41 more records like it)') },
      properties: { seq: 5, type: 'addTopic', repeated: 41 },
    })
    expect(results[1]).toMatchObject({
      message: {
        text: expect.stringMatching(/^apply of addTopic .* time\n\n--- once\n.*\+ {4}"n": 9\n/s),
      },
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: 'data/b.jsonl', uriBaseId: '%SRCROOT%' },
            region: { startLine: 9 },
          },
        },
      ],
    })
    expect(results.slice(2)).toMatchObject([{ level: 'note' }, { level: 'warning' }])
  })

  test('has no region where no line is known', () => {
    expect(placeOf(schemaChanged)).toEqual({
      artifactLocation: { uri: 'broker.lock.json', uriBaseId: '%SRCROOT%' },
    })
  })

  test.each([
    ['data/a b#1%.jsonl', { uri: 'data/a%20b%231%25.jsonl', uriBaseId: '%SRCROOT%' }],
    ['c:d/\ud800.jsonl', { uri: 'c%3Ad/%EF%BF%BD.jsonl', uriBaseId: '%SRCROOT%' }],
    [join(process.cwd(), 'Zürich.jsonl'), { uri: 'Z%C3%BCrich.jsonl', uriBaseId: '%SRCROOT%' }],
    ['..a.jsonl', { uri: '..a.jsonl', uriBaseId: '%SRCROOT%' }],
    ['/elsewhere/a b.jsonl', { uri: 'file:///elsewhere/a%20b.jsonl' }],
    ['postgres://db/a b', { uri: 'postgres://db/a%20b' }],
  ])('names %j by an address that every tool can read', (file, artifactLocation) => {
    expect(placeOf({ ...tornWrite, file })).toMatchObject({ artifactLocation })
  })

  test('recognises a finding again by what it is, not by how it is worded', () => {
    const print = printOf(nondeterministic)
    expect(print).toMatch(/^[\da-f]{64}:1$/)
    const moved = { ...nondeterministic, message: 'reworded', line: 99, diff: undefined }
    expect(printOf(moved)).toBe(print)
    expect(printOf({ ...nondeterministic, file: join(process.cwd(), 'data/b.jsonl') })).toBe(print)
    const others = [{ rule: 'impure' }, { file: 'x.jsonl' }, { type: 'x' }, { seq: 8 }] as const
    const prints = others.map((other) => printOf({ ...nondeterministic, ...other }))
    expect(new Set([print, ...prints]).size).toBe(5)
  })

  test('keeps two findings of one batch apart', () => {
    const [first, second] = of(nondeterministic, nondeterministic)
    expect(first?.partialFingerprints).not.toEqual(second?.partialFingerprints)
  })
})
