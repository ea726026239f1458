// The report for people, in a terminal.
import pc from 'picocolors'
import type { ReplayReport } from '../check/report.ts'
import type { Finding, Severity } from '../finding.ts'
import { comparedLines } from './compared.ts'
import { changeLines, diffLines, messageLines, placeText, recordWords } from './finding.ts'
import { type CheckResult, coverageLines, errorsFirst, isError, isOk, totals } from './result.ts'
import { atMost, counted, visible } from './words.ts'

type Colors = ReturnType<typeof pc.createColors>

const SHOWN_FINDINGS = 50

/** `colors`: those of this terminal, unless told otherwise. */
export function pretty(result: CheckResult, colors: Colors = pc): string {
  const sections = result.journals.map((report) =>
    section(journalHeadline(report, colors), report.findings, colors),
  )
  if (result.findings.length > 0) {
    const headline = `${verdict(!result.findings.some(isError), colors)} definition`
    sections.push(section(headline, result.findings, colors))
  }
  const color = isOk(result) ? colors.green : colors.red
  const last = [
    color(totals(result)),
    ...[...comparedLines(result), ...coverageLines(result)].map(colors.dim),
  ]
  const texts = [sections.join('\n').trimEnd(), last.join('\n')]
  return `${texts.filter((text) => text !== '').join('\n\n')}\n`
}

/** A finding as text without colours. */
export const plainFinding = (finding: Finding): string =>
  findingText(finding, pc.createColors(false))

function section(headline: string, findings: readonly Finding[], colors: Colors): string {
  if (findings.length === 0) return headline
  const texts = atMost(errorsFirst(findings), SHOWN_FINDINGS, (finding) =>
    findingText(finding, colors),
  )
  return `${[headline, ...texts.map(indented)].join('\n\n')}\n`
}

function journalHeadline({ ok, journal, records, digest }: ReplayReport, colors: Colors): string {
  const state = digest === 'none' ? 'no digest' : visible(digest)
  return `${verdict(ok, colors)} ${visible(journal)}: ${counted(records, 'record')}, ${state}`
}

const verdict = (ok: boolean, colors: Colors) => (ok ? colors.green('ok') : colors.red('failed'))

function findingText(finding: Finding, colors: Colors): string {
  const { rule, severity } = finding
  const severityColors: Record<Severity, (text: string) => string> = {
    error: colors.red,
    warning: colors.yellow,
    note: colors.cyan,
  }
  const headline = [
    `${severityColors[severity](severity)} ${colors.bold(rule)}`,
    placeText(finding),
    ...recordWords(finding),
  ]
  const message = messageLines(finding).flatMap(wrapped)
  const diff = diffLines(finding).map((line) => colorOf(line, colors)(line))
  const body = [message, diff, changeLines(finding)]
    .map((lines) => lines.filter((line) => line !== '').join('\n'))
    .filter((text) => text !== '')
  return [headline.join('  '), ...(body.length > 0 ? [indented(body.join('\n\n'))] : [])].join('\n')
}

/** At a space before column 96; a longer word stays whole, to be copied. */
const wrapped = (line: string): string[] =>
  line
    .replace(/(.{1,96})(?: |$)/g, '$1\n')
    .trimEnd()
    .split('\n')

function colorOf(line: string, colors: Colors): (text: string) => string {
  if (line.startsWith('---') || line.startsWith('+++')) return colors.bold
  if (line.startsWith('@@')) return colors.cyan
  if (line.startsWith('+')) return colors.green
  return line.startsWith('-') ? colors.red : String
}

const indented = (text: string): string => text.replace(/^(?=.)/gm, '  ')
