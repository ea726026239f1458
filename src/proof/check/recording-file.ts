// `<journal>.check.json`, beside the journal that it is about.
import { readFile, rename, writeFile } from 'node:fs/promises'
import { StoreError } from '../../errors.ts'
import type { Recording } from './recording.ts'
import { parseRecording } from './recording.ts'

export const recordingPath = (journal: string): string => `${journal}.check.json`

/** Undefined if it does not exist. Throws StoreError `corrupt` if it is not a baseline. */
export async function readRecording(journal: string): Promise<Recording | undefined> {
  const path = recordingPath(journal)
  try {
    return parseRecording(await readFile(path, 'utf8'), path)
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return undefined
    if (error instanceof StoreError) throw error
    throw new StoreError('io', `${path} cannot be read: ${error}`, { path, cause: error })
  }
}

/** Replaces what was there in one step, so that no one finds half of it. */
export async function writeRecording(journal: string, recording: Recording): Promise<void> {
  const path = recordingPath(journal)
  await writeFile(`${path}.new`, `${JSON.stringify(recording, undefined, 2)}\n`)
  await rename(`${path}.new`, path)
}
