// The reports of `ministore-ts check`: what it found, in the format that its reader wants.
import { github } from './github.ts'
import { json } from './json.ts'
import { junit } from './junit.ts'
import { pretty } from './pretty.ts'
import type { CheckResult } from './result.ts'
import { sarif } from './sarif.ts'

export { notCompared } from './compared.ts'
export { type CheckResult, type ComparedWith, isOk, notCovered } from './result.ts'
export { stepSummary } from './summary.ts'

export type ReportFormat = 'pretty' | 'json' | 'github' | 'junit' | 'sarif'

export interface ReportOptions {
  /** Of ministore. */
  readonly version: string
  /**
   * The directory that `github`, `junit` and `sarif` name files from: the root of the repository, an
   * absolute path. A finding's own relative path counts from where the process runs.
   */
  readonly cwd: string
}

const writers: Record<ReportFormat, (result: CheckResult, options: ReportOptions) => string> = {
  pretty: (result) => pretty(result),
  json,
  github,
  junit,
  sarif,
}

export const reportFormats: readonly ReportFormat[] = Object.keys(writers) as ReportFormat[]

/** The whole report as text, ending in a newline. */
export function report(result: CheckResult, format: ReportFormat, options: ReportOptions): string {
  return writers[format](result, options)
}

/** `github` where GITHUB_ACTIONS is 'true', else `pretty`. */
export function defaultFormat(env: { readonly [name: string]: string | undefined }): ReportFormat {
  return env['GITHUB_ACTIONS'] === 'true' ? 'github' : 'pretty'
}
