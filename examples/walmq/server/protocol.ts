// The protocol: one JSON object per line. Requests carry an id and are answered under it, in any
// order; events come by themselves. Field names are snake_case; bodies are base64.
import { z } from 'zod'
import { BROKER_ERROR_CODES } from '../broker/errors.ts'

export const PROTOCOL_VERSION = 1
/** Of one publish_batch or one acknowledgement. */
export const MAX_ITEMS = 1000

const name = z.string().max(128)
const count = z.int().min(0)
const sub = z.string().max(32)

/** In base64, as it is written in one way only. */
const bytes = z.string().transform((text, context) => {
  const decoded = Buffer.from(text, 'base64')
  if (decoded.toString('base64') === text) return decoded
  context.addIssue('not base64')
  return z.NEVER
})

/** Counted before each is looked at: a long list of nonsense would have an issue for each. */
const listOf = <Item extends z.ZodType>(item: Item) =>
  z.array(z.unknown()).min(1).max(MAX_ITEMS).pipe(z.array(item))

/** An offset, or a range with both ends. */
const offsets = listOf(
  z.union([
    count.transform((one): [from: number, to: number] => [one, one]),
    z.tuple([count, count]).refine(([from, to]) => from <= to, 'from is above to'),
  ]),
)
const retention = {
  retention_ms: z.int().nullable().optional(),
  retention_bytes: z.int().nullable().optional(),
  keep_unacked: z.boolean().optional(),
}
const message = { key: z.string().nullish(), body_b64: bytes }
const place = { group: name, topic: name, partition: count }
const ofSubscription = z.strictObject({ sub, partition: count, offsets })

const nothing = { args: z.strictObject({}).prefault({}), data: z.object({}) }
const published = z.object({ partition: count, offset: count })
const topic = z.object({
  topic: name,
  id: count,
  partitions: count,
  retention_ms: count.nullable(),
  retention_bytes: count.nullable(),
  keep_unacked: z.boolean(),
  max_message_bytes: count,
  created_at: z.string(),
  log: z.array(z.object({ start: count, end: count, bytes: count })),
})
const cursor = z.object({ next: count, ahead: z.array(z.tuple([count, count])), lag: count })
const group = z.object({
  group: name,
  created_at: z.string(),
  subscriptions: z.array(z.object({ topic: name, consumers: count, cursors: z.array(cursor) })),
})

/** What can be asked for: arguments, and what a good answer has. */
const operations = {
  /** The first request over TCP. On the Unix socket it may be left out. */
  auth: { args: z.strictObject({ token: z.string().max(256) }), data: z.object({}) },
  ping: { args: nothing.args, data: z.object({ protocol: z.literal(PROTOCOL_VERSION) }) },

  topic_create: {
    args: z.strictObject({
      topic: name,
      partitions: z.int().optional(),
      max_message_bytes: z.int().optional(),
      ...retention,
    }),
    data: topic,
  },
  topic_list: { args: nothing.args, data: z.object({ topics: z.array(topic) }) },
  topic_describe: { args: z.strictObject({ topic: name }), data: topic },
  /** Leaves as it is what is not given. */
  topic_set_retention: { args: z.strictObject({ topic: name, ...retention }), data: topic },
  topic_add_partitions: { args: z.strictObject({ topic: name, count: z.int() }), data: topic },
  topic_delete: { args: z.strictObject({ topic: name }), data: nothing.data },

  /** Answered when it is durable. */
  publish: {
    args: z.strictObject({ topic: name, partition: count.optional(), ...message }),
    data: published,
  },
  publish_batch: {
    args: z.strictObject({ topic: name, messages: listOf(z.strictObject(message)) }),
    data: z.object({ published: z.array(published) }),
  },

  subscribe: {
    args: z.strictObject({
      topic: name,
      group: name,
      from: z.enum(['earliest', 'latest']).optional(),
      max_in_flight: z.int().optional(),
      ack_timeout_ms: z.int().optional(),
    }),
    data: z.object({ sub, partitions: z.array(count) }),
  },
  unsubscribe: { args: z.strictObject({ sub }), data: nothing.data },
  /** Answered when it is durable. In any order, also again. */
  ack: {
    args: z.union([ofSubscription, z.strictObject({ ...place, offsets })], {
      error: 'sub, partition and offsets, or group, topic, partition and offsets',
    }),
    /** By group: the first offset that is not acknowledged. */
    data: z.object({ next: count.optional() }),
  },
  /** `nacked`: how many of them this subscription had in flight. */
  nack: { args: ofSubscription, data: z.object({ nacked: count }) },
  seek: {
    args: z.strictObject({ ...place, to: z.union([count, z.enum(['earliest', 'latest'])]) }),
    data: z.object({ next: count }),
  },

  groups: { args: nothing.args, data: z.object({ groups: z.array(group) }) },
  group_delete: { args: z.strictObject({ group: name }), data: nothing.data },
  stats: {
    args: nothing.args,
    data: z.object({
      topics: count,
      groups: count,
      consumers: count,
      in_flight: count,
      bytes: count,
      connections: count,
      metadata: z.object({ seq: count, records_since_compaction: count }),
    }),
  },
  /** Looks at retention now. */
  retention: {
    args: nothing.args,
    data: z.object({
      removed: z.array(z.object({ topic: name, partition: count, log_start: count, bytes: count })),
    }),
  },
  /** Snapshot and compaction of the metadata, now. */
  compact: nothing,
}

