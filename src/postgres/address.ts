// What the user wrote as a connection → what `pg` is given, and what messages may show of it.
import { Client, type ClientConfig } from 'pg'

/** As `pg` takes it: a connection string, or its options, TLS included. */
export type PostgresConnection = string | ClientConfig

export interface Address {
  readonly config: ClientConfig
  /** `postgres://host:port/database`, without user, password or parameters. */
  readonly shown: string
  redact(text: string): string
}

/** Values come as text, whatever the program has told `pg` to make of them. */
const AS_TEXT: ClientConfig = {
  types: { getTypeParser: () => (value: string) => value },
  pipeline: false,
  keepAlive: true,
  fallback_application_name: 'ministore',
}

/** Throws TypeError. Nothing is connected. */
export function readAddress(connection: PostgresConnection): Address {
  assertNamesServer(connection)
  const given = typeof connection === 'string' ? { connectionString: connection } : connection
  const secrets = new Set<string>()
  const { password } = given
  const config: ClientConfig = {
    ...{ ...given, ...AS_TEXT },
    ...(typeof password === 'function' && {
      password: async () => {
        const secret = await password()
        secrets.add(secret)
        return secret
      },
    }),
  }
  const { host, port, database, password: known } = probe(config)
  if (typeof known === 'string' && known !== '') secrets.add(known).add(encodeURIComponent(known))
  const at = host.includes(':') ? `[${host}]` : encodeURIComponent(host)
  return {
    config,
    shown: `postgres://${at}:${port}/${encodeURIComponent(database ?? '')}`,
    redact: (text) => [...secrets].reduce((shown, secret) => shown.replaceAll(secret, '***'), text),
  }
}

/** `pg` takes anything that is missing from the environment, or as localhost. */
function assertNamesServer(connection: unknown): void {
  const form = 'give postgres://user:password@host:5432/database, or options with a host'
  const refused = (what: string) => new TypeError(`connection: ${what}; ${form}`)
  if (connection === undefined || connection === null || connection === '')
    throw refused(
      `is ${connection === '' ? 'an empty string' : connection}. Is the variable set that should hold it?`,
    )
  if (typeof connection === 'string') {
    if (!/^(postgres(ql)?:\/\/|socket:|\/)/.test(connection))
      throw refused('is not a URL of postgres://')
    if (/^\w+:\/\/([^/?#]*@)?(:\d*)?([/?#]|$)/.test(connection) && !/[?&]host=./.test(connection))
      throw refused('the URL has no host')
    return
  }
  if (typeof connection !== 'object') throw refused(`is a ${typeof connection}`)
  const { query, host, connectionString } = connection as Record<string, unknown>
  if (typeof query === 'function') throw refused('is a client or a pool of pg')
  if (connectionString !== undefined) assertNamesServer(connectionString)
  else if (typeof host !== 'string' || host === '') throw refused('the options have no host')
}

function probe(config: ClientConfig): Client {
  try {
    if (!isMisread(config.connectionString ?? '')) return new Client(config)
  } catch {
    // What it says may hold the password.
  }
  throw new TypeError(
    'connection: is not what pg takes: postgres://user:password@host:5432/database, where @ : / ? # in ' +
      'a password are percent-encoded, or options',
  )
}

/** A password with a / ? or # in it would be taken for a host or a database, which messages show. */
function isMisread(url: string): boolean {
  const [, authority = '', path = '', rest = ''] =
    /^\w+:\/\/([^/?#]*)([^?#]*)(.*)$/s.exec(url) ?? []
  return path.includes('@') || (rest.includes('@') && !authority.includes('@'))
}
