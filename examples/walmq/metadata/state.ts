// What the metadata plane knows. Names come from outside: tables take every one of them as a key.
import { type Table, table } from 'ministore-ts/table'
import type { Cursor } from './cursor.ts'

export interface Topic {
  /** Never used again, so that a topic of the same name does not read the old one's messages. */
  id: number
  partitions: number
  /** `null`: forever. */
  retentionMs: number | null
  /** Per partition; `null`: any size. */
  retentionBytes: number | null
  /** Retention leaves alone what a group has not acknowledged. */
  keepUnacked: boolean
  /** Key and body. */
  maxMessageBytes: number
  /** By partition: the first offset that retention has left. */
  logStart: number[]
  createdAt: string
}

export interface Subscription {
  topicId: number
  /** By partition. */
  cursors: Cursor[]
  /** What retention took away before it was acknowledged, until a consumer is told. */
  gaps: Gap[]
}

/** Both ends are in it. */
export interface Gap {
  partition: number
  from: number
  to: number
}

export interface Group {
  createdAt: string
  /** By the topic's name. */
  subscriptions: Table<Subscription>
}

export interface Metadata {
  nextTopicId: number
  /** By name. */
  topics: Table<Topic>
  /** By name. */
  groups: Table<Group>
  /** By topic id: deleted topics of which files may be left. */
  deleting: Table<{ name: string }>
}

export const emptyMetadata = (): Metadata => ({
  nextTopicId: 1,
  topics: table<Topic>(),
  groups: table<Group>(),
  deleting: table<{ name: string }>(),
})
