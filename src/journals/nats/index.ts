// Journals in NATS JetStream: one stream each.
import { type SharedJournal, sharedJournal } from '../shared/index.ts'
import { natsEngine } from './engine.ts'
import type { NatsOptions } from './options.ts'

/** A journal in a stream of NATS JetStream, which any number of processes may open. Nothing is touched before `open`. */
export const natsJournal = (options: NatsOptions): SharedJournal =>
  sharedJournal(natsEngine(options), options)

/** For `authenticator`: the text of a file that `nsc` or `nats` has written. */
export { credsAuthenticator } from '@nats-io/transport-node'
export { natsEngine } from './engine.ts'
export type { NatsConnected, NatsOptions, NatsServers } from './options.ts'
