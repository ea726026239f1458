// ministore-ts log: a journal's records, for people and for programs, also as they are appended.

import { setTimeout } from 'node:timers/promises'
import { Command, InvalidArgumentError, Option } from 'commander'
import { readEntry, readRecord } from '../../journals/file/format/record.ts'
import type { FilePosition, RecordLine } from '../../journals/file/format/scan.ts'
import type { EngineLook, SharedJournal } from '../../journals/shared/index.ts'
import { openShared, truncated } from '../../journals/url/index.ts'
import {
  describeTail,
  isDamage,
  type JournalFile,
  readRecords,
  tellingDamage,
  withJournal,
} from '../sources/journal-file.ts'
import { sourceOf } from '../sources/source.ts'
import { answerWith } from '../terminal/exit.ts'
import { progress } from '../terminal/progress.ts'
import { matches, View, type ViewOptions } from '../terminal/record-printer.ts'
import { grouped, safe } from '../terminal/text.ts'
import { type Condition, parseCondition } from '../terminal/where.ts'

const POLL_MS = 100
const MAX_LAST = 1_000_000
const ISO = /^(\d{4}-\d\d-\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?$/

interface LogOptions extends ViewOptions {
  readonly last?: number
}

export function logCommand(): Command {
  return new Command('log')
    .description('Print the records of a journal. Needs no definition.')
    .argument('<journal>', 'a journal file, or its URL')
    .addOption(
      new Option('--type <name>', 'records with this mutation; repeat the option for more')
        .argParser(collect)
        .default([], 'all'),
    )
    .addOption(
      new Option(
        '--where <field=value>',
        'records with this metadata: actor=ann, a.b=3; also command=, key=, payload.name=; repeat the option to combine conditions',
      )
        .argParser(collectCondition)
        .default([], 'all'),
    )
    .option('--after <seq>', 'records after this one', toCount(0))
    .option('--until <seq>', 'records up to this one', toCount(0))
    .option('--since <time>', 'records of this time or later (ISO 8601, UTC)', toTime)
    .option('--before <time>', 'records before this time', toTime)
    .addOption(new Option('--limit <n>', 'the first n records').argParser(toCount(1)))
    .addOption(
      new Option('--last <n>', 'the last n records')
        .argParser(toCount(1, MAX_LAST))
        .conflicts('limit'),
    )
    .option('--follow', 'then wait for new records, until Ctrl-C')
    .addOption(
      new Option('--format <format>', 'json: one record per line')
        .choices(['pretty', 'json'])
        .default('pretty'),
    )
    .addHelpText(
      'after',
      `
Takes no lock and writes nothing: a store may have the journal open. A record can be shown a moment
before the store acknowledges it. For a damaged journal, the command prints the records before the
damage, and reports the damage on standard error.

For a URL, only durable records are shown, and --follow reconnects if the server was unavailable.

Exit codes: 0 done, 1 the file is damaged or not a journal, or was replaced while it was followed,
2 the command could not run, 130 interrupted.

Examples:
  $ npx ministore-ts log data/broker.jsonl --last 10
  $ npx ministore-ts log data/broker.jsonl --type addTopic --since 2026-11-22
  $ npx ministore-ts log data/broker.jsonl --where actor=ann --where command=createTopics
  $ npx ministore-ts log data/broker.jsonl --follow --format json | jq .payload
  $ npx ministore-ts log "postgres://db.example.org/app#broker" --last 10
`,
    )
    .action((journal: string, options: LogOptions) => tellingDamage(() => show(journal, options)))
}

async function show(journal: string, options: LogOptions): Promise<void> {
  const source = await sourceOf(journal)
  if (source.path !== undefined) await withJournal(source.path, (file) => log(file, options))
  else await openShared(source, (shared, found) => logShared(shared, found, options))
}

const collect = (value: string, values: readonly string[]) => [...values, value]

function collectCondition(text: string, conditions: readonly Condition[]): readonly Condition[] {
  const condition = parseCondition(text)
  if (condition) return [...conditions, condition]
  throw new InvalidArgumentError('It must be a field and a value, such as actor=ann.')
}

function toCount(least: number, most: number = Number.MAX_SAFE_INTEGER) {
  return (text: string): number => {
    const count = Number(text)
    if (/^\d+$/.test(text) && count >= least && count <= most) return count
    throw new InvalidArgumentError(`It must be a whole number, ${least} to ${grouped(most)}.`)
  }
}

function toTime(text: string): number {
  const [, day = '', zone] = ISO.exec(text) ?? []
  const time = Date.parse(text.includes('T') && zone === undefined ? `${text}Z` : text)
  // JavaScript takes the 31st of November for the 1st of December.
  const isDay = day !== '' && new Date(Date.parse(day)).toJSON()?.startsWith(day)
  if (isDay && !Number.isNaN(time)) return time
  throw new InvalidArgumentError('It must be a time such as 2026-11-22 or 2026-11-22T16:00:00Z.')
}

async function log(journal: JournalFile, options: LogOptions): Promise<void> {
  const { path, file, header, begin } = journal
  const { last, follow } = options
  if (follow && !header) throw new Error(`${path} has no header yet: open it with its definition`)
  const view = new View(path, options, last ? await findLast(journal, options, last) : begin)
  const until = follow && (await file.size())
  const tail = await readRecords(journal, view.take, { from: view.end, until })
  view.hint()
  if (tail && follow) await followOn(journal, view)
  else if (tail?.found) console.error(safe(describeTail(path, tail.end, tail.found)))
}

/** Where the last `most` records that match begin. Holds places only, since lines may be large. */
async function findLast(
  journal: JournalFile,
  options: LogOptions,
  most: number,
): Promise<FilePosition> {
  const told = progress('log', journal.path)
  const ring: FilePosition[] = []
  let count = 0
  const take = (lines: readonly RecordLine[]) => {
    for (const line of lines) {
      const { seq, offset } = line
      if (!matches(options, seq, readRecord(journal.path, line))) continue
      ring[count % most] = { seq: seq - 1, offset, line: line.line - 1 }
      count += 1
    }
  }
  try {
    await readRecords(journal, take, { progress: told })
  } catch (error) {
    // Found once more, and reported, after the printed records.
    if (!isDamage(error)) throw error
  } finally {
    told.end()
  }
  return ring[count % most] ?? ring[0] ?? journal.begin
}

/** Shows what is appended until nothing more is wanted, or the file is not the same any more. */
async function followOn(journal: JournalFile, view: View): Promise<void> {
  const { path, file } = journal
  const giveUp = (what: string) => {
    console.error(safe(`ministore: ${path} was ${what}: the new content was not shown`))
    answerWith(1)
  }
  for (;;) {
    // No further than this, since what is shown has to follow what was found to be still there.
    const size = await file.size()
    if (size < view.end.offset || !(await view.isStillIn(file)))
      return giveUp(`cut off before the end of record ${view.end.seq}, which was shown`)
    if (size > view.end.offset) {
      const tail = await readRecords(journal, view.take, { from: view.end, until: size })
      if (!tail) return
    }
    if ((await file.sizeAt(path)) === undefined) return giveUp('removed or replaced')
    await setTimeout(POLL_MS)
  }
}

/** The size of the first window in which the last matching records are searched. */
const FIRST_WINDOW = 1000

async function logShared(
  journal: SharedJournal,
  { head, first }: EngineLook,
  options: LogOptions,
): Promise<void> {
  const { last, after = 0, until = head, follow } = options
  if (after < first - 1) console.error(safe(`note: ${journal.name} ${truncated(first)}`))
  const from = Math.max(after, first - 1)
  const begin = last ? await findLastShared(journal, [from, head], options, last) : from
  const view = new View(journal.name, options)
  let seq = begin
  for await (const entries of journal.read(begin, { to: Math.min(head, until) })) {
    if ((await view.takeEntries(entries)) === 'stop') return view.hint()
    seq = entries.at(-1)?.seq ?? seq
  }
  view.hint()
  if (!follow) return
  const ended = new AbortController()
  try {
    for await (const entries of journal.follow(seq, ended.signal))
      if ((await view.takeEntries(entries)) === 'stop') return
  } finally {
    ended.abort()
  }
}

/** The seq before the last `most` records that match: from the end, since each record is fetched. */
async function findLastShared(
  journal: SharedJournal,
  [from, head]: readonly [number, number],
  options: LogOptions,
  most: number,
): Promise<number> {
  const told = progress('log', journal.name)
  try {
    for (let window = Math.max(FIRST_WINDOW, most); ; window *= 8) {
      const after = Math.max(from, head - window)
      const found: number[] = []
      for await (const entries of journal.read(after, { to: head })) {
        for (const entry of entries)
          if (matches(options, entry.seq, readEntry(journal.name, entry))) found.push(entry.seq)
        told.report(entries.at(-1)?.seq ?? 0, head)
      }
      const begin = found.at(-most) ?? (after === from ? found[0] : undefined)
      if (begin !== undefined) return begin - 1
      if (after === from) return from
    }
  } finally {
    told.end()
  }
}
