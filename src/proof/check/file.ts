// The check of a journal in a file, with what is recorded beside it.

import type { AnyStoreDefinition } from '../../define/store-definition.ts'
import { StoreError } from '../../errors.ts'
import type { Journal } from '../../port/journal.ts'
import { readRecording } from './recording-file.ts'
import { replayCheck } from './replay-check.ts'
import type { CheckOptions, ReplayReport } from './report.ts'

/**
 * Checks a journal in a file, which is named by its path, against the digests in `<path>.check.json` where
 * there are any. As `replayCheck` otherwise.
 */
export async function checkFile(
  store: AnyStoreDefinition,
  journal: Journal,
  options: CheckOptions = {},
): Promise<ReplayReport> {
  const path = journal.name
  try {
    const recording = options.recording ?? (await readRecording(path))
    return await replayCheck(store, journal, { ...options, recording })
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    const { message, path: file = path } = error
    const finding = { rule: 'other_recording', severity: 'error', message, file } as const
    const report = await replayCheck(store, journal, { ...options, recording: undefined })
    return { ...report, ok: false, findings: [finding, ...report.findings] }
  }
}
