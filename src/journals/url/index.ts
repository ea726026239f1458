// What the URL of a journal names: one that PostgreSQL, NATS JetStream or SQLite keeps.
import { readFile } from 'node:fs/promises'
import { StoreError } from '../../errors.ts'
import type { ChainOption } from '../chain/features.ts'
import type { NatsServers } from '../nats/index.ts'
import type { SharedJournal } from '../shared/index.ts'
import { SharedReader } from './reader.ts'
import { schemeOf } from './scheme.ts'

export { openShared, SharedReader, truncated } from './reader.ts'
export { isEngineUrl, schemeOf } from './scheme.ts'

export interface SharedSource {
  /** The address, without user, password and parameters. */
  readonly name: string
  readonly path?: undefined
  /** Each time another one, which is not open yet. */
  make(chain?: ChainOption): SharedJournal
  /** One to create or to append to: `isThere` says which. */
  makeToWrite(isThere: boolean, chain?: ChainOption): SharedJournal
}

/** What a URL cannot hold: MINISTORE_TIMEOUT and NATS_*. */
type Environment = Readonly<Record<string, string | undefined>>

/** The journal at `url`, for a store: to create or to append to, or to read. As `sharedSource` otherwise. */
export async function journalAt(url: string, chain?: ChainOption): Promise<SharedJournal> {
  return (await sharedSource(url)).makeToWrite(false, chain)
}

/** A reader of the journal at `url`. As `sharedSource` otherwise. */
export async function readerAt(url: string, chain?: ChainOption): Promise<SharedReader> {
  return new SharedReader((await sharedSource(url)).make(chain))
}

/**
 * Loads the engine, connects nothing. Throws TypeError if the URL is not of the form, and StoreError
 * `config` if the engine's client is not installed; neither shows anything that may be a password.
 */
export async function sharedSource(url: string, env: Environment = {}): Promise<SharedSource> {
  const scheme = schemeOf(url) ?? ''
  const at = url.lastIndexOf('#')
  const [address, name] = [url.slice(0, at), url.slice(at + 1)]
  // Neither is shown: it may be the end of a password.
  if (at < 0 || !/^[a-z0-9][a-z0-9_-]{0,62}$/.test(name)) {
    const slashes = scheme === 'sqlite' ? '' : '//'
    const form = `${scheme}:${slashes}…#journal, which is a-z, 0-9, _ and -`
    throw new TypeError(
      `a URL ends with the name of its journal: ${form}; a # in a password is %23`,
    )
  }
  const timeout = timeoutIn(env['MINISTORE_TIMEOUT'])
  if (scheme === 'sqlite') return sqliteSource(address, name, timeout)
  return scheme.startsWith('postgres')
    ? postgresSource(address, name, timeout)
    : natsSource(await natsAddress(scheme, address, env), name, timeout)
}

function timeoutIn(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new TypeError('MINISTORE_TIMEOUT must be a number of milliseconds')
}

async function postgresSource(
  connection: string,
  name: string,
  timeout: number | undefined,
): Promise<SharedSource> {
  const { postgresJournal } = await loadPostgres()
  const make = (chain?: ChainOption) => postgresJournal({ connection, name, timeout, chain })
  return { name: make().name, make, makeToWrite: (_, chain) => make(chain) }
}

async function sqliteSource(
  address: string,
  name: string,
  timeout: number | undefined,
): Promise<SharedSource> {
  const file = sqliteFile(address)
  const { sqliteJournal } = await loadSqlite()
  const make = (chain?: ChainOption) => sqliteJournal({ file, name, timeout, chain })
  return { name: make().name, make, makeToWrite: (_, chain) => make(chain) }
}

/** The path in `sqlite:relative.db` and in `sqlite:///absolute.db`. Throws TypeError. */
function sqliteFile(address: string): string {
  const rest = address.slice('sqlite:'.length)
  const path = pathIn(rest.startsWith('//') ? rest.slice(2) : rest)
  const hasHost = rest.startsWith('//') && !rest.startsWith('///')
  if (path && !hasHost && !rest.includes('?') && !/[\\/]$/.test(path)) return path
  const form = 'sqlite:relative/path.db#journal or sqlite:///absolute/path.db#journal'
  throw new TypeError(`the URL is not of the form ${form}; # ? and % in a path are percent-encoded`)
}

