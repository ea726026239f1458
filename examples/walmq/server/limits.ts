// What one peer may ask of the server. Each is generous for a program that means well.
import { MAX_PAYLOAD_BYTES } from '../messages/frame.ts'

export interface Limits {
  /** A longer line is refused and skipped. */
  readonly lineBytes: number
  /** Skipped bytes of one line after which the connection is closed. */
  readonly skippedBytes: number
  /** Requests of one connection that are not answered yet; more are not read. */
  readonly requests: number
  /** All of their lines together. */
  readonly requestBytes: number
  readonly subscriptions: number
  /** Of each listener, so that strangers on TCP do not keep anyone from the Unix socket. */
  readonly connections: number
  /** For a connection that has not shown its token: all it may send, and for how long. */
  readonly authBytes: number
  readonly authMs: number
  /** How long a closing server waits for a peer that does not read. */
  readonly closeMs: number
}

export const LIMITS: Limits = {
  // The largest message in base64, and room for its key and the rest.
  lineBytes: (MAX_PAYLOAD_BYTES / 2) * 3,
  skippedBytes: 2 ** 30,
  requests: 256,
  requestBytes: 2 ** 26,
  subscriptions: 100,
  connections: 256,
  authBytes: 1024,
  authMs: 5000,
  closeMs: 1000,
}
