export { readBody } from './body.ts'
export { type CompactableFile, FileSnapshots } from './file-snapshots.ts'
export { findSnapshot, type SnapshotCandidate } from './opening.ts'
export { type Recovered, recover } from './recover.ts'
