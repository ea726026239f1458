// The errors that a replay check found, as text for a failing test.
import type { ReplayReport } from '../proof/check/report.ts'
import { plainFinding } from '../proof/report/pretty.ts'
import { atMost } from '../proof/report/words.ts'

const SHOWN = 20

/** Warnings and notes fail no test, so they are left out. */
export function errorsOf({ findings }: ReplayReport): string {
  const errors = findings.filter(({ severity }) => severity === 'error')
  return atMost(errors, SHOWN, plainFinding).join('\n\n')
}
