// A record, and what the program writes with it, in one transaction of the database.
import type { PoolClient, QueryResult } from 'pg'
import { type NewEntry, StoreError } from '../../index.ts'
import { type Caller, closed, type Database, limitOf, type Progress, type Row } from './database.ts'
import { isFromServer, isLoss } from './failure.ts'
import { type Plain, pipelined } from './pipeline.ts'
import { APPEND, GREET, SYNCHRONOUS } from './statements.ts'

type Within = NonNullable<NewEntry['within']>

/** No rows: a conflict. `withdrawn`: why nothing was written, although there was no conflict. */
export interface AnswerWithin {
  readonly rows: readonly Row[]
  readonly hasWarned: boolean
  readonly withdrawn?: { readonly cause: unknown }
}

/**
 * Appends, runs `within` and commits. READ COMMITTED is enough: the append comes first, and updates the journal's
 * row, whose lock is held until the end. So of one journal, one `within` runs at a time, in the order of the records,
 * and sees all that those before it have written.
 */
export function appendWithin(
  database: Database,
  caller: Caller,
  values: readonly unknown[],
  within: Within,
): Promise<AnswerWithin> {
  return database.lease(caller, 'unknown', async (client, progress) => {
    // Until COMMIT is sent, nothing can have happened.
    const appended = await begin(database, caller, client, values)
    if (appended.length === 0) {
      await client.query('ROLLBACK')
      return { rows: [], hasWarned: false }
    }
    const guard = new Guard(client, caller)
    const failed = await guard.run(within)
    if (guard.isLost) throw new Error('the connection broke before COMMIT')
    if (guard.endedBy === undefined)
      return failed ? withdraw(client, progress, failed) : commit(client, progress, appended)
    progress.isBroken = true
    const cause = new TypeError(`within: ${guard.endedBy} ended the transaction of the record`)
    if (guard.endedBy === 'ROLLBACK') return { rows: [], hasWarned: false, withdrawn: { cause } }
    // The record is there, with what was written before. It is found by its id.
    progress.stage = 'sent'
    throw cause
  })
}

async function begin(
  database: Database,
  caller: Caller,
  client: PoolClient,
  values: readonly unknown[],
): Promise<readonly Row[]> {
  const first: Plain[] = [
    { text: 'BEGIN ISOLATION LEVEL READ COMMITTED' },
    { text: GREET, values: [limitOf(caller), '0'] },
    // What the journal's own statements need would spoil the plans of the program's.
    { text: 'SET LOCAL enable_seqscan = DEFAULT' },
  ]
  const [, greeted, , appended] = await pipelined(client, first, { text: APPEND.text, values })
  database.learn(greeted?.rows[0], caller)
  return appended?.rows ?? []
}

async function commit(
  client: PoolClient,
  progress: Progress,
  rows: readonly Row[],
): Promise<AnswerWithin> {
  progress.stage = 'sent'
  // What `within` was warned of says nothing about the commit.
  progress.hasWarned = false
  let results: readonly QueryResult<Row>[]
  try {
    results = await pipelined(client, [{ text: SYNCHRONOUS }], { text: 'COMMIT', values: [] })
  } catch (cause) {
    // After an ERROR, such as that of a deferred constraint, nothing was committed. After anything else, who knows.
    if (!isFromServer(cause) || isLoss(cause) || !(await rollBack(client))) throw cause
    return withdraw(client, progress, { cause })
  }
  if (results.at(-1)?.command === 'COMMIT') return { rows, hasWarned: progress.hasWarned }
  const cause = new Error('within: one of its statements failed, so the server rolled back')
  return { rows: [], hasWarned: false, withdrawn: { cause } }
}

/** Throws the cause, for the whole to be tried again, if the server says that this may help. */
async function withdraw(
  client: PoolClient,
  progress: Progress,
  failed: { readonly cause: unknown },
): Promise<AnswerWithin> {
  progress.isBroken = failed.cause instanceof TooLong || !(await rollBack(client))
  const { cause } = failed
  if (!progress.isBroken && isConflict(cause)) throw cause
  const reason = cause instanceof TooLong ? cause.error : cause
  return { rows: [], hasWarned: false, withdrawn: { cause: reason } }
}

