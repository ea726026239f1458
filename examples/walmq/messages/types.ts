// The message plane's shapes: what a partition stores, and what it can do.

/** What a publisher gives. */
export interface NewMessage {
  readonly key?: string | undefined
  readonly body: Uint8Array
}

export interface StoredMessage {
  /** The message's index in its partition: 0, 1, 2 … without gaps. */
  readonly offset: number
  /** Milliseconds since 1970, when it was published. */
  readonly ts: number
  readonly key: string | undefined
  readonly body: Buffer
}

/** What opening found at a file's end and cut off: half an append, as a crash leaves it, never acknowledged. */
export interface Repair {
  readonly path: string
  /** Where the whole messages end, in bytes. */
  readonly offset: number
  readonly bytes: number
}

export interface SegmentInfo {
  readonly path: string
  /** Of its first message; also in its name. */
  readonly base: number
  /** The offset after its last message. */
  readonly end: number
  readonly bytes: number
  /** Of its last message; undefined if it is empty. */
  readonly lastTs: number | undefined
  /** Nothing is appended to it any more. */
  readonly isClosed: boolean
}

export interface PartitionOptions {
  /** A segment that is larger is closed; default 16 MiB. */
  readonly segmentBytes?: number | undefined
  /** The first offset that the metadata knows: segments that end at or below it are removed, as a crash may have left them. */
  readonly logStart?: number | undefined
  /** 32 bytes: bodies are encrypted with AES-256-GCM. */
  readonly encryptionKey?: Uint8Array | undefined
  readonly maxMessageBytes?: number | undefined
  /** Milliseconds since 1970; default Date.now. */
  readonly now?: (() => number) | undefined
}

export interface ReadOptions {
  /** At most so many messages; default 100. */
  readonly messages?: number | undefined
  /** Stops after the message that reaches this number of bytes; default 1 MiB. At least one message is read. */
  readonly bytes?: number | undefined
}

/** One directory of segments. One process, one object. */
export interface Partition {
  readonly directory: string
  /** Of the first message that is there. */
  readonly start: number
  /** The offset after the last durable message. */
  readonly end: number
  readonly bytes: number
  readonly repairs: readonly Repair[]
  /**
   * All or none, in this order, whatever crashes. Resolves to the first one's offset when they are durable; calls made at the
   * same time share one write and one fdatasync. Throws BrokerError `too_large`; `storage` after any failed
   * write or sync, from then on always: open it again.
   */
  append(messages: readonly NewMessage[]): Promise<number>
  /**
   * The durable messages from `from` on. Below `start` or above `end` throws BrokerError `out_of_range`; at `end`
   * gives none.
   * Throws BrokerError `corrupt` if a checksum does not fit.
   */
  read(from: number, options?: ReadOptions): Promise<StoredMessage[]>
  segments(): readonly SegmentInfo[]
  /** Removes closed segments that end at or below `logStart`. Returns the bytes. */
  trim(logStart: number): Promise<number>
  /** Waits for appends under way. */
  close(): Promise<void>
}
