// The report as Markdown, for the summary page of a GitHub Actions step.

import type { ReplayReport } from '../check/report.ts'
import type { Finding } from '../finding.ts'
import { comparedLines, unrecordedLines } from './compared.ts'
import { diffLines, messageLines, placeText, recordWords } from './finding.ts'
import {
  allFindings,
  type CheckResult,
  coverageLines,
  errorsFirst,
  isOk,
  totals,
} from './result.ts'
import { atMost, cut, grouped, visible } from './words.ts'

// GitHub drops a summary of more than 1 MiB.
const SHOWN_JOURNALS = 200
const SHOWN_FINDINGS = 20
const PATH_LENGTH = 200
const DIGEST_LENGTH = 'sha256:'.length + 12

/** To be appended to the file that GITHUB_STEP_SUMMARY names. */
export function stepSummary(result: CheckResult): string {
  const paragraphs = [
    `### ministore check: ${isOk(result) ? 'ok' : 'failed'}`,
    literal(totals(result)),
    ...(result.journals.length > 0 ? [table(result.journals)] : []),
    ...atMost(errorsFirst(allFindings(result)), SHOWN_FINDINGS, details),
    ...[...comparedLines(result), ...unrecordedLines(result), ...coverageLines(result)].map(
      literal,
    ),
  ]
  return `${paragraphs.join('\n\n')}\n`
}

function table(journals: readonly ReplayReport[]): string {
  const rows = atMost(journals, SHOWN_JOURNALS, ({ ok, journal, records, digest }) => {
    const path = literal(cut(visible(journal), PATH_LENGTH))
    const state = literal(cut(visible(digest), DIGEST_LENGTH))
    return `| ${ok ? 'ok' : 'failed'} | ${path} | ${grouped(records)} | ${state} |`
  })
  return ['| | journal | records | digest |', '| --- | --- | ---: | --- |', ...rows].join('\n')
}

function details(finding: Finding): string {
  const where = [cut(placeText(finding), PATH_LENGTH), ...recordWords(finding)].join(', ')
  const message = messageLines(finding)
    .map((line) => literal(line.trim()))
    .filter((line) => line !== '')
  const diff = diffLines(finding)
  return [
    '<details>',
    `<summary>${finding.severity} <b>${finding.rule}</b> ${literal(where)}</summary>`,
    '',
    message.join('<br>\n'),
    '',
    ...(diff.length > 0 ? [fenced(diff), ''] : []),
    '</details>',
  ].join('\n')
}

/** The fence is longer than any in the text. */
function fenced(lines: readonly string[]): string {
  const longest = Math.max(
    2,
    ...lines.flatMap((line) => line.match(/`+/g) ?? []).map((run) => run.length),
  )
  const fence = '`'.repeat(longest + 1)
  return [`${fence}diff`, ...lines, fence].join('\n')
}

/** As it is, in Markdown and in HTML: no character reference can begin or end anything. */
const literal = (text: string): string =>
  text.replace(/[!-+\-:-@[-`{-~]/g, (character) => `&#${character.charCodeAt(0)};`)
