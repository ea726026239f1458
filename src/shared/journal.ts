// (being written)
import type { Journal } from '../index.ts'
import type { Engine } from './engine.ts'

export interface SharedOptions {
  /** How long a call waits for the engine, in milliseconds, before it gives up. Default 10,000. */
  timeout?: number | undefined
  /** Where this process keeps its snapshot: a file's path. Default: nowhere. */
  snapshot?: string | undefined
}

export interface SharedJournal extends Journal {
  /** Removes the records up to seq `upTo`, for everybody. */
  truncate(upTo: number): Promise<void>
}

export function sharedJournal(engine: Engine, _options: SharedOptions = {}): SharedJournal {
  throw new Error(`not yet: ${engine.name}`)
}
