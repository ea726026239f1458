// Several statements in one round trip and one transaction, which leave nothing in the session: a pooler gives the
// server's session to another process afterwards.
import {
  type ClientBase,
  type Connection,
  Query,
  type QueryConfig,
  type QueryResult,
  type ResultBuilder,
} from 'pg'

export type Row = Readonly<Record<string, string | null>>

/** Values come as text, whatever the program has told `pg` to make of them. */
export const AS_TEXT = { getTypeParser: () => (value: unknown) => value } as NonNullable<
  QueryConfig['types']
>

export interface Plain {
  readonly text: string
  readonly values?: readonly string[]
}

/**
 * Sends `first` and then `last`, all of them unnamed, and one Sync at the end: the server takes them as one
 * transaction (PostgreSQL, "Pipelining"). Returns the results in this order.
 */
export function pipelined(
  client: ClientBase,
  first: readonly Plain[],
  last: { readonly text: string; readonly values: readonly unknown[] },
): Promise<readonly QueryResult<Row>[]> {
  return new Promise((resolve, reject) => {
    const config = { text: last.text, values: [...last.values], types: AS_TEXT }
    const query = new Query<Row>(
      { ...config, queryMode: 'extended' } as QueryConfig,
      (error: Error | null | undefined, results?: Results) => {
        if (error) reject(error)
        else resolve([results ?? []].flat())
      },
    )
    const submit = query.submit.bind(query)
    query.submit = (connection) => {
      const { stream } = connection
      stream.cork?.()
      try {
        for (const statement of first) send(connection, statement)
        return submit(connection)
      } finally {
        stream.uncork?.()
      }
    }
    client.query(query)
  })
}

/** One for each statement, or the only one. */
type Results = ResultBuilder<Row> | ResultBuilder<Row>[]

/** `true` exists in the types alone: a Sync follows later. */
function send(connection: Connection, { text, values = [] }: Plain): void {
  connection.parse({ name: '', text, types: [] }, true)
  connection.bind({ values: [...values] }, true)
  connection.describe({ type: 'P' }, true)
  connection.execute({}, true)
}
