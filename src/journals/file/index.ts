// The journal in a file, and the disk that it writes to: ministore-ts/file.
export type { FileSystem, OpenFile } from '../../port/file-system.ts'
export { nodeFileSystem } from './disk/index.ts'
export { type FileJournalOptions, fileJournal } from './journal.ts'
