// What a broker refuses, or what broke: one class, with stable codes that are the protocol's codes, too.

export const BROKER_ERROR_CODES = [
  'bad_request', // not JSON, no such operation, or arguments that its schema refuses
  'invalid', // a name or a setting that the schema refuses
  'too_large', // a message or a request over its limit
  'too_many', // connections, or subscriptions of one connection
  'unauthorized', // TCP without the token
  'topic_exists',
  'no_such_topic',
  'no_such_partition',
  'not_more_partitions',
  'no_such_group',
  'group_exists',
  'group_in_use', // it has live consumers
  'not_subscribed',
  'no_such_subscription', // of this connection
  'beyond_end', // an acknowledgement of what is not there yet
  'out_of_range', // an offset that is not there, or not any more
  'too_many_gaps', // too many acknowledged ranges with gaps between them
  'locked', // another process has the directory, or answers on the socket
  'wrong_key', // the messages are encrypted with another key, or with none
  'corrupt', // bytes that were once safe are not what was written
  'data_loss', // a cursor is past the end of its partition: messages are missing
  'storage', // the disk failed: nothing more is taken until it is opened again
  'closed',
  'internal',
] as const
export type BrokerErrorCode = (typeof BROKER_ERROR_CODES)[number]

export interface BrokerErrorOptions {
  readonly details?: unknown
  readonly path?: string | undefined
  readonly cause?: unknown
}

export class BrokerError extends Error {
  override readonly name = 'BrokerError'
  readonly code: BrokerErrorCode
  /** Data for programs. */
  readonly details: unknown
  readonly path: string | undefined
  constructor(code: BrokerErrorCode, message: string, options: BrokerErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.code = code
    this.details = options.details
    this.path = options.path
  }
}
