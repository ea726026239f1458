// ministore-ts verify: are these files whole, as far as can be told without a definition?
import { Command, Option } from 'commander'
import pc from 'picocolors'
import { StoreError, type StoreErrorCode } from '../../errors.ts'
import { readBody } from '../../journals/file/compaction/index.ts'
import { readEntry, readRecord } from '../../journals/file/format/record.ts'
import type { SharedSource } from '../../journals/url/index.ts'
import { openShared } from '../../journals/url/index.ts'
import type { TornTail } from '../../port/journal.ts'
import {
  describeTail,
  isDamage,
  type JournalFile,
  nextStep,
  readRecords,
  withJournal,
} from '../sources/journal-file.ts'
import { type Source, sourceOf } from '../sources/source.ts'
import { safeLines } from '../terminal/lines.ts'
import { print } from '../terminal/output.ts'
import { type Progress, progress } from '../terminal/progress.ts'
import { counted, safe, sized } from '../terminal/text.ts'

/** What is printed as JSON. */
interface Verdict {
  readonly journal: string
  readonly ok: boolean
  /** How many are whole, up to the first that is not. */
  readonly records: number
  readonly bytes?: number | undefined
  readonly store?: string | undefined
  readonly created?: string | undefined
  /** Of a URL: its identity, and the first seq that is still there. */
  readonly epoch?: string
  readonly first?: number
  /** What a crash left at the end: harmless, since it was never acknowledged. */
  readonly found?: Omit<TornTail, 'savedTo'> | undefined
  /** The same for people. */
  readonly warning?: string | undefined
  readonly problem?: Problem
}
interface Problem {
  readonly code: StoreErrorCode
  readonly message: string
  /** What to do. */
  readonly next?: string | undefined
  readonly line?: number | undefined
  readonly offset?: number | undefined
  readonly seq?: number | undefined
}

export function verifyCommand(): Command {
  return new Command('verify')
    .description('Read journals from end to end and report damage. Needs no definition.')
    .argument('<journals...>', 'journal files, or URLs')
    .addOption(
      new Option('--format <format>', 'how to report')
        .choices(['pretty', 'json'])
        .default('pretty'),
    )
    .addHelpText(
      'after',
      `
Checks the header, every checksum, the order of the records, their JSON and their fields, by the
same rule as opening a store. An empty file is not a journal. Takes no lock and writes nothing:
stores may have the journals open.

A journal on an engine has no checksums. For a URL, the command checks that no record is missing up
to the last one, their JSON and their fields, and that the journal is not replaced in the meantime.

Exit codes: 0 no damage, 1 a file is damaged or not a journal, 2 a journal cannot be read.

Examples:
  $ npx ministore-ts verify data/*.jsonl
  $ npx ministore-ts verify backup/broker.jsonl --format json
  $ npx ministore-ts verify "nats://n1.example.org#broker"
`,
    )
    .action(async (journals: string[], { format }: { format: 'pretty' | 'json' }) => {
      const verdicts: Verdict[] = []
      for (const source of await Promise.all(journals.map(sourceOf))) {
        const verdict = await verify(source)
        verdicts.push(verdict)
        if (format === 'pretty') await print(`${pretty(verdict)}\n`)
      }
      if (format === 'json') await print(`${safeLines(JSON.stringify(verdicts, null, 2))}\n`)
      process.exitCode = Math.max(...verdicts.map(exitCode))
    })
}

/** Never throws: each journal is verified, whatever the others are. */
async function verify(source: Source): Promise<Verdict> {
  const told = progress('verify', source.name)
  const count = { records: 0 }
  try {
    return source.path === undefined
      ? await verifyShared(source, count, told)
      : await verifyFile(source.path, count, told)
  } catch (error) {
    return { journal: source.name, ok: false, ...count, problem: problemOf(error) }
  } finally {
    told.end()
  }
}

/** Grows, so that it is known where there is damage. */
interface Count {
  records: number
}

const verifyFile = (path: string, count: Count, told: Progress): Promise<Verdict> =>
  withJournal(path, async (journal) => {
    if (!journal.header) throw await withoutHeader(journal)
    await verifyBase(journal)
    const tail = await readRecords(
      journal,
      (lines) => {
        for (const line of lines) {
          readRecord(path, line)
          count.records += 1
        }
      },
      { progress: told },
    )
    const { store, created } = journal.header
    const { end, found } = tail ?? { end: journal.begin }
    const bytes = end.offset + (found?.bytes ?? 0)
    const warning = found && describeTail(path, end, found)
    return { journal: path, ok: true, ...count, bytes, store, created, found, warning }
  })

const verifyShared = (source: SharedSource, count: Count, told: Progress): Promise<Verdict> =>
  openShared(source, async (journal, { head, first, store, epoch }) => {
    const { name } = source
    let [seq, bytes] = [first - 1, 0]
    for await (const entries of journal.read(seq, { to: head })) {
      for (const entry of entries) {
        if (entry.seq !== seq + 1) throw damaged(name, `has record ${entry.seq} after ${seq}`)
        readEntry(name, entry)
        seq = entry.seq
        bytes += Buffer.byteLength(entry.text)
        count.records += 1
      }
      told.report(seq, head)
    }
    if (seq < head)
      throw damaged(name, `ends with record ${seq}, and says that ${head} is the last`)
    return { journal: name, ok: true, ...count, bytes, store, epoch, first }
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

function problemOf(error: unknown): Problem {
  if (!isDamage(error)) {
    const code = error instanceof StoreError ? error.code : 'io'
    return { code, message: (error as Error).message }
  }
  const { code, line, offset, seq } = error
  return { code, message: error.message, next: nextStep(error), line, offset, seq }
}

function exitCode({ problem }: Verdict): number {
  if (!problem) return 0
  // Only for damage there is something to do about it.
  return problem.next === undefined ? 2 : 1
}

function pretty(verdict: Verdict): string {
  const { journal, records, bytes = 0, store, created, first = 1, warning, problem } = verdict
  if (problem) {
    const next = problem.next === undefined ? '' : `\n  next: ${safe(problem.next)}`
    return `${pc.red('failed')} ${safe(problem.message)}${next}`
  }
  const since = created === undefined ? '; no checksums' : `, created ${created}`
  const whose = store === undefined ? '' : `, store ${JSON.stringify(store)}${since}`
  const from = first > 1 ? ` from seq ${first} on` : ''
  const whole = `${journal}: ${counted(records, 'record')}${from}, ${sized(bytes)}${whose}`
  const torn = warning && `\n  ${pc.yellow('warning')} ${safe(warning)}`
  return `${pc.green('ok')} ${safe(whole)}${torn ?? ''}`
}
