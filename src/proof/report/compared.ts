// What a check compared with, so that nobody takes "nothing compared" for "nothing changed".
import type { Finding } from '../finding.ts'
import type { CheckResult, ComparedWith } from './result.ts'
import { atMost, counted, visible } from './words.ts'

const SHOWN_NAMES = 20

/** Names the journals without a baseline; empty if there are none. */
export function unrecordedLines({ against }: CheckResult): string[] {
  const names = atMost(against?.unrecorded ?? [], SHOWN_NAMES, visible).join(', ')
  return names === '' ? [] : [`warning: no baseline of ${names}. Record one with --update`]
}

/** Names what was compared, with a warning if there is no schema lockfile; empty if that is not known. */
export function comparedLines({ journals, against }: CheckResult): string[] {
  if (!against) return []
  const { lock } = against
  const digests = journals.reduce((sum, { compared = 0 }) => sum + compared, 0)
  const compared = [
    ...(digests > 0 ? [`compared with ${counted(digests, 'recorded digest')}`] : []),
    ...(lock === undefined ? [] : [`schemas locked by ${visible(lock)}`]),
  ]
  return [
    ...(compared.length > 0 ? [compared.join(', ')] : []),
    ...(lock === undefined
      ? [
          'warning: no schema lockfile of this store. Write it with npx ministore-ts schema --update',
        ]
      : []),
  ]
}

/** Errors for what is required and does not exist; `file`: the definition's. */
export function notCompared(
  { unrecorded, lock }: ComparedWith,
  required: { readonly recording?: boolean | undefined; readonly lock?: boolean | undefined },
  file: string,
): Finding[] {
  const missing = (message: string, where: string): Finding => {
    return { rule: 'not_compared', severity: 'error', message, file: where }
  }
  const digests = 'no recorded digests: record them with --update, and commit them'
  const schemas =
    'no schema lockfile of this store: write it with `npx ministore-ts schema --update`, and commit it'
  return [
    ...(required.recording ? unrecorded.map((journal) => missing(digests, journal)) : []),
    ...(required.lock && lock === undefined ? [missing(schemas, file)] : []),
  ]
}
