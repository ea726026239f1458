// What a journal argument names: a file, or a journal that PostgreSQL or NATS JetStream keeps.
import { readFile } from 'node:fs/promises'
import { fileJournal } from '../file/index.ts'
import type { Journal, StoreError } from '../index.ts'
import type { NatsOptions } from '../nats/index.ts'
import type { SharedJournal } from '../shared/index.ts'
import { LookedAt } from './looked-at.ts'

export type Source = FileSource | SharedSource

interface FileSource {
  /** For messages. */
  readonly name: string
  readonly path: string
}

export interface SharedSource {
  /** The address, without user, password and parameters. */
  readonly name: string
  readonly path?: undefined
  /** Each time another one, which is not open yet. */
  make(): SharedJournal
  /** One to create or to append to: `isThere` says which. */
  makeToWrite(isThere: boolean): SharedJournal
}

const SCHEMES = 'postgres://, nats:// or tls://'

/** Nothing is connected. Throws Error that shows nothing of what may be a password. */
export async function sourceOf(argument: string): Promise<Source> {
  const scheme = schemeOf(argument)
  if (scheme === undefined) return { name: argument, path: argument }
  if (!['postgres', 'postgresql', 'nats', 'tls'].includes(scheme))
    throw new Error(`a journal is a file, or a URL that begins with ${SCHEMES}`)
  const at = argument.lastIndexOf('#')
  const [address, name] = [argument.slice(0, at), argument.slice(at + 1)]
  // Neither is shown: it may be the end of a password.
  if (at < 0 || !/^[a-z0-9][a-z0-9_-]{0,62}$/.test(name)) {
    const form = `${scheme}://…#journal, which is a-z, 0-9, _ and -`
    throw new Error(`a URL ends with the name of its journal: ${form}; a # in a password is %23`)
  }
  const timeout = timeoutIn(process.env['MINISTORE_TIMEOUT'])
  return scheme.startsWith('postgres')
    ? postgresSource(address, name, timeout)
    : natsSource(await natsAddress(scheme, address), name, timeout)
}

/** A reader of it, for any definition. */
export const toRead = (source: Source): Journal =>
  source.path === undefined ? new LookedAt(source.make()) : fileJournal(source.path, READ_ONLY)

const READ_ONLY = { readOnly: true } as const

/** For a verb that works on files. Throws Error where it is a URL, without showing it. */
export function assertFile(argument: string): void {
  if (schemeOf(argument) === undefined) return
  throw new Error(
    'this works on a file, not on a URL: `ministore copy` makes a file of the journal',
  )
}

const schemeOf = (argument: string): string | undefined =>
  /^([a-z][a-z0-9+.-]*):\/\//i.exec(argument)?.[1]?.toLowerCase()

function timeoutIn(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new Error('MINISTORE_TIMEOUT must be a number of milliseconds')
}

async function postgresSource(
  connection: string,
  name: string,
  timeout: number | undefined,
): Promise<SharedSource> {
  const { postgresJournal } = await installed(import('../postgres/index.ts'), 'pg')
  const make = () => postgresJournal({ connection, name, timeout })
  return { name: make().name, make, makeToWrite: make }
}

type NatsAddress = Omit<NatsOptions, 'name' | 'timeout'>

async function natsSource(
  { replicas, ...address }: NatsAddress,
  name: string,
  timeout: number | undefined,
): Promise<SharedSource> {
  const { natsJournal } = await nats()
  // Of one that is there, it takes as many as it has.
  const make = () => natsJournal({ ...address, name, timeout, replicas: 1 })
  const create = () => natsJournal({ ...address, name, timeout, replicas })
  return {
    name: make().name,
    make,
    makeToWrite: (isThere) => (isThere && replicas === undefined ? make() : create()),
  }
}

const nats = () => installed(import('../nats/index.ts'), '@nats-io/transport-node')

/** Throws Error with nothing of it: what was misread may be a part of the password. */
async function natsAddress(scheme: string, address: string): Promise<NatsAddress> {
  const [list = '', query = '', more] = address.slice(scheme.length + 3).split('?')
  const servers = list.replace(/\/$/, '').split(',')
  const [first = '', ...rest] = servers.map((each) => each.replace(/^(nats|tls):\/\//, ''))
  const isMisread = [first, ...rest].some((each) => each.includes('/')) || rest.some(hasUser)
  if (isMisread || more !== undefined || !/^(replicas=[1-5])?$/.test(query)) {
    const form = `${scheme}://user:password@host:4222,host:4222?replicas=1#journal`
    const rules =
      'user and password stand once, with @ : / ? # and , percent-encoded; replicas is 1 to 5'
    throw new Error(`the URL is not of the form ${form}: ${rules}`)
  }
  const credentials = hasUser(first) ? {} : await natsCredentials()
  return {
    servers: [first, ...rest].map((each) => `${scheme}://${each}`),
    ...(query !== '' && { replicas: Number(query.slice(-1)) }),
    ...credentials,
    ...natsTls(),
    inboxPrefix: process.env['NATS_INBOX_PREFIX'],
  }
}

const hasUser = (server: string): boolean => server.includes('@')

/** By the variables of the command `nats`. */
async function natsCredentials(): Promise<Partial<NatsAddress>> {
  const { env } = process
  const path = env['NATS_CREDS']
  if (path === undefined)
    return { user: env['NATS_USER'], pass: env['NATS_PASSWORD'], token: env['NATS_TOKEN'] }
  const { credsAuthenticator } = await nats()
  const creds = await readFile(path).catch((error: unknown) => {
    throw new Error(`NATS_CREDS: ${(error as Error).message}`)
  })
  return { authenticator: credsAuthenticator(creds) }
}

function natsTls(): Partial<NatsAddress> {
  const { env } = process
  const files = { caFile: env['NATS_CA'], certFile: env['NATS_CERT'], keyFile: env['NATS_KEY'] }
  const given = Object.entries(files).filter(([, file]) => file !== undefined)
  return given.length === 0 ? {} : { tls: Object.fromEntries(given) }
}

/** The client of an engine is a peer: not everybody needs it. */
async function installed<T>(loading: Promise<T>, client: string): Promise<T> {
  try {
    return await loading
  } catch (error) {
    const { code, message = '' } = error as Partial<StoreError>
    if (!String(code).endsWith('MODULE_NOT_FOUND') || !message.includes(client)) throw error
    throw new Error(`the package ${client} is not installed: npm install ${client}`)
  }
}
