// The report as annotations of GitHub Actions, followed by the log for people.
import pc from 'picocolors'
import type { Finding, Severity } from '../finding.ts'
import { messageLines, recordWords } from './finding.ts'
import { pathFrom } from './path.ts'
import { pretty } from './pretty.ts'
import { allFindings, type CheckResult, totals } from './result.ts'
import { counted, visible } from './words.ts'

/** GitHub shows so many annotations of each kind for a step, and drops the others. */
const SHOWN = 10
const COMMANDS: Record<Severity, string> = { error: 'error', warning: 'warning', note: 'notice' }

export function github(result: CheckResult, { cwd }: { readonly cwd: string }): string {
  const findings = allFindings(result)
  const shown = Object.keys(COMMANDS).flatMap((severity) =>
    findings.filter((finding) => finding.severity === severity).slice(0, SHOWN),
  )
  const rest = findings.length - shown.length
  const hint =
    rest === 0
      ? ''
      : `; ${counted(rest, 'finding')} only in the log: GitHub shows ${SHOWN} of a kind`
  return [
    ...shown.map((finding) => annotation(finding, cwd)),
    `ministore check: ${totals(result)}${hint}`,
    '::group::ministore check',
    ...pretty(result, pc.createColors(false)).trimEnd().split('\n').map(inert),
    '::endgroup::',
    '',
  ].join('\n')
}

function annotation(finding: Finding, cwd: string): string {
  const { severity, rule, file, line } = finding
  const properties = {
    file: visible(pathFrom(cwd, file)),
    line,
    title: ['ministore', rule, ...recordWords(finding)].join(' '),
  }
  const written = Object.entries(properties)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${escapeProperty(String(value))}`)
  const message = messageLines(finding).join('\n')
  return `::${COMMANDS[severity]} ${written.join(',')}::${escapeData(message)}`
}

const escapeProperty = (text: string) =>
  escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C')

const escapeData = (text: string) =>
  text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')

/** The runner obeys `::` at the start of a line, and `##[` anywhere: a journal must not give orders. */
const inert = (line: string) => line.replace(/^(\s*):(?=:)/, '$1: ').replaceAll('##[', '## [')
