// The digests that were recorded against those of today; and where they part, the record that did it.
import { isMadeBy } from '../../mutation/fingerprint.ts'
import type { CompiledDefinition } from '../../mutation/spec.ts'
import type { Journal } from '../../port/journal.ts'
import type { Decoded } from '../../record/record.ts'
import type { FindingDraft } from './findings.ts'
import { locate, type Step } from './locate.ts'
import type { RecordedDigest, Recording } from './recording.ts'
import { trailAt, trailOf } from './recording.ts'

/** How far the check came. */
export interface Reached {
  readonly epoch: string
  /** The journal's last seq. */
  readonly head: number
  /** What the journal was compacted to: the digests before are not met any more. */
  readonly base: number
  /** The last seq that was replayed. */
  readonly seq: number
  /** By seq, 0 being the initial state; at least for each digest of the baseline. */
  readonly digests: ReadonlyMap<number, string>
}

export async function checkRecording(
  definition: CompiledDefinition,
  journal: Journal,
  recording: Recording,
  { epoch, head, base, seq, digests }: Reached,
): Promise<FindingDraft[]> {
  const last = recording.digests.at(-1)?.seq ?? 0
  // An empty file has no identity that could be compared.
  if (head === 0 && last > 0) return [lost(last, head)]
  if (recording.store !== definition.name || recording.journal !== epoch) {
    return [other('the baseline belongs to another journal. Record it again with --update')]
  }
  const found: FindingDraft[] = []
  if (last > head) found.push(lost(last, head))
  const initial = digests.get(0)
  const isInitial = recording.initial === initial
  if (!isInitial) {
    const message = 'the initial state is not the one that the digests were recorded with'
    const { initial: expected } = recording
    const where = { seq: 0, line: undefined, expected, actual: initial }
    found.push({ rule: 'digest_mismatch', severity: 'error', message, ...where })
  }
  const reached = recording.digests.filter((each) => each.seq >= base && each.seq <= seq)
  const first = reached.findIndex(
    (each) => each.digest === undefined || each.digest !== digests.get(each.seq),
  )
  const missed = reached[first]
  if (!missed) return found
  const after = reached[first - 1]?.seq ?? base
  const divergence = await describe(definition, journal, recording, after, missed)
  // From another beginning, the same changes do not give the recorded states either.
  if (!divergence || (!isInitial && divergence.type === undefined)) return found
  const actual = digests.get(missed.seq)
  return [...found, { ...divergence, expected: missed.digest, actual }]
}

/** The first of two digests of the baseline is equal, the second differs: the trail tells which record caused it. */
async function describe(
  definition: CompiledDefinition,
  journal: Journal,
  recording: Recording,
  after: number,
  { seq, digest: expected }: RecordedDigest,
): Promise<FindingDraft | undefined> {
  const isIt = ({ record, before, after: next }: Step) =>
    trailAt(recording, record.meta.seq) !== trailOf(before, next)
  const step = await locate(definition, journal, { after, until: seq }, isIt)
  // Where a journal was cut off, its last records have a trail and no digest.
  if (!step && expected === undefined) return undefined
  const isSameCode = await isMadeBy(recording.definition, definition)
  const code = isSameCode
    ? 'The definition is the same, so something is different that its reducers call'
    : 'The definition was changed since then'
  const found = { rule: 'digest_mismatch', severity: 'error' } as const
  if (!step) {
    const message = `after seq ${after}, and at seq ${seq} at the latest, the state is not the recorded one. ${code}`
    return { ...found, message, seq }
  }
  const message = `${nameOf(step.record)} is the first record whose state differs from the baseline. ${code}. If today's state is right, accept it with \`npx ministore-ts check --update\``
  return { ...found, message, ...placeOf(step) }
}

const lost = (last: number, head: number): FindingDraft => {
  const message = `there were ${last} records when the digests were recorded, now ${head}. Restore the journal from a copy`
  return { rule: 'lost_records', severity: 'error', message, seq: undefined, line: undefined }
}

const other = (message: string): FindingDraft => {
  return { rule: 'other_recording', severity: 'error', message, seq: undefined, line: undefined }
}

/** Where a step is, and what it did. */
export const placeOf = ({ record, before, after }: Step): Partial<FindingDraft> => ({
  seq: record.meta.seq,
  line: record.line,
  type: record.parts[0]?.mutation.type,
  between: [
    before,
    after,
    [`state at seq ${record.meta.seq - 1}`, `state at seq ${record.meta.seq}`],
  ],
})

const MOST_PARTS = 3
const MOST_CHARACTERS = 200

function nameOf({ parts }: Decoded): string {
  const shown = parts.slice(0, MOST_PARTS).map(({ mutation: { type }, payload }) => {
    const text = JSON.stringify(payload) ?? ''
    return `${type} ${text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text}`
  })
  return `${shown.join(', ').trim()}${parts.length > MOST_PARTS ? ' and more,' : ''}`
}
