// Records out of a stream without a consumer: many in one answer from any replica, or one from the leader.
import type { Msg } from '@nats-io/transport-node'
import type { EngineEntry } from '../shared/index.ts'
import type { ApiError } from './failure.ts'
import { CODE, Refusal } from './failure.ts'
import type { Link } from './link.ts'
import { ID } from './publish.ts'
import { streamName } from './stream.ts'

/** The server's own limit is 1,000 or more; and what one answer may bring into memory. */
const CHUNK = 1_000
const CHUNK_BYTES = 4 * 2 ** 20

/** One record, and the subject it was published to, which says of which epoch it is. */
export interface Found extends EngineEntry {
  readonly subject: string
}

/**
 * From seq `from`, at most up to `to`, contiguous. The replica that answers may lag: then it is
 * less, or nothing.
 */
export async function readDirect(
  link: Link,
  journal: string,
  { from, to, patience }: Range & { patience: number },
): Promise<Found[]> {
  const connection = await link.get()
  const subject = `$JS.API.DIRECT.GET.${streamName(journal)}`
  const ask = { seq: from, batch: Math.min(CHUNK, to - from + 1), max_bytes: CHUNK_BYTES }
  const answers = await connection.requestMany(subject, JSON.stringify(ask), {
    strategy: 'sentinel',
    maxWait: patience,
  })
  const { found, isComplete } = await link.during(collect(answers, { from, to }))
  if (!isComplete && found.length === 0) await link.isAlive(connection)
  return found
}

interface Range {
  readonly from: number
  readonly to: number
}

/** `isComplete`: false if the time was over before anything came. */
async function collect(
  answers: AsyncIterable<Msg>,
  { from, to }: Range,
): Promise<{ found: Found[]; isComplete: boolean }> {
  const found: Found[] = []
  let isComplete = false
  for await (const answer of answers) {
    // 204: the end. 404: nothing there.
    isComplete = answer.data.length === 0
    if (isComplete) break
    const record = directRecord(answer)
    if (record.seq !== from + found.length || record.seq > to) break
    found.push(record)
    isComplete = true
  }
  return { found, isComplete }
}

/** One record as the leader has it; undefined if it has none. */
export async function readFromLeader(
  link: Link,
  journal: string,
  seq: number,
): Promise<Found | undefined> {
  const subject = `$JS.API.STREAM.MSG.GET.${streamName(journal)}`
  const answer = await link.request(subject, JSON.stringify({ seq }))
  const { error, message } = answer.json<{ error?: ApiError; message?: Stored }>()
  if (error?.err_code === CODE.messageNotFound) return undefined
  if (error || !message) throw new Refusal(error ?? {})
  const head = Buffer.from(message.hdrs ?? '', 'base64').toString()
  return {
    seq: message.seq,
    subject: message.subject,
    id: new RegExp(`^${ID}: *(.*?)\\r?$`, 'm').exec(head)?.[1] ?? '',
    text: Buffer.from(message.data ?? '', 'base64').toString(),
  }
}

interface Stored {
  readonly seq: number
  readonly subject: string
  readonly hdrs?: string
  readonly data?: string
}

/** Direct answers and republished messages carry the same headers. */
export function directRecord(message: Msg): Found {
  const { headers } = message
  return {
    seq: Number(headers?.get('Nats-Sequence')),
    subject: headers?.get('Nats-Subject') ?? '',
    id: headers?.get(ID) ?? '',
    text: message.string(),
  }
}
