// The library's surface: what a broker does, and what its consumers get.
import type { NewMessage, Repair } from '../messages/types.ts'

export interface TopicSettings {
  /** 1 to 256; default 1. */
  partitions?: number | undefined
  /** Milliseconds; `null`, the default: forever. */
  retentionMs?: number | null | undefined
  /** Per partition; `null`, the default: any size. */
  retentionBytes?: number | null | undefined
  /** Retention leaves alone what a group has not acknowledged; default false. */
  keepUnacked?: boolean | undefined
  /** Key and body; default 1 MiB. */
  maxMessageBytes?: number | undefined
}
export type RetentionSettings = Pick<
  TopicSettings,
  'retentionMs' | 'retentionBytes' | 'keepUnacked'
>

export interface TopicInfo
  extends Required<{ [K in keyof TopicSettings]: Exclude<TopicSettings[K], undefined> }> {
  readonly name: string
  readonly id: number
  readonly createdAt: string
  /** By partition: offsets, from the first one to the one after the last, and bytes on disk. */
  readonly log: readonly { readonly start: number; readonly end: number; readonly bytes: number }[]
}

export interface GroupInfo {
  readonly group: string
  readonly createdAt: string
  readonly subscriptions: readonly {
    readonly topic: string
    /** Live consumers. */
    readonly consumers: number
    /** By partition. */
    readonly cursors: readonly {
      readonly next: number
      readonly ahead: readonly (readonly [from: number, to: number])[]
      /** Not acknowledged yet. */
      readonly lag: number
    }[]
  }[]
}

export interface Published {
  readonly partition: number
  readonly offset: number
}

export interface SubscribeOptions {
  readonly group: string
  /** Where a new group begins; default 'earliest'. */
  readonly from?: 'earliest' | 'latest' | undefined
  /** Delivered and not acknowledged, at most; default 100, at most 10,000. */
  readonly maxInFlight?: number | undefined
  /** What is not acknowledged after so many milliseconds is delivered again; default 30,000. */
  readonly ackTimeoutMs?: number | undefined
}

export interface Delivery {
  readonly type: 'message'
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly ts: number
  readonly key: string | undefined
  readonly body: Buffer
  readonly redelivered: boolean
  /** Resolves when it is durable. */
  ack(): Promise<void>
  /** To be delivered again, to any consumer of the group. */
  nack(): void
}
/** Messages that retention took away before this group had them; both ends are among them. */
export interface Gap {
  readonly type: 'gap'
  readonly topic: string
  readonly partition: number
  readonly from: number
  readonly to: number
}

/** One member of a group. It is given partitions of its own; leaving hands them to the others. */
export interface Consumer extends AsyncIterable<Delivery | Gap> {
  readonly topic: string
  readonly group: string
  /** Its partitions now. */
  readonly partitions: readonly number[]
  /** What was delivered and not acknowledged is delivered again, to others. Ends the iteration. */
  close(): Promise<void>
}

export interface BrokerOptions {
  readonly segmentBytes?: number | undefined
  /** 32 bytes: message bodies are encrypted with it. */
  readonly encryptionKey?: Uint8Array | undefined
  /** Milliseconds since 1970, for messages and retention; default Date.now. */
  readonly now?: (() => number) | undefined
  /** Milliseconds between two looks at retention; default 30,000; `null`: only when asked. */
  readonly retentionEveryMs?: number | null | undefined
  /** The metadata journal is compacted after so many records; default 50,000. */
  readonly compactEvery?: number | undefined
  /** What goes wrong in the background: retention, compacting. Default: console.error. */
  readonly onError?: ((error: unknown) => void) | undefined
}

export interface BrokerStats {
  readonly topics: number
  readonly groups: number
  readonly consumers: number
  /** Delivered and not acknowledged. */
  readonly inFlight: number
  readonly bytes: number
  /** Of the metadata journal. */
  readonly metadata: { readonly seq: number; readonly recordsSinceCompaction: number }
}

export interface Broker {
  readonly directory: string
  /** What opening found. */
  readonly recovery: {
    readonly repairs: readonly Repair[]
    /** Directories of deleted topics, and segments below a topic's start, that a crash had left. */
    readonly removed: readonly string[]
    /** Directories of topics that a crash had kept from being made. */
    readonly made: readonly string[]
  }
  createTopic(name: string, settings?: TopicSettings): Promise<TopicInfo>
  deleteTopic(name: string): Promise<void>
  setRetention(name: string, settings: RetentionSettings): Promise<TopicInfo>
  addPartitions(name: string, count: number): Promise<TopicInfo>
  listTopics(): TopicInfo[]
  /** Throws BrokerError `no_such_topic`, as all that take a topic do. */
  describeTopic(name: string): TopicInfo
  /** A key decides the partition; without one, they take turns. Resolves when it is durable. */
  publish(
    topic: string,
    message: NewMessage & { readonly partition?: number | undefined },
  ): Promise<Published>
  /** All of one partition or none; of several partitions, each by itself. */
  publishBatch(topic: string, messages: readonly NewMessage[]): Promise<Published[]>
  subscribe(topic: string, options: SubscribeOptions): Promise<Consumer>
  /** Ranges with both ends; in any order, also again. */
  ack(
    place: Place,
    ranges: readonly (readonly [from: number, to: number])[],
  ): Promise<{ next: number }>
  /** Consumers of the group go on from there; what they have in flight is void. */
  seek(place: Place, to: number | 'earliest' | 'latest'): Promise<{ next: number }>
  listGroups(): GroupInfo[]
  deleteGroup(group: string): Promise<void>
  /** Looks at retention now. Returns what was removed, by topic and partition. */
  enforceRetention(): Promise<
    readonly { topic: string; partition: number; logStart: number; bytes: number }[]
  >
  /** Snapshot and compaction of the metadata journal, now. */
  compact(): Promise<void>
  stats(): BrokerStats
  close(): Promise<void>
}
export interface Place {
  readonly group: string
  readonly topic: string
  readonly partition: number
}
