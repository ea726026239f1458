// A journal from end to end, without its definition: as far as its own checksums and hashes tell, and its seals if there are some.
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { StoreError } from '../../errors.ts'
import { readBody } from '../../journals/file/compaction/index.ts'
import { readEntry, readRecord } from '../../journals/file/format/record.ts'
import type { SharedSource } from '../../journals/url/index.ts'
import { openShared } from '../../journals/url/index.ts'
import type { TornTail } from '../../port/journal.ts'
import type { Comparison } from '../../proof/seals/comparison.ts'
import type { Statement } from '../../proof/seals/seal.ts'
import type { Progress } from '../terminal/progress.ts'
import { counted } from '../terminal/text.ts'
import { EngineWalk, FileWalk } from './chain-walk.ts'
import { describeTail, type JournalFile, readRecords, withJournal } from './journal-file.ts'
import type { Source } from './source.ts'

/** Grows while a journal is read, so that it is known where damage is. */
interface Count {
  records: number
}

export interface Walked {
  readonly bytes: number
  readonly store: string
  readonly created?: string | undefined
  /** Of a URL: its identity, and the first seq that is still there. */
  readonly epoch?: string
  readonly first?: number
  /** What a crash left at the end: harmless, since it was never acknowledged. */
  readonly found?: Omit<TornTail, 'savedTo'> | undefined
  /** The same for people. */
  readonly warning?: string | undefined
  /** What a seal would say of it; undefined without a hash chain. */
  readonly statement?: Statement | undefined
}

export interface WalkOptions {
  readonly count?: Count
  /** Makes what was read durable: a seal must not name a record that a power cut can take. */
  readonly isToSeal?: boolean
}

/** Throws StoreError if the journal is damaged, and tells the comparison what it reads, of its archives too. */
export function walkJournal(
  source: Source,
  comparison: Comparison | undefined,
  told: Progress,
  options: WalkOptions = {},
): Promise<Walked> {
  return source.path === undefined
    ? walkShared(source, comparison, told, options)
    : walkFile(source.path, comparison, told, options)
}

async function walkFile(
  path: string,
  comparison: Comparison | undefined,
  told: Progress,
  { count = { records: 0 }, isToSeal }: WalkOptions,
): Promise<Walked> {
  let epoch: string | undefined
  const walked = await withJournal(path, async (journal) => {
    if (!journal.header) throw await withoutHeader(journal)
    epoch = journal.header.epoch
    const walk = new FileWalk(path, comparison)
    const tail = await readThrough(journal, walk, told, count)
    const { store, created } = journal.header
    const { end, found } = tail ?? { end: journal.begin }
    const bytes = end.offset + (found?.bytes ?? 0)
    const warning = found && describeTail(path, end, found)
    if (isToSeal) await makeDurable(journal, end.offset)
    return { bytes, store, created, found, warning, statement: walk.end() }
  })
  if (comparison)
    for (const archive of await archivesOf(path))
      await walkArchive(archive, epoch, comparison, told)
  return walked
}

async function readThrough(journal: JournalFile, walk: FileWalk, told: Progress, count: Count) {
  await verifyBase(journal)
  await walk.begin(journal)
  return readRecords(
    journal,
    (lines) => {
      for (const line of lines) {
        readRecord(journal.path, line)
        walk.take(line)
        count.records += 1
      }
    },
    { progress: told },
  )
}

/** What another journal left beside this one says nothing about it. */
const walkArchive = (
  path: string,
  epoch: string | undefined,
  comparison: Comparison,
  told: Progress,
): Promise<void> =>
  withJournal(path, async (journal) => {
    if (journal.header?.epoch !== epoch) return
    const walk = new FileWalk(path, comparison, true)
    await readThrough(journal, walk, told, { records: 0 })
    walk.end()
  })

async function archivesOf(path: string): Promise<readonly string[]> {
  const directory = dirname(path)
  const begin = basename(path)
  const isArchive = (name: string) =>
    name.startsWith(begin) && /^\.\d+\.archive(\.\d+)?$/.test(name.slice(begin.length))
  const names = existsSync(directory) ? await readdir(directory) : []
  return names.filter(isArchive).map((name) => join(directory, name))
}

async function makeDurable({ path, file }: JournalFile, end: number): Promise<void> {
  await file.datasync()
  if ((await file.size()) >= end) return
  throw new StoreError(
    'io',
    `${path} was cut back by its writer while it was read: seal it again`,
    {
      path,
    },
  )
}

const walkShared = (
  source: SharedSource,
  comparison: Comparison | undefined,
  told: Progress,
  { count = { records: 0 } }: WalkOptions,
): Promise<Walked> =>
  openShared(source, async (journal, found) => {
    const { head, first, store, epoch } = found
    const { name } = source
    const walk = new EngineWalk(name, found, comparison)
    let [seq, bytes] = [first - 1, 0]
    for await (const entries of journal.read(seq, { to: head })) {
      for (const entry of entries) {
        if (entry.seq !== seq + 1) throw damaged(name, `has record ${entry.seq} after ${seq}`)
        readEntry(name, entry)
        walk.take(entry)
        seq = entry.seq
        bytes += Buffer.byteLength(entry.text)
        count.records += 1
      }
      told.report(seq, head)
    }
    if (seq < head)
      throw damaged(name, `ends with record ${seq}, and says that ${head} is the last`)
    return { bytes, store, epoch, first, statement: walk.end() }
  })

/** Opening such a file makes a new journal of it. Someone who verifies it expects a journal that is there. */
async function withoutHeader({ path, file }: JournalFile): Promise<StoreError> {
  const bytes = await file.size()
  const what =
    bytes === 0 ? 'the file is empty' : `${counted(bytes, 'byte')} of a header that was cut off`
  const message = `${path}: it has no journal: ${what}`
  return new StoreError('foreign', message, { path, line: 1, offset: 0 })
}

const damaged = (name: string, what: string): StoreError =>
  new StoreError('corrupt', `${name} ${what}`, { path: name })

/** The state that a journal was compacted to, line by line. */
async function verifyBase({ path, file, header }: JournalFile): Promise<void> {
  if (!header?.base) return
  const { seed, length: offset, base } = header
  await readBody(file, { path, seed, offset, line: 2 }, base)
}