export type Operation = keyof typeof operations
/** As a client writes them. */
export type ArgsInput = { [Op in Operation]: z.input<(typeof operations)[Op]['args']> }
/** As the server has them. */
export type Args = { [Op in Operation]: z.output<(typeof operations)[Op]['args']> }
export type Data = { [Op in Operation]: z.output<(typeof operations)[Op]['data']> }

/** The same as `operations`, for code that works for each of them. */
export const schemas: {
  readonly [Op in Operation]: {
    readonly args: z.ZodType<Args[Op]>
    readonly data: z.ZodType<Data[Op]>
  }
} = operations

const id = z.int().min(0)
/** The arguments are for the operation's own schema. */
export const request = z.strictObject({
  id,
  op: z
    .string()
    .refine((op): op is Operation => Object.hasOwn(operations, op), 'no such operation'),
  args: z.unknown().optional(),
})
/** Of what may be no request at all, so that the refusal can be told to whom it belongs. */
export const withId = z.object({ id })

const error = z.object({
  code: z.enum(BROKER_ERROR_CODES).catch('internal'),
  message: z.string(),
  details: z.unknown().optional(),
})
export type WireError = z.output<typeof error>

/** `id` is null if the request had none that could be read. */
const answer = z.discriminatedUnion('ok', [
  z.object({ id: id.nullable(), ok: z.literal(true), data: z.unknown() }),
  z.object({ id: id.nullable(), ok: z.literal(false), error }),
])
export type Answer = z.output<typeof answer>

const event = z.discriminatedUnion('event', [
  z.object({
    event: z.literal('message'),
    sub,
    topic: name,
    partition: count,
    offset: count,
    /** Milliseconds since 1970, when it was published. */
    ts: z.number(),
    key: z.string().nullable(),
    body_b64: z.string(),
    redelivered: z.boolean(),
  }),
  /** Retention took these away before the group had them; both ends are among them. */
  z.object({
    event: z.literal('gap'),
    sub,
    topic: name,
    partition: count,
    from: count,
    to: count,
  }),
  /** Nothing more comes of this subscription. Without an error: it was asked to end. */
  z.object({ event: z.literal('end'), sub, error: error.optional() }),
])
export type Event = z.output<typeof event>

/** Whatever a server sends. */
export const fromServer = z.union([event, answer])

/** What is wrong, in a line. The first of it: there is no end of what can be wrong with a request. */
export function issueText({ issues: [issue] }: z.ZodError): string {
  const path = issue?.path.map(String).join('.') ?? ''
  const text = `${path === '' ? '' : `${path}: `}${issue?.message ?? 'invalid'}`
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
