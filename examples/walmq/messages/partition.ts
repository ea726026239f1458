// One directory of segments: appends that are durable when they resolve, and reads of what is.
import { BrokerError } from '../broker/errors.ts'
import { type Disk, isMissing, nodeDisk, withFile } from './disk.ts'
import { type Frame, UnknownFrame } from './frame.ts'
import { createIdentity, type Identity, readIdentity } from './identity.ts'
import { damaged, type Recovered, recover } from './recover.ts'
import { baseOf, type Segment, scan } from './segment.ts'
import type {
  NewMessage,
  Partition,
  PartitionOptions,
  ReadOptions,
  Repair,
  SegmentInfo,
  StoredMessage,
} from './types.ts'
import { type Head, type Place, Writer } from './writer.ts'

export interface OpenOptions extends PartitionOptions {
  /** Default: the real one. */
  readonly disk?: Disk | undefined
}

/**
 * Makes the directory where it is missing. Throws BrokerError `wrong_key`; `corrupt` where bytes that were
 * once safe were changed, and `data_loss` where messages from `logStart` on are missing: then nothing is
 * touched. What a crash left half-written is cut off, and told in `repairs`.
 */
export async function openPartition(
  directory: string,
  options: OpenOptions = {},
): Promise<Partition> {
  const disk = options.disk ?? nodeDisk()
  try {
    await disk.mkdir(directory)
    const identity = await identify(disk, directory, options)
    const recovered = await recover({ disk, directory, seed: identity.seed }, options.logStart)
    const last = recovered.segments.at(-1)
    if (!last) throw new Error('has no segment, although one was just made')
    const head = { segment: last, file: await disk.open(last.path, 'r+') }
    return new Segments({ disk, directory, options, identity }, recovered, head)
  } catch (error) {
    throw brokerError(error, directory, 'cannot be opened')
  }
}

async function identify(disk: Disk, directory: string, options: OpenOptions): Promise<Identity> {
  const { encryptionKey, now = Date.now } = options
  const identity = await readIdentity(disk, directory, encryptionKey)
  if (identity) return identity
  const names = await disk.list(directory)
  if (names.every((name) => baseOf(name) === undefined))
    return createIdentity(disk, directory, encryptionKey, Math.floor(now()))
  const what = 'has messages, but the file that says how to read them is missing'
  throw new BrokerError('corrupt', `${directory} ${what}`, { path: directory })
}

function brokerError(cause: unknown, path: string, what: string): BrokerError {
  if (cause instanceof BrokerError) return cause
  const code = cause instanceof UnknownFrame ? 'corrupt' : 'storage'
  return new BrokerError(code, `${path} ${what}: ${cause}`, { path, cause })
}

class Segments implements Partition {
  readonly directory: string
  readonly repairs: readonly Repair[]
  readonly #place: Place
  #segments: readonly Segment[]
  readonly #writer: Writer
  #start: number
  #trimming: Promise<unknown> = Promise.resolve()
  #isClosed = false

