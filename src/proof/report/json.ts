// The report as JSON, for programs.

import type { ReplayReport } from '../check/report.ts'
import type { Finding } from '../finding.ts'
import { type CheckResult, isOk, totalCoverage } from './result.ts'

/**
 * A `CheckResult`, with what can be said of all of it:
 *
 *     {
 *       version: 1,                  // of this format; a new field is not a new version
 *       ok,                          // no finding is an error
 *       journals: [ReplayReport, …], // each with the findings and the coverage of that journal
 *       findings: [Finding, …],      // of no single journal
 *       coverage: Coverage,          // of all journals together
 *       against: ComparedWith        // what there was to compare with
 *     }
 *
 * Keys come in the order of the types, absent ones are left out. Values of a state that JSON does not
 * have are strings: `"NaN"`, `"-0"`, `"12n"`, `"[circular]"`.
 */
export function json(result: CheckResult): string {
  const report = {
    version: 1,
    ok: isOk(result),
    journals: result.journals.map(journalJson),
    findings: result.findings.map(findingJson),
    coverage: totalCoverage(result),
    against: result.against,
  }
  return `${jsonText(report, 2)}\n`
}

const journalJson = (report: ReplayReport) => ({
  ok: report.ok,
  journal: report.journal,
  records: report.records,
  seq: report.seq,
  digest: report.digest,
  findings: report.findings.map(findingJson),
  coverage: report.coverage,
  compared: report.compared,
})

const findingJson = (finding: Finding) => ({
  rule: finding.rule,
  severity: finding.severity,
  message: finding.message,
  file: finding.file,
  line: finding.line,
  seq: finding.seq,
  type: finding.type,
  repeated: finding.repeated,
  issues: finding.issues,
  expected: finding.expected,
  actual: finding.actual,
  diff: finding.diff,
})

/** Never throws for what a state can hold, be it JSON or not. */
export function jsonText(value: unknown, indent = 0): string {
  const parents: unknown[] = []
  // A state that is no tree is among what is reported, so JSON.stringify may meet a cycle.
  function replace(this: unknown, _key: string, inner: unknown): unknown {
    if (typeof inner !== 'object' || inner === null) return jsonScalar(inner)
    while (parents.length > 0 && parents.at(-1) !== this) parents.pop()
    if (parents.includes(inner)) return '[circular]'
    parents.push(inner)
    return inner
  }
  return JSON.stringify(value, replace, indent) ?? String(value)
}

/** Itself where JSON has it, otherwise a string. */
export function jsonScalar(value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value !== 'number') return value
  if (Object.is(value, -0)) return '-0'
  return Number.isFinite(value) ? value : String(value)
}
