// What a journal argument names: a file, or a journal that PostgreSQL, NATS JetStream or SQLite keeps.

import { fileJournal } from '../../journals/file/index.ts'
import {
  isEngineUrl,
  SharedReader,
  type SharedSource,
  schemeOf,
  sharedSource,
} from '../../journals/url/index.ts'
import type { Journal } from '../../port/journal.ts'

export type Source = FileSource | SharedSource

interface FileSource {
  /** For messages. */
  readonly name: string
  readonly path: string
}

/** Nothing is connected. Throws Error that shows nothing of what may be a password. */
export async function sourceOf(argument: string): Promise<Source> {
  if (isEngineUrl(argument)) return sharedSource(argument, process.env)
  if (schemeOf(argument) === undefined) return { name: argument, path: argument }
  const schemes = 'postgres://, nats://, tls:// or sqlite:'
  throw new Error(`a journal is a file, or a URL that begins with ${schemes}`)
}

/** A reader of it, for any definition. */
export const toRead = (source: Source): Journal =>
  source.path === undefined ? new SharedReader(source.make()) : fileJournal(source.path, READ_ONLY)

const READ_ONLY = { readOnly: true } as const

/** For a verb that works on files. Throws Error if it is a URL, without showing it. */
export function assertFile(argument: string): void {
  if (schemeOf(argument) === undefined) return
  throw new Error(
    'this works on a file, not on a URL: `npx ministore-ts copy` makes a file of the journal',
  )
}
