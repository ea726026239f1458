// Where an opening begins: at a snapshot, at what compacting left, or at the initial state.
import { StoreError } from '../errors.ts'
import { snapshotIssue } from '../mutation/fingerprint.ts'
import type { CompiledDefinition } from '../mutation/spec.ts'
import type { Journal, JournalInfo } from '../port/journal.ts'
import type { Snapshot } from '../port/snapshots.ts'
import { currentKeys } from '../record/keys.ts'
import { readBase } from '../replay/base.ts'
import type { ReplayOrigin } from '../replay/replayed.ts'
import type { Recovery } from './open-store.ts'

/** Where an opening begins, and what it says about the snapshot. */
export interface OpeningOrigin {
  readonly start?: ReplayOrigin | undefined
  readonly snapshot?: Recovery['snapshot']
  /** The time of the last record in the snapshot, if it is used. */
  readonly at?: string | undefined
}

/** A snapshot, if this very definition made it and it is whole; otherwise the reason. */
export async function loadOrigin(
  definition: CompiledDefinition,
  journal: Journal,
  info: JournalInfo,
): Promise<OpeningOrigin> {
  const { snapshot: found } = info
  const { snapshots } = journal
  const base = originOfBase(definition, journal, info)
  const without = (reason: string) => ({ start: base, snapshot: { used: false, reason } as const })
  if (!found || !snapshots) return { start: base }
  if ('used' in found) return { start: base, snapshot: found }
  const issue = await snapshotIssue(found.definition, definition)
  if (issue !== undefined) return without(issue)
  try {
    // Read here, to know that it can be; the second reading is for a replay that begins again.
    let first = await snapshots.read()
    const start: ReplayOrigin = async () => {
      const snapshot = first ?? (await snapshots.read())
      first = undefined
      return orThrow(snapshot, journal)
    }
    return { start, snapshot: { used: true, seq: found.seq }, at: first?.at }
  } catch (error) {
    if (error instanceof StoreError && error.code === 'closed') throw error
    return without((error as Error).message)
  }
}

/** Undefined if the journal was never compacted. Whatever the definition is: its records are gone. */
export function originOfBase(
  definition: CompiledDefinition,
  journal: Journal,
  { base }: JournalInfo,
): ReplayOrigin | undefined {
  if (!base) return undefined
  return async () => {
    const snapshot = orThrow(await readBase(definition, journal), journal)
    return { ...snapshot, keys: currentKeys(definition, snapshot.keys) }
  }
}

function orThrow(snapshot: Snapshot | undefined, { name }: Journal): Snapshot {
  if (snapshot) return snapshot
  throw new StoreError('corrupt', `${name} does not have the state that it said it has`)
}