/** Undefined if it is encoded wrongly. */
function pathIn(text: string): string | undefined {
  try {
    const path = decodeURIComponent(text)
    return process.platform === 'win32' ? path.replace(/^\/(?=[a-z]:)/i, '') : path
  } catch {
    return undefined
  }
}

type NatsAddress = Omit<NatsServers, 'name' | 'timeout'>

async function natsSource(
  { replicas, ...address }: NatsAddress,
  name: string,
  timeout: number | undefined,
): Promise<SharedSource> {
  const { natsJournal } = await loadNats()
  // Of one that is there, it takes as many as it has.
  const make = (chain?: ChainOption) =>
    natsJournal({ ...address, name, timeout, chain, replicas: 1 })
  const create = (chain?: ChainOption) =>
    natsJournal({ ...address, name, timeout, chain, replicas })
  return {
    name: make().name,
    make,
    makeToWrite: (isThere, chain) =>
      isThere && replicas === undefined ? make(chain) : create(chain),
  }
}

/** Throws TypeError with nothing of it: what was misread may be a part of the password. */
async function natsAddress(
  scheme: string,
  address: string,
  env: Environment,
): Promise<NatsAddress> {
  const [list = '', query = '', more] = address.slice(scheme.length + 3).split('?')
  const servers = list.replace(/\/$/, '').split(',')
  const [first = '', ...rest] = servers.map((each) => each.replace(/^(nats|tls):\/\//, ''))
  const isMisread = [first, ...rest].some((each) => each.includes('/')) || rest.some(hasUser)
  if (isMisread || more !== undefined || !/^(replicas=[1-5])?$/.test(query)) {
    const form = `${scheme}://user:password@host:4222,host:4222?replicas=1#journal`
    const rules =
      'user and password stand once, with @ : / ? # and , percent-encoded; replicas is 1 to 5'
    throw new TypeError(`the URL is not of the form ${form}: ${rules}`)
  }
  const credentials = hasUser(first) ? {} : await natsCredentials(env)
  return {
    servers: [first, ...rest].map((each) => `${scheme}://${each}`),
    ...(query !== '' && { replicas: Number(query.slice(-1)) }),
    ...credentials,
    ...natsTls(env),
    inboxPrefix: env['NATS_INBOX_PREFIX'],
  }
}

const hasUser = (server: string): boolean => server.includes('@')

/** By the variables of the command `nats`. */
async function natsCredentials(env: Environment): Promise<Partial<NatsAddress>> {
  const path = env['NATS_CREDS']
  if (path === undefined)
    return { user: env['NATS_USER'], pass: env['NATS_PASSWORD'], token: env['NATS_TOKEN'] }
  const { credsAuthenticator } = await loadNats()
  const creds = await readFile(path).catch((error: unknown) => {
    throw new Error(`NATS_CREDS: ${(error as Error).message}`)
  })
  return { authenticator: credsAuthenticator(creds) }
}

function natsTls(env: Environment): Partial<NatsAddress> {
  const files = { caFile: env['NATS_CA'], certFile: env['NATS_CERT'], keyFile: env['NATS_KEY'] }
  const given = Object.entries(files).filter(([, file]) => file !== undefined)
  return given.length === 0 ? {} : { tls: Object.fromEntries(given) }
}

const loadPostgres = () =>
  load<typeof import('../postgres/index.ts')>('ministore-ts/postgres', 'pg')
const loadSqlite = () =>
  load<typeof import('../sqlite/index.ts')>('ministore-ts/sqlite', 'better-sqlite3')
const loadNats = () =>
  load<typeof import('../nats/index.ts')>('ministore-ts/nats', '@nats-io/transport-node')

/** By a name that no bundler follows: a program without engines would have to install their clients. */
async function load<T>(part: string, client: string): Promise<T> {
  try {
    return await import(
      /* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ part
    )
  } catch (error) {
    const { code, message = '' } = error as Partial<StoreError>
    if (!String(code).endsWith('MODULE_NOT_FOUND')) throw error
    if (message.includes(client))
      throw new StoreError(
        'config',
        `the package ${client} is not installed: npm install ${client}`,
      )
    const what = `${part} is not part of this bundle`
    const next = `Keep ministore-ts external and install it, or import ${part} and pass its journal instead of a URL`
    throw new StoreError('config', `${what}. ${next}.`, { cause: error })
  }
}
