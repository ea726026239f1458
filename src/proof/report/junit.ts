// The report as JUnit XML, for Jenkins, GitLab and the reporters of GitHub.
import type { Finding } from '../finding.ts'
import { messageLines } from './finding.ts'
import { pathFrom } from './path.ts'
import { plainFinding } from './pretty.ts'
import { type CheckResult, errorsFirst, isError } from './result.ts'
import { atMost, cut, visible } from './words.ts'

interface Suite {
  readonly tests: number
  readonly failures: number
  readonly xml: string
}

const SHOWN_FINDINGS = 50
const HEADLINE_LENGTH = 200

/**
 * A suite for each journal, and one for the definition if it has findings. In it, a test case for
 * each rule with findings, and `replays` where none is an error. A test case has one failure at most,
 * since that is what all readers show; there are no warnings in JUnit, so those go to `system-out`.
 */
export function junit(result: CheckResult, { cwd }: { readonly cwd: string }): string {
  const suites = result.journals.map(({ journal, findings }) => {
    const replays = testCase(journal, 'replays', { file: pathFrom(cwd, journal) })
    return suite(journal, findings.some(isError) ? [] : [replays], findings, cwd)
  })
  if (result.findings.length > 0) suites.push(suite('definition', [], result.findings, cwd))
  const counts = {
    tests: suites.reduce((sum, { tests }) => sum + tests, 0),
    failures: suites.reduce((sum, { failures }) => sum + failures, 0),
  }
  const attributes = { name: 'ministore check', ...counts, errors: 0, time: 0 }
  const root = element(
    'testsuites',
    attributes,
    suites.map(({ xml }) => xml),
  )
  return `<?xml version="1.0" encoding="UTF-8"?>\n${root}\n`
}

function suite(
  name: string,
  passed: readonly string[],
  findings: readonly Finding[],
  cwd: string,
): Suite {
  const rules = [...new Set(findings.map(({ rule }) => rule))]
  const found = rules.map((rule) =>
    ruleCase(
      name,
      findings.filter((finding) => finding.rule === rule),
      cwd,
    ),
  )
  const cases = [...passed, ...found]
  const failures = new Set(findings.filter(isError).map(({ rule }) => rule)).size
  const counts = { tests: cases.length, failures, errors: 0, skipped: 0, time: 0 }
  return { ...counts, xml: element('testsuite', { name: visible(name), ...counts }, cases) }
}

/** All findings of one rule in one journal. */
function ruleCase(suiteName: string, findings: readonly Finding[], cwd: string): string {
  const sorted = errorsFirst(findings)
  const [first] = sorted
  if (!first) return ''
  const text = xmlText(atMost(sorted, SHOWN_FINDINGS, plainFinding).join('\n\n'))
  const message = cut(messageLines(first)[0] ?? '', HEADLINE_LENGTH)
  const inner = isError(first)
    ? element('failure', { message, type: first.rule }, text)
    : element('system-out', {}, text)
  const place = { file: pathFrom(cwd, first.file), line: first.line }
  return testCase(suiteName, first.rule, place, [inner])
}

/** The journal is in the name, as that is what is shown everywhere. */
function testCase(
  suiteName: string,
  what: string,
  { file, line }: { readonly file: string; readonly line?: number | undefined },
  inner: readonly string[] = [],
): string {
  const name = `${visible(suiteName)}: ${what}`
  const attributes = { classname: 'ministore.check', name, file: visible(file), line, time: 0 }
  return element('testcase', attributes, inner)
}

/** `inner`: escaped text, or elements, a line each. */
function element(
  name: string,
  attributes: Readonly<Record<string, string | number | undefined>>,
  inner: string | readonly string[],
): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${xmlText(String(value))}"`)
    .join('')
  if (inner.length === 0) return `<${name}${written}/>`
  const content = typeof inner === 'string' ? inner : `\n${inner.join('\n')}\n`
  return `<${name}${written}>${content}</${name}>`
}

const REFERENCES = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
])

/** XML 1.0 cannot hold every character, not even by its number. */
const xmlText = (text: string): string =>
  text
    .replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/[&<>"]/g, (character) => REFERENCES.get(character) ?? '')
