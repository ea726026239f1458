export { parseRecording } from './recording.ts'
export { readRecording, recordingPath, writeRecording } from './recording-file.ts'
export { replayCheck } from './replay-check.ts'
export { type Shrunk, shrink } from './shrink.ts'
