// The baseline: the digests of the states that a person last accepted.
import { z } from 'zod'
import { changes } from '../../diff/index.ts'
import { StoreError } from '../../errors.ts'
import { canonicalText } from '../../json/index.ts'

/** What `<journal>.check.json` holds: what a journal gave when someone last said that it was right. */
export interface Recording {
  readonly format: 'ministore-check'
  readonly version: 1
  readonly store: string
  /** The journal's own identity. */
  readonly journal: string
  /** The definition's fingerprint. */
  readonly definition: string
  /** The digest of the initial state. */
  readonly initial: string
  readonly digests: readonly RecordedDigest[]
}

export interface RecordedDigest {
  readonly seq: number
  readonly digest?: string | undefined
  /**
   * Four characters for each record since the digest before: the change that it made. They find the
   * record from which on the state is another one.
   */
  readonly trail: string
}

/** About so many digests, however long the journal is: the trail does the rest. */
const DIGESTS = 20

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/)
const RECORDING: z.ZodType<Recording> = z.object({
  format: z.literal('ministore-check'),
  version: z.literal(1),
  store: z.string(),
  journal: z.string(),
  definition: z.string(),
  initial: digest,
  digests: z.array(
    z.object({
      seq: z.int().positive(),
      digest: digest.optional(),
      trail: z.string().regex(/^[\w+/]*$/),
    }),
  ),
})

/** A digest every so many records, in a journal of `head` of them. */
export const intervalOf = (head: number): number => Math.max(1, Math.ceil(head / DIGESTS))

/** Reads the text of `path`. Throws StoreError `corrupt`. */
export function parseRecording(text: string, path: string): Recording {
  try {
    const recording = RECORDING.parse(JSON.parse(text))
    let last = 0
    for (const { seq, trail } of recording.digests) {
      if (trail.length !== (seq - last) * TRAIL_CHARACTERS) throw new Error('the trail has gaps')
      last = seq
    }
    return recording
  } catch (cause) {
    const what = `${path} is not a baseline. Record it again with \`npx ministore-ts check --update\``
    throw new StoreError('corrupt', what, { path, cause })
  }
}

const TRAIL_CHARACTERS = 4
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** Four characters that stand for the change from one state to the next; `none` if a state is not JSON. */
export function trailOf(before: unknown, after: unknown): string {
  try {
    // Sorted, since in which order an object has its keys is not a part of a state.
    const texts = changes(before, after).map((change) => canonicalText(change))
    return hash(texts.sort().join('\n'))
  } catch {
    return 'none'
  }
}

function hash(text: string): string {
  // FNV-1a (Fowler, Noll, Vo), folded to 24 bits: to find a record, not to prove anything.
  let sum = 0x811c9dc5
  for (let at = 0; at < text.length; at++) {
    sum = Math.imul(sum ^ text.charCodeAt(at), 0x01000193)
  }
  const bits = (sum ^ (sum >>> 24)) & 0xffffff
  return [18, 12, 6, 0].map((shift) => BASE64[(bits >> shift) & 63]).join('')
}

/** What the recording has for record `seq`; undefined if it has nothing. */
export function trailAt({ digests }: Recording, seq: number): string | undefined {
  const index = digests.findIndex((each) => each.seq >= seq)
  const [from, found] = [digests[index - 1]?.seq ?? 0, digests[index]]
  const at = (seq - from - 1) * TRAIL_CHARACTERS
  return found?.trail.slice(at, at + TRAIL_CHARACTERS)
}
