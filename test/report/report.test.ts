import { stripVTControlCharacters } from 'node:util'
import fc from 'fast-check'
import type { Finding } from 'ministore-ts'
import type { CheckRule } from 'ministore-ts/check'
import { describe, expect, test } from 'vitest'
import {
  type CheckResult,
  defaultFormat,
  isOk,
  report,
  reportFormats,
  stepSummary,
} from '../../src/proof/report/index.ts'
import { rules } from '../../src/proof/report/rules.ts'
import { bad, good, journal, options, schemaChanged, tornWrite } from './result.ts'
import { descendants, parseXml } from './xml.ts'

/** Whatever a journal, a path or a reducer's error can hold, and what the formats give a meaning. */
const text: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme' }),
      fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
      fc.constantFrom(
        '\n::error::x',
        '\n  ::stop-commands::x',
        '##[error]x',
        ']]>',
        '<!--',
        '&#0;',
        '\u202e',
        '\u001b]0;x\u0007',
        '\ufffe',
        '\n````\n',
        '\r\n',
        '|',
        '</details><b>',
        '%0A',
        'postgres://',
        '../',
      ),
    ),
    { maxLength: 4 },
  )
  .map((pieces) => pieces.join(''))

const change = fc.oneof(
  fc.record({
    op: fc.constant('replace' as const),
    path: text,
    value: fc.anything({ withBigInt: true }),
    before: fc.anything({ withBigInt: true }),
  }),
  fc.record({ op: fc.constant('add' as const), path: text, value: fc.double() }),
)

const finding: fc.Arbitrary<Finding> = fc.record(
  {
    rule: fc.constantFrom(...(Object.keys(rules) as CheckRule[])),
    severity: fc.constantFrom('error', 'warning', 'note'),
    message: text,
    file: text,
    line: fc.option(fc.integer({ min: 1 }), { nil: undefined }),
    seq: fc.option(fc.nat(), { nil: undefined }),
    type: fc.option(text, { nil: undefined }),
    repeated: fc.option(fc.nat(), { nil: undefined }),
    diff: fc.record({ changes: fc.array(change, { maxLength: 3 }), unified: text }),
  },
  { requiredKeys: ['rule', 'severity', 'message', 'file'] },
)

const result: fc.Arbitrary<CheckResult> = fc.record({
  journals: fc.array(
    fc
      .tuple(text, fc.array(finding, { maxLength: 20 }))
      .map(([path, findings]) => journal(path, 3, findings)),
    { maxLength: 3 },
  ),
  findings: fc.array(finding, { maxLength: 5 }),
})

const HIDDEN =
  /[^\P{Cc}\n]|[\p{Cs}\p{Zl}\p{Zp}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/u

const findingsOf = ({ journals, findings }: CheckResult) => [
  ...journals.flatMap((each) => each.findings),
  ...findings,
]

describe('whatever a journal holds', () => {
  test('the JSON report gives every finding back as it was', () => {
    fc.assert(
      fc.property(result, (found) => {
        const parsed = JSON.parse(report(found, 'json', options)) as CheckResult
        const told = ({ rule, message, file, line, seq, type }: Finding) => [
          rule,
          message,
          file,
          line,
          seq,
          type,
        ]
        expect(findingsOf(parsed).map(told)).toEqual(findingsOf(found).map(told))
        expect(parsed).toMatchObject({ version: 1, ok: isOk(found) })
      }),
    )
  })

  test('the JUnit report is well-formed XML whose numbers are right', () => {
    fc.assert(
      fc.property(result, (found) => {
        const root = parseXml(report(found, 'junit', options))
        const all = descendants(root)
        const count = (name: string) => all.filter((element) => element.name === name).length
        expect(root.attributes['tests']).toBe(String(count('testcase')))
        expect(root.attributes['failures']).toBe(String(count('failure')))
        expect(count('failure') > 0).toBe(!isOk(found))
      }),
    )
  })

  test('GitHub is given a line for each annotation and no order beside them', () => {
    fc.assert(
      fc.property(result, (found) => {
        const lines = report(found, 'github', options).split(/\r\n|\r|\n/)
        const isCommand = (line: string) => /^\s*::/.test(line)
        const expected = (['error', 'warning', 'note'] as const).map((severity) => {
          const count = findingsOf(found).filter((each) => each.severity === severity).length
          return Math.min(10, count)
        })
        const count = (name: string) =>
          lines.filter((line) => line.startsWith(`::${name} file=`)).length
        expect(['error', 'warning', 'notice'].map(count)).toEqual(expected)
        const others = lines.filter((line) => !/^::(error|warning|notice) file=/.test(line))
        expect(others.filter(isCommand)).toEqual(['::group::ministore check', '::endgroup::'])
        expect(others.filter((line) => line.includes('##['))).toEqual([])
      }),
    )
  })

  test('the SARIF report parses and has every finding at a valid address', () => {
    fc.assert(
      fc.property(result, (found) => {
        const { runs } = JSON.parse(report(found, 'sarif', options))
        const [{ results }] = runs
        expect(results.map((each: { ruleId: string }) => each.ruleId)).toEqual(
          findingsOf(found).map(({ rule }) => rule),
        )
        for (const { locations } of results) {
          const { uri, uriBaseId } = locations[0].physicalLocation.artifactLocation
          expect(uri).toMatch(/^[\w.~:/?#[\]@!$&'()*+,;=%-]*$/)
          if (uriBaseId) expect(uri).not.toMatch(/^\/|^\.\.\/|:/)
        }
      }),
    )
  })

  test('no terminal is given anything but text', () => {
    fc.assert(
      fc.property(result, (found) => {
        for (const format of ['pretty', 'github'] as const) {
          expect(stripVTControlCharacters(report(found, format, options))).not.toMatch(HIDDEN)
        }
      }),
    )
  })

  test('the step summary has no markup but its own', () => {
    fc.assert(
      fc.property(result, (found) => {
        let fence: string | undefined
        for (const line of stepSummary(found).split('\n')) {
          const opened = /^(`{3,})diff$/.exec(line)?.[1]
          if (fence === undefined && opened !== undefined) fence = opened
          else if (fence !== undefined) fence = line === fence ? undefined : fence
          else {
            expect(line.replaceAll(/<\/?(details|summary|b|br)>/g, '')).not.toMatch(/[<>`]/)
            if (line.startsWith('| ok') || line.startsWith('| failed')) {
              expect(line.split('|')).toHaveLength(6)
            }
          }
        }
        expect(fence).toBeUndefined()
      }),
    )
  })
})

describe('every report', () => {
  test.each(reportFormats)('%s ends in a newline, and is the same each time', (format) => {
    for (const found of [good, bad, { journals: [], findings: [] }]) {
      const once = report(found, format, options)
      expect(once).toMatch(/[^\n]\n$/)
      expect(report(found, format, options)).toBe(once)
    }
  })

  test('is ok where no finding is an error', () => {
    expect(isOk(good)).toBe(true)
    expect(isOk({ journals: [journal('a', 1, [tornWrite])], findings: [schemaChanged] })).toBe(true)
    expect(isOk(bad)).toBe(false)
    expect(isOk({ ...good, findings: [{ ...schemaChanged, severity: 'error' }] })).toBe(false)
  })

  test('is for GitHub where GitHub Actions runs it, and for people elsewhere', () => {
    expect(defaultFormat({ GITHUB_ACTIONS: 'true' })).toBe('github')
    expect(defaultFormat({ GITHUB_ACTIONS: 'false' })).toBe('pretty')
    expect(defaultFormat({ CI: 'true' })).toBe('pretty')
  })
})
