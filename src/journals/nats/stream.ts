// The stream of a journal: its name, its subjects, and the settings without which it would lose records.
import { StoreError } from '../../index.ts'

const EPOCH = 'ministore-epoch'
const STORE = 'ministore-store'
const FEATURES = 'ministore-features'

/** For the permissions of docs/engines/nats.md. */
export const streamName = (journal: string): string => `ministore_${journal}`

/**
 * The epoch is part of the subject, so that what was meant for a stream that was deleted does not
 * end up in the one that was made in its place, and what is read says of which it is.
 */
export const subjectOf = (journal: string, epoch: string): string => `ms.${journal}.${epoch}`

/** Where the stream's leader publishes each record once it is committed. */
export const republishedOf = (journal: string, epoch: string): string => `msr.${journal}.${epoch}`

export interface StreamSettings {
  readonly journal: string
  readonly epoch: string
  readonly store: string
  readonly replicas: number
  readonly features: string
}

/** As much of a stream's settings as is looked at by name. */
interface Config {
  readonly num_replicas?: number
  readonly metadata?: Readonly<Record<string, string>>
}

/** The answer of STREAM.INFO, as far as it is used. `active`: nanoseconds since it was heard of. */
export interface StreamInfo {
  readonly config: Config
  readonly state: {
    readonly messages: number
    readonly first_seq: number
    readonly last_seq: number
  }
  readonly cluster?: {
    readonly leader?: string
    readonly replicas?: readonly { readonly offline?: boolean; readonly active: number }[]
  }
}

export function streamConfig({
  journal,
  epoch,
  store,
  replicas,
  features,
}: StreamSettings): object {
  return {
    name: streamName(journal),
    ...settingsOf(journal, epoch),
    num_replicas: replicas,
    metadata: { [EPOCH]: epoch, [STORE]: store, [FEATURES]: features },
  }
}

const settingsOf = (journal: string, epoch: string) => ({
  subjects: [subjectOf(journal, epoch)],
  storage: 'file',
  retention: 'limits',
  discard: 'new',
  max_age: 0,
  max_msgs: -1,
  max_bytes: -1,
  max_msg_size: -1,
  max_msgs_per_subject: -1,
  deny_delete: true,
  allow_direct: true,
  allow_atomic: true,
  republish: { src: subjectOf(journal, epoch), dest: republishedOf(journal, epoch) },
})

/** With one of these settings, records vanish, change, or are acknowledged too early. */
const UNSET = [
  ...['no_ack', 'sealed', 'allow_rollup_hdrs', 'allow_msg_ttl', 'allow_msg_counter'],
  ...['allow_msg_schedules', 'allow_batched', 'mirror', 'sources', 'subject_transform'],
  ...['subject_delete_marker_ttl', 'discard_new_per_subject'],
]

export interface Identity {
  readonly epoch: string
  readonly store: string
  readonly features: string
}

export function identityOf({ metadata = {} }: Config): Identity | undefined {
  const { [EPOCH]: epoch, [STORE]: store, [FEATURES]: features = '{}' } = metadata
  return epoch === undefined || store === undefined ? undefined : { epoch, store, features }
}

/** Whose it is. Throws StoreError `config`, naming the setting that is wrong. */
export function checkSettings(
  config: Config,
  journal: string,
  replicas: number,
  title: string,
): Identity {
  const refuse = (setting: string, is: unknown, wanted: string): never => {
    const what = `its stream ${streamName(journal)} has ${setting}: ${JSON.stringify(is) ?? 'unset'}`
    throw new StoreError('config', `${title}: ${what}, which must be ${wanted}`, { path: title })
  }
  const identity = identityOf(config)
  if (!identity) throw refuse('metadata', config.metadata, 'what a journal of ministore has')
  const given: Record<string, unknown> = { ...config }
  for (const [setting, wanted] of Object.entries(settingsOf(journal, identity.epoch))) {
    const text = JSON.stringify(wanted)
    if (JSON.stringify(given[setting]) !== text) refuse(setting, given[setting], text)
  }
  for (const setting of UNSET) {
    const is = given[setting]
    if (is && !(Array.isArray(is) && is.length === 0)) refuse(setting, is, 'unset')
  }
  const mode = given['persist_mode']
  if (mode !== undefined && mode !== '' && mode !== 'default')
    refuse('persist_mode', mode, '"default"')
  const count = config.num_replicas ?? 1
  if (count < replicas) refuse('num_replicas', count, `at least ${replicas}`)
  return identity
}

/** A leader that has not heard of the others for as long may have been replaced. Heartbeats: 1 s; elections: from 4 s on. */
const SILENCE_NS = 3_000_000_000

/**
 * What the stream's leader says is the truth only while it is the leader. One that was paused or cut
 * off does not know yet that it is not.
 */
export function isLed({ cluster }: Pick<StreamInfo, 'cluster'>): boolean {
  const replicas = cluster?.replicas ?? []
  // Alone in the world, or the only replica.
  if (replicas.length === 0) return cluster === undefined || cluster.leader !== undefined
  const heard = replicas.filter(({ offline, active }) => !offline && active < SILENCE_NS)
  return cluster?.leader !== undefined && heard.length + 1 > (replicas.length + 1) / 2
}

/** Where its records begin and end. */
export function boundsOf({ state }: Pick<StreamInfo, 'state'>): { head: number; first: number } {
  const head = state.last_seq
  return { head, first: state.messages === 0 ? head + 1 : state.first_seq }
}
