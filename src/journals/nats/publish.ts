// An append: one message, or an atomic batch of several, with the last sequence that it expects.
import { randomUUID } from 'node:crypto'
import { headers, type Msg, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node'
import type { EngineEntry } from '../shared/index.ts'
import { type ApiError, Refusal } from './failure.ts'

export const ID = 'Ministore-Id'

/** Room for all headers: a message and its headers count together. */
export const HEADER_BYTES = 512

/** The server takes no more in one batch. */
const MAX_COUNT = 1_000
/** Until its last message is there, a server holds a batch in memory. */
const MAX_BYTES = 4 * 2 ** 20

type New = Pick<EngineEntry, 'id' | 'text'>

/** As many of the first as go in one append: at least one. */
export function firstOf(batch: readonly New[]): readonly New[] {
  let bytes = 0
  const end = batch.findIndex(({ text }, at) => {
    bytes += Buffer.byteLength(text) + HEADER_BYTES
    return at > 0 && (at >= MAX_COUNT || bytes > MAX_BYTES)
  })
  return end < 0 ? batch : batch.slice(0, end)
}

export interface Destination {
  readonly connection: NatsConnection
  readonly subject: string
  readonly timeout: number
}

/** Resolves to the seq of the last record. Throws Refusal, or what the client throws. */
export async function publish(
  to: Destination,
  batch: readonly New[],
  expected: number,
): Promise<number> {
  const [first] = batch
  if (!first) return expected
  const marks = header(first.id)
  marks.append('Nats-Expected-Last-Sequence', String(expected))
  if (batch.length > 1) return publishAtomic(to, batch, marks)
  const answer = await request(to, first.text, marks)
  return answer.seq
}

/** By hand: the library's own does not say that it was a conflict. */
async function publishAtomic(
  to: Destination,
  batch: readonly New[],
  marks: MsgHdrs,
): Promise<number> {
  // A new one each time: what is left of a batch that broke off must not be part of the next.
  const id = randomUUID()
  let opening: Promise<unknown> = Promise.resolve()
  let commit: Promise<Ack> | undefined
  for (const [at, entry] of batch.entries()) {
    const it = at === 0 ? marks : header(entry.id)
    it.append('Nats-Batch-Id', id)
    it.append('Nats-Batch-Sequence', String(at + 1))
    if (at === 0) {
      opening = to.connection
        .request(to.subject, entry.text, { headers: it, timeout: to.timeout })
        .then(check)
      opening.catch(() => undefined)
    } else if (at < batch.length - 1) {
      to.connection.publish(to.subject, entry.text, { headers: it })
    } else {
      it.append('Nats-Batch-Commit', '1')
      commit = request(to, entry.text, it)
    }
  }
  try {
    const ack = await commit
    if (ack?.batch !== id || ack.count !== batch.length)
      throw new Error(`the acknowledgement is not of this batch of ${batch.length}`)
    return ack.seq
  } catch (error) {
    // Without its first message there is no batch. What was said of that one is the reason.
    if (error instanceof Refusal) await opening
    throw error
  }
}

interface Ack {
  readonly seq: number
  readonly batch?: string
  readonly count?: number
}

async function request(to: Destination, text: string, marks: MsgHdrs): Promise<Ack> {
  const options = { headers: marks, timeout: to.timeout }
  const answer = check(await to.connection.request(to.subject, text, options))
  if (typeof answer?.seq === 'number') return { ...answer, seq: answer.seq }
  throw new Error('the acknowledgement says nothing')
}

function check(message: Msg): (Partial<Ack> & { error?: ApiError }) | undefined {
  if (message.data.length === 0) return undefined
  const answer: Partial<Ack> & { error?: ApiError } = message.json()
  if (answer.error) throw new Refusal(answer.error)
  return answer
}

function header(id: string): MsgHdrs {
  const made = headers()
  made.append(ID, id)
  return made
}