/** A deadlock, or a failed serialization, also if a query builder has wrapped it. */
const isConflict = (error: unknown): boolean =>
  error instanceof Error &&
  ((isFromServer(error) && error.code?.startsWith('40')) || isConflict(error.cause))

const rollBack = (client: PoolClient): Promise<boolean> =>
  client.query('ROLLBACK').then(
    () => true,
    () => false,
  )

class TooLong {
  readonly error: StoreError
  constructor(error: StoreError) {
    this.error = error
  }
}

const CONTROL =
  /^(?:\s|--[^\n]*\n|\/\*.*?\*\/)*(begin|start\s+transaction|commit|end|abort|prepare\s+transaction|rollback(?!\s+(work\s+|transaction\s+)?to\b))\b/is

/** The client as `within` may use it: in this transaction, as long as it lasts. */
class Guard {
  readonly #client: PoolClient
  readonly #caller: Caller
  #isOver = false
  isLost = false
  /** The command that ended the transaction, in the middle of several, so that it could not be refused. */
  endedBy: string | undefined
  #command = ''

  constructor(client: PoolClient, caller: Caller) {
    this.#client = client
    this.#caller = caller
  }

  /** Returns why it failed. */
  async run(within: Within): Promise<{ readonly cause: unknown } | undefined> {
    const { connection } = this.#client as unknown as { connection: NodeJS.EventEmitter }
    connection.on('commandComplete', this.#note)
    connection.on('readyForQuery', this.#look)
    this.#client.on('error', this.#lose)
    this.#client.on('end', this.#lose)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new TooLong(this.#tooLong())), Number(limitOf(this.#caller)))
    })
    try {
      await Promise.race([within(this.#handle()), late])
      return undefined
    } catch (cause) {
      return { cause }
    } finally {
      clearTimeout(timer)
      this.#isOver = true
      connection.off('commandComplete', this.#note)
      connection.off('readyForQuery', this.#look)
      this.#client.off('error', this.#lose)
      this.#client.off('end', this.#lose)
    }
  }

  readonly #note = ({ text }: { text: string }) => {
    // Of several that ended it, the first one decided about the record.
    if (this.#command !== 'COMMIT' && this.#command !== 'ROLLBACK') this.#command = text
  }

  readonly #look = ({ status }: { status?: string }) => {
    if (status === 'I') this.endedBy ??= this.#command
  }

  readonly #lose = () => {
    this.isLost = true
  }

  #tooLong(): StoreError {
    const { name } = this.#caller
    const what = `${name}: within took longer than ${limitOf(this.#caller)} ms and was rolled back`
    const next = 'Do less in it, or raise the timeout of the journal'
    return new StoreError('unavailable', `${what}: not written. ${next}`, { path: name })
  }

  #handle(): PoolClient {
    return new Proxy(this.#client, {
      get: (client, property) => {
        if (this.#isOver) throw closed(`${this.#caller.name}: the transaction of within`)
        if (['release', 'end', 'connect'].includes(String(property)))
          throw new TypeError(`within: ${String(property)}() is not for this client, which is lent`)
        const value = Reflect.get(client, property, client) as unknown
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          if (property === 'query') assertNoControl(args[0])
          return Reflect.apply(value, client, args) as unknown
        }
      },
    })
  }
}

function assertNoControl(query: unknown): void {
  const text = typeof query === 'string' ? query : (query as { text?: unknown } | null)?.text
  const [, word] = (typeof text === 'string' && CONTROL.exec(text)) || []
  if (word !== undefined)
    throw new TypeError(
      `within: ${word.toUpperCase()} is not for this transaction, which ends with the record. Use a savepoint, or throw`,
    )
}
