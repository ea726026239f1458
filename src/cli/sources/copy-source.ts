// Both ends of a copy: what is copied, up to where it went when it was opened, and what is there already.
import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { ChainOption } from '../../journals/chain/features.ts'
import { type FileHeader, readHeader } from '../../journals/file/format/header.ts'
import { fileJournal, nodeFileSystem } from '../../journals/file/index.ts'
import type { SharedSource } from '../../journals/url/index.ts'
import { truncated } from '../../journals/url/index.ts'
import type { Entry, Journal } from '../../port/journal.ts'
import { Refusal } from '../terminal/refusal.ts'
import { safe } from '../terminal/text.ts'
import type { Source } from './source.ts'

/** `id`: of a record that has one in its journal. */
export interface Copied extends Entry {
  readonly id?: string
}

/** A journal that is open for reading. Its records begin with seq 1. */
export interface End {
  readonly name: string
  readonly store: string
  readonly epoch: string
  /** What its hash chain begins with, if it has one. */
  readonly chain: string | undefined
  /** When it was opened. */
  readonly head: number
  read(after: number, to: number): AsyncIterable<readonly Copied[]>
  /** Whether it has more records by now. */
  hasGrown(): Promise<boolean>
  close(): Promise<void>
}

/** Undefined if there is no journal. Throws Error if its first records are not there any more. */
export const openEnd = (source: Source): Promise<End | undefined> =>
  source.path === undefined ? openShared(source) : openFile(source.path)

async function openShared(source: SharedSource): Promise<End | undefined> {
  const journal = source.make()
  const found = await journal.look()
  if (!found) return undefined
  const { name, store, epoch, head, first } = { ...found, name: source.name }
  if (first > 1) {
    await journal.close()
    throw new Error(`${name} ${truncated(first)}: a copy needs all of them`)
  }
  return {
    ...{ name, store, epoch, head, chain: chainIn(found.features) },
    read: (after, to) => journal.read(after, { to }),
    async hasGrown() {
      for await (const _ of journal.read(head, { to: head + 1 })) return true
      return false
    },
    close: () => journal.close(),
  }
}

async function openFile(path: string): Promise<End | undefined> {
  const header = await headerOf(path)
  if (!header) return undefined
  if (header.base) {
    const where = `${path}.${header.base.seq}.archive`
    const what = `was compacted to the state at seq ${header.base.seq}: a copy needs all records`
    throw new Error(`${path} ${what}. Where they were kept, those before are in ${where}`)
  }
  const { size } = await stat(path)
  const journal = fileJournal(path, { readOnly: true })
  const { epoch, head, found } = await journal.open(header.store)
  if (found?.kind === 'torn_write')
    console.error(
      safe(`note: ${path} ends with a write that was never acknowledged: it is not a record`),
    )
  return {
    ...{ name: path, store: header.store, epoch, head, chain: header.chain },
    read: (after, to) => journal.read(after, { to }),
    hasGrown: async () => (await stat(path)).size > size,
    close: async () => journal.close(),
  }
}

/** Undefined if there is no file, or one without a header: there never was a record in it. */
async function headerOf(path: string): Promise<FileHeader | undefined> {
  if (!existsSync(path)) return undefined
  const file = await nodeFileSystem().open(path, 'r')
  try {
    return await readHeader(file, path)
  } finally {
    await file.close()
  }
}

const chainIn = (features: string): string | undefined =>
  (JSON.parse(features) as { chain?: string }).chain

/** Opens the same journal to append after its known records; creates it, with this hash chain, if it does not exist. */
export async function openToWrite(
  source: Source,
  store: string,
  chain: ChainOption,
  known?: End,
): Promise<Journal> {
  const journal =
    source.path === undefined
      ? source.makeToWrite(known !== undefined, chain)
      : fileJournal(source.path, { chain })
  const { head, epoch } = await journal.open(store).catch((error: unknown) => {
    if ((error as { code?: unknown }).code !== 'locked') throw error
    throw new Refusal(`another program writes to it: ${(error as Error).message}`)
  })
  if (head === (known?.head ?? 0) && epoch === (known?.epoch ?? epoch)) return journal
  await journal.close()
  throw new Refusal(`another program writes to ${source.name}, which has ${head} records now`)
}
