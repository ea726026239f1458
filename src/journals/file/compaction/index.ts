export { readBody } from './body.ts'
export { type CompactableFile, FileSnapshots } from './file-snapshots.ts'
export { findSnapshot, type SnapshotCandidate, scanBehind } from './opening.ts'
