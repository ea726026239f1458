import { type Recovery, StoreError } from 'ministore-ts'
import { openOn } from '../file/ledger.ts'
import { MemoryDisk } from '../file/memory-disk.ts'

export const PATH = '/data/ledger.journal'

export interface Opened {
  readonly notes: readonly string[]
  readonly seq: number
  readonly recovery: Recovery
  /** All files afterwards. */
  readonly disk: MemoryDisk
}

/** Opens a journal of these bytes, and closes it again. */
export async function open(
  bytes: Uint8Array,
  others: Record<string, Uint8Array> = {},
): Promise<Opened> {
  return openFrom(new MemoryDisk({ ...others, [PATH]: bytes }))
}

async function openFrom(disk: MemoryDisk): Promise<Opened> {
  const store = await openOn(disk, PATH)
  const { state, seq, recovery } = store
  await store.close()
  return { notes: state.notes, seq, recovery, disk }
}

/** What was opened, or the error after proof that it changed nothing and let go of the lock. */
export async function openOrRefuse(bytes: Uint8Array): Promise<Opened | StoreError> {
  const disk = new MemoryDisk({ [PATH]: bytes })
  try {
    return await openFrom(disk)
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    if (disk.names.join() !== PATH) throw new Error(`it left ${disk.names}`, { cause: error })
    if (!disk.read(PATH)?.equals(bytes)) throw new Error('it changed the file', { cause: error })
    if (disk.locks.length > 0) throw new Error('it kept the lock', { cause: error })
    if (error.path !== PATH) throw new Error(`it names ${error.path}`, { cause: error })
    return error
  }
}

export async function refusal(bytes: Uint8Array): Promise<StoreError> {
  const result = await openOrRefuse(bytes)
  if (result instanceof StoreError) return result
  throw new Error(`it was opened at seq ${result.seq}`)
}
