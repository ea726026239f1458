// Journals that several processes share: an engine keeps the records, this folder the promises.
export type { Engine, EngineEntry, EngineInfo, EngineLook, NewEngineEntry } from './engine.ts'
export {
  type NewSharedEntry,
  type SharedJournal,
  type SharedOptions,
  sharedJournal,
} from './journal.ts'
