// What a replay check is asked, and what it answers.
import type { Finding } from '../finding.ts'
import type { Coverage } from './coverage.ts'
import type { Recording } from './recording.ts'

/** What `replayCheck` says. `ok`: no finding is an error. */
export interface ReplayReport {
  readonly ok: boolean
  readonly journal: string
  /** How many records were replayed. */
  readonly records: number
  readonly seq: number
  /** Of the state at `seq`; `none` if the state is not JSON. */
  readonly digest: string
  readonly findings: readonly Finding[]
  readonly coverage: Coverage
  /** How many recorded digests the states were compared with; undefined if there was no baseline. */
  readonly compared?: number | undefined
  /** The digests as they are now, where `record` asked for them. */
  readonly recording?: Recording | undefined
}

export interface CheckOptions {
  /** The digest that the last state must have. */
  digest?: string | undefined
  /** The digests that it had; for a path, those of `<path>.check.json` if there are any. */
  recording?: Recording | undefined
  /** Make a recording. */
  record?: boolean | undefined
  /** Called now and then with the last seq that was checked, and the last that there is. */
  onProgress?: ((seq: number, last: number) => void) | undefined
}
