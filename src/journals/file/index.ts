export { nodeFileSystem } from './disk/index.ts'
export { type FileJournalOptions, fileJournal } from './journal.ts'