  constructor(place: Place, { segments, repairs }: Recovered, head: Head) {
    this.directory = place.directory
    this.repairs = repairs
    this.#place = place
    this.#segments = segments
    this.#writer = new Writer(place, head, (segment) => {
      this.#segments = [...this.#segments, segment]
    })
    this.#start = Math.max(place.options.logStart ?? 0, segments[0]?.base ?? 0)
  }

  get start(): number {
    return this.#start
  }

  get end(): number {
    return this.#writer.segment.end
  }

  get bytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  segments(): readonly SegmentInfo[] {
    return this.#segments.map((segment) => segment.info(segment !== this.#writer.segment))
  }

  async append(messages: readonly NewMessage[]): Promise<number> {
    this.#assertOpen()
    return this.#writer.append(messages)
  }

  async read(from: number, options: ReadOptions = {}): Promise<StoredMessage[]> {
    this.#assertOpen()
    if (!Number.isInteger(from) || from < this.#start || from > this.end)
      throw this.#outOfRange(from)
    const found = new Found(from, options)
    for (const segment of this.#segments) {
      if (segment.end <= found.next || found.isFull) continue
      try {
        await this.#readFrom(segment, found)
      } catch (error) {
        throw this.#readError(error, segment, from)
      }
    }
    return found.messages
  }

  /** What is appended meanwhile is not looked at. */
  async #readFrom(segment: Segment, found: Found): Promise<void> {
    const { disk, identity } = this.#place
    const { bytes: to, end } = segment
    let { offset, at } = segment.before(found.next)
    await withFile(disk, segment.path, 'r', async (file) => {
      for await (const placed of scan(file, { from: at, to, seed: identity.seed })) {
        for (const { frame, end } of placed) {
          if (offset === found.next)
            found.add(this.#reveal(frame, { segment, offset, at }), end - at)
          if (found.isFull) return
          offset += 1
          at = end
        }
      }
      if (offset !== end) throw damaged(segment.path, at, 'though it had one')
    })
  }

  #reveal(
    { ts, key, body: stored, isEncrypted }: Frame,
    { segment, offset, at }: { segment: Segment; offset: number; at: number },
  ): StoredMessage {
    const { cipher } = this.#place.identity
    // One that is not encrypted, where all are, was put there by someone without the key.
    const isAsOthers = isEncrypted === (cipher !== undefined)
    // A copy: small messages must not keep all that was read with them.
    const body = cipher ? cipher.open(stored, { offset, ts, key }) : Buffer.from(stored)
    if (isAsOthers && body) return { offset, ts, key, body }
    throw damaged(segment.path, at, 'or one that was not encrypted for this place')
  }

  #readError(error: unknown, segment: Segment, from: number): BrokerError {
    if (this.#isClosed) return this.#closed()
    if (isMissing(error) && from < this.#start) return this.#outOfRange(from)
    return brokerError(error, segment.path, 'cannot be read')
  }

  trim(logStart: number): Promise<number> {
    const trimmed = this.#trimming.then(() => this.#trim(logStart))
    this.#trimming = trimmed.catch(() => undefined)
    return trimmed
  }

  async #trim(logStart: number): Promise<number> {
    this.#assertOpen()
    if (logStart > this.end) throw this.#outOfRange(logStart)
    const { disk, directory } = this.#place
    const isGone = (segment: Segment) => segment !== this.#writer.segment && segment.end <= logStart
    const gone = this.#segments.filter(isGone)
    this.#start = Math.max(this.#start, logStart)
    this.#segments = this.#segments.filter((segment) => !gone.includes(segment))
    try {
      // The oldest first, so that what a crash leaves has no holes.
      for (const { path } of gone) await disk.unlink(path)
      if (gone.length > 0) await disk.syncDir(directory)
    } catch (error) {
      throw brokerError(error, directory, 'could not be trimmed')
    }
    return gone.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#trimming
    await this.#writer.close()
  }

  #assertOpen(): void {
    if (this.#isClosed) throw this.#closed()
  }

  #closed(): BrokerError {
    return new BrokerError('closed', `${this.directory} is closed`, { path: this.directory })
  }

  #outOfRange(offset: number): BrokerError {
    const [start, end] = [this.#start, this.end]
    const what = `has offsets from ${start} to before ${end}, not ${offset}`
    return new BrokerError('out_of_range', `${this.directory} ${what}`, {
      path: this.directory,
      details: { start, end },
    })
  }
}

/** What a read has so far. */
class Found {
  readonly messages: StoredMessage[] = []
  next: number
  #bytes = 0
  readonly #limit: { readonly messages: number; readonly bytes: number }

  constructor(from: number, { messages = 100, bytes = 2 ** 20 }: ReadOptions) {
    this.next = from
    this.#limit = { messages: Math.max(1, messages), bytes }
  }

  get isFull(): boolean {
    if (this.messages.length === 0) return false
    return this.messages.length >= this.#limit.messages || this.#bytes >= this.#limit.bytes
  }

  add(message: StoredMessage, bytes: number): void {
    this.messages.push(message)
    this.#bytes += bytes
    this.next += 1
  }
}
