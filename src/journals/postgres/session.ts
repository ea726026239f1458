// What has to be so in each session of the server before a journal can be kept.
import { StoreError } from '../../index.ts'
import type { Caller } from './database.ts'
import type { Row } from './pipeline.ts'

export interface Session {
  /** Of the server's process: another one after each start of it. */
  readonly id: string
  readonly isStandby: boolean
  readonly fsync: string
  readonly encoding: string
  readonly version: number
}

/** gen_random_uuid() came with it. */
const OLDEST = 13

export const sessionOf = (row: Row | undefined): Session => ({
  id: `${row?.['started']} ${row?.['pid']}`,
  isStandby: row?.['standby'] === 'true',
  fsync: row?.['fsync'] ?? '',
  encoding: row?.['encoding'] ?? '',
  version: Number(row?.['version']),
})

/** Each connection may lead to another server than the last. Throws StoreError `config`, or as the caller says. */
export function assertUsable(session: Session, { name, standby }: Caller): void {
  const refuse = (code: 'config' | 'unavailable', why: string) =>
    new StoreError(code, `${name}: ${why}`, { path: name })
  const { isStandby, fsync, encoding, version } = session
  if (version < OLDEST * 10_000)
    throw refuse('config', `the server is older than PostgreSQL ${OLDEST}: use a newer one`)
  if (encoding !== 'UTF8')
    throw refuse(
      'config',
      `the database is encoded in ${encoding}: create one with ENCODING 'UTF8'`,
    )
  // A caller that only reads waits for no disk.
  if (standby === undefined) return
  if (isStandby) {
    const next = 'Name the primary, or open the store with { readOnly: true }'
    throw refuse(standby, `the server is a standby, which cannot be written to. ${next}`)
  }
  if (fsync !== 'on')
    throw refuse('config', 'the server runs with fsync=off and would lose records: set it to on')
}
