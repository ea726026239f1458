// Appending to a partition: what is asked for at the same time shares a write and a sync, in order.
import type { OpenFile } from 'ministore-ts/file'
import { BrokerError } from '../broker/errors.ts'
import { type Disk, writeAll } from './disk.ts'
import { encodeFrame, type Frame, MAX_KEY_BYTES, MAX_PAYLOAD_BYTES } from './frame.ts'
import type { Identity } from './identity.ts'
import { createSegment } from './recover.ts'
import type { Segment } from './segment.ts'
import type { NewMessage, PartitionOptions } from './types.ts'

const SEGMENT_BYTES = 16 * 2 ** 20
/** Opening may have to look at all of one at once. */
const MAX_SEGMENT_BYTES = 2 ** 30
const MESSAGE_BYTES = 2 ** 20
/** Key and body: leaves room for the frame around them. */
const MAX_MESSAGE_BYTES = MAX_PAYLOAD_BYTES - 2 ** 17
/** A write takes no further append when it has so many bytes. */
const WRITE_BYTES = 4 * 2 ** 20

export interface Place {
  readonly disk: Disk
  readonly directory: string
  readonly options: PartitionOptions
  readonly identity: Identity
}

/** The segment that is appended to. */
export interface Head {
  readonly segment: Segment
  readonly file: OpenFile
}

/** An append that waits for its turn. */
interface Waiting {
  readonly messages: readonly NewMessage[]
  readonly bytes: number
  resolve(offset: number): void
  reject(error: unknown): void
}

export class Writer {
  readonly #place: Place
  readonly #rolled: (segment: Segment) => void
  #head: Head
  #waiting: Waiting[] = []
  #writing: Promise<void> | undefined
  #failed: BrokerError | undefined

  constructor(place: Place, head: Head, rolled: (segment: Segment) => void) {
    this.#place = place
    this.#head = head
    this.#rolled = rolled
  }

  /** The one that is appended to. */
  get segment(): Segment {
    return this.#head.segment
  }

  async append(messages: readonly NewMessage[]): Promise<number> {
    if (this.#failed) throw this.#failed
    // The caller may use its buffers again before they are written.
    const copies = messages.map(({ key, body }) => ({ key, body: Buffer.from(body) }))
    const bytes = copies.reduce((sum, message) => sum + this.#measure(message), 0)
    if (copies.length === 0) return this.segment.end
    return new Promise((resolve, reject) => {
      this.#waiting.push({ messages: copies, bytes, resolve, reject })
      this.#writing ??= this.#writeAll()
    })
  }

  #measure({ key = '', body }: NewMessage): number {
    const { maxMessageBytes = MESSAGE_BYTES } = this.#place.options
    const keyBytes = Buffer.from(key)
    if (keyBytes.toString() !== key) throw new BrokerError('invalid', 'a key must be valid Unicode')
    const limit = Math.min(maxMessageBytes, MAX_MESSAGE_BYTES)
    const bytes = keyBytes.length + body.length
    if (bytes <= limit && keyBytes.length <= MAX_KEY_BYTES) return bytes
    const what = `a message has ${bytes} bytes, ${keyBytes.length} of them its key`
    throw new BrokerError(
      'too_large',
      `${what}: at most ${limit} and ${MAX_KEY_BYTES} are allowed`,
      {
        details: { bytes, limit },
      },
    )
  }

  async #writeAll(): Promise<void> {
    // What is appended in the same turn shares this write.
    await undefined
    while (this.#waiting.length > 0) {
      const group = this.#take()
      try {
        if (this.#failed) throw this.#failed
        let first = await this.#write(group)
        for (const { messages, resolve } of group) {
          resolve(first)
          first += messages.length
        }
      } catch (error) {
        for (const { reject } of group) reject(error)
      }
    }
    this.#writing = undefined
  }

  #take(): Waiting[] {
    let [count, bytes] = [0, 0]
    for (const each of this.#waiting) {
      bytes += each.bytes
      if (count > 0 && bytes > WRITE_BYTES) break
      count += 1
    }
    return this.#waiting.splice(0, count)
  }

  /** One write and one sync for all of them. Returns the first offset. */
  async #write(group: readonly Waiting[]): Promise<number> {
    try {
      const { segmentBytes = SEGMENT_BYTES } = this.#place.options
      if (this.#head.segment.bytes > Math.min(segmentBytes, MAX_SEGMENT_BYTES)) await this.#roll()
      const { segment, file } = this.#head
      await this.#assertAlone(this.#head)
      const frames = this.#encode(group)
      await writeAll(file, Buffer.concat(frames.map(({ bytes }) => bytes)), segment.bytes)
      await file.datasync()
      const first = segment.end
      for (const { ts, bytes } of frames) segment.add(ts, bytes.length)
      return first
    } catch (cause) {
      this.#failed = await this.#rollBack(cause)
      throw this.#failed
    }
  }

  async #roll(): Promise<void> {
    const { disk, directory, identity } = this.#place
    const old = this.#head
    const segment = await createSegment({ disk, directory, seed: identity.seed }, old.segment.end)
    this.#head = { segment, file: await disk.open(segment.path, 'r+') }
    this.#rolled(segment)
    await closeQuietly(old.file)
  }

  /** The next opening of the path must find the messages acknowledged here, and no other bytes. */
  async #assertAlone({ segment, file }: Head): Promise<void> {
    const size = await file.sizeAt(segment.path)
    if (size === undefined) throw new Error(`${segment.path} was removed or replaced`)
    if (size !== segment.bytes)
      throw new Error(`${segment.path} has ${size} bytes instead of ${segment.bytes}`)
  }

  #encode(group: readonly Waiting[]): { ts: number; bytes: Buffer }[] {
    const { options, identity } = this.#place
    const ts = Math.floor((options.now ?? Date.now)())
    let offset = this.#head.segment.end
    return group.flatMap(({ messages }, index) =>
      messages.map(({ key, body }, part) => {
        const frame: Frame = {
          ts,
          key,
          body: identity.cipher?.seal(body, { offset, ts, key }) ?? body,
          isEncrypted: identity.cipher !== undefined,
          isJoined: index + part > 0,
          goesOn: part + 1 < messages.length,
        }
        offset += 1
        return { ts, bytes: encodeFrame(frame, identity.seed) }
      }),
    )
  }

  /**
   * After a failed sync the kernel may have dropped the pages, so a retry would prove nothing: what was
   * written is cut off again, and nothing more is written until it is opened again.
   */
  async #rollBack(cause: unknown): Promise<BrokerError> {
    const { segment, file } = this.#head
    const { path } = segment
    const then = 'it takes no more messages until it is opened again'
    try {
      await file.truncate(segment.bytes)
      await file.sync()
      return new BrokerError('storage', `${path} could not be written (${cause}): ${then}`, {
        path,
        cause,
      })
    } catch (error) {
      const what = `could not be written (${cause}) nor rolled back (${error}), so its last messages may be there or not`
      return new BrokerError('storage', `${path} ${what}: ${then}`, { path, cause })
    }
  }

  /** Waits for appends under way. */
  async close(): Promise<void> {
    await this.#writing
    await closeQuietly(this.#head.file)
  }
}

/** All in it is durable: what goes wrong with closing harms no one. */
async function closeQuietly(file: OpenFile): Promise<void> {
  try {
    await file.close()
  } catch {}
}
