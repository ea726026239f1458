// What one `ministore-ts check` found, and its sums.
import type { Coverage, CoveredMutation } from '../check/coverage.ts'
import type { ReplayReport } from '../check/report.ts'
import type { Finding, Severity } from '../finding.ts'
import { atMost, counted, visible } from './words.ts'

export interface CheckResult {
  readonly journals: readonly ReplayReport[]
  /** Those that are of no single journal: the schema lock, coverage. */
  readonly findings: readonly Finding[]
  /** What the journals and the schemas were compared with. */
  readonly against?: ComparedWith | undefined
}

export interface ComparedWith {
  /** Journals without recorded digests. */
  readonly unrecorded: readonly string[]
  /** The schema lockfile; undefined if this store has none. */
  readonly lock?: string | undefined
}

const SHOWN_NAMES = 20
const SEVERITIES: readonly Severity[] = ['error', 'warning', 'note']

/** No finding is an error. */
export const isOk = ({ journals, findings }: CheckResult): boolean =>
  journals.every(({ ok }) => ok) && !findings.some(isError)

export const isError = ({ severity }: Finding): boolean => severity === 'error'

/** So that what is cut off a long list is the least of it. */
export const errorsFirst = (findings: readonly Finding[]): Finding[] =>
  SEVERITIES.flatMap((severity) => findings.filter((each) => each.severity === severity))

export const allFindings = ({ journals, findings }: CheckResult): Finding[] => [
  ...journals.flatMap((journal) => journal.findings),
  ...findings,
]

/** `3 journals, 2 errors, 1 warning`. */
export function totals(result: CheckResult): string {
  const findings = allFindings(result)
  const counts = SEVERITIES.flatMap((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length
    return count === 0 ? [] : [counted(count, severity)]
  })
  const found = counts.length === 0 ? ['no findings'] : counts
  return [counted(result.journals.length, 'journal'), ...found].join(', ')
}

/** How often all journals together have what the definition declares. */
export function totalCoverage({ journals }: CheckResult): Coverage {
  const mutations = new Map<string, CoveredMutation>()
  const commands = new Map<string, { name: string; records: number }>()
  for (const { coverage } of journals) {
    for (const each of coverage.mutations) {
      const name = mutationName(each)
      const records = each.records + (mutations.get(name)?.records ?? 0)
      mutations.set(name, { ...each, records })
    }
    for (const { name, records } of coverage.commands) {
      commands.set(name, { name, records: records + (commands.get(name)?.records ?? 0) })
    }
  }
  return { mutations: [...mutations.values()], commands: [...commands.values()] }
}

/** A finding for all that no journal has and one should; `file`: the definition's. */
export function notCovered(journals: readonly ReplayReport[], file: string): Finding[] {
  const { mutations, commands } = totalCoverage({ journals, findings: [] })
  const missing = (what: string, type: string): Finding => {
    const message = `${what} is in no journal: add one that has it`
    return { rule: 'not_covered', severity: 'error', message, file, type }
  }
  return [
    ...mutations
      .filter(({ records, retired }) => records === 0 && !retired)
      .map((mutation) => missing(mutationName(mutation), mutation.type)),
    ...commands
      .filter(({ records }) => records === 0)
      .map(({ name }) => missing(`command ${name}`, name)),
  ]
}

/** What no journal has, in words; empty if they have everything. */
export function coverageLines(result: CheckResult): string[] {
  const { mutations, commands } = totalCoverage(result)
  const missing = mutations.filter(({ records }) => records === 0)
  const wanted = missing.filter(({ retired }) => !retired).map(mutationName)
  const retired = missing.filter((mutation) => mutation.retired).map(mutationName)
  const unused = commands.filter(({ records }) => records === 0)
  const names = [...wanted, ...unused.map(({ name }) => `command ${name}`)]
  const listed = (list: string[]) => atMost(list, SHOWN_NAMES, visible).join(', ')
  return [
    ...(names.length > 0 ? [`not covered by any journal: ${listed(names)}`] : []),
    ...(retired.length > 0 ? [`retired, and not covered: ${listed(retired)}`] : []),
  ]
}

const mutationName = ({ type, version }: CoveredMutation): string => `${type} v${version}`
