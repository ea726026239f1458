// ministore-ts stats: what a journal holds, counted.
import { Command, Option } from 'commander'
import {
  type PlainMutation,
  type PlainRecord,
  readEntry,
  readRecord,
} from '../../journals/file/format/record.ts'
import type { RecordLine, Tail } from '../../journals/file/format/scan.ts'
import type { SharedSource } from '../../journals/url/index.ts'
import { openShared, truncated } from '../../journals/url/index.ts'
import {
  describeTail,
  type JournalFile,
  readRecords,
  tellingDamage,
  withJournal,
} from '../sources/journal-file.ts'
import { sourceOf } from '../sources/source.ts'
import { safeLines } from '../terminal/lines.ts'
import { print } from '../terminal/output.ts'
import { progress } from '../terminal/progress.ts'
import { counted, grouped, safe, sized } from '../terminal/text.ts'

/** Names and versions beyond these, and longer names, are counted together: a file has no end of them. */
const MAX_NAMES = 10_000
const MAX_NAME_LENGTH = 256
const OTHERS = '(others)'
const UNITS = { d: 86_400_000, h: 3_600_000, min: 60_000, s: 1000, ms: 1 }

/** Counts as they grow; sizes in bytes. */
class Counter {
  /** The header, and all records that are whole. */
  bytes: number
  records = 0
  mutations = 0
  batches = 0
  withKey = 0
  firstAt: string | undefined
  lastAt: string | undefined
  groups = 0
  largestGroup = 0
  /** The first of the longest records. */
  largest: { readonly seq: number; readonly bytes: number } | undefined
  readonly types = new Map<string, TypeCount>()
  #group = 0
  #names = 0

  constructor(bytes: number) {
    this.bytes = bytes
  }

  addLine(record: PlainRecord, { seq, b, bytes: { length }, isEnded }: RecordLine): void {
    this.add(record, seq, length)
    this.bytes += Number(isEnded)
    this.groups += Number(b === 0)
    this.#group = b === 0 ? 1 : this.#group + 1
    this.largestGroup = Math.max(this.largestGroup, this.#group)
  }

  add({ at, key, mutations, isBatch }: PlainRecord, seq: number, bytes: number): void {
    this.records += 1
    this.mutations += mutations.length
    this.batches += Number(isBatch)
    this.withKey += Number(key !== undefined)
    this.bytes += bytes
    this.firstAt ??= at
    this.lastAt = at
    if (bytes > (this.largest?.bytes ?? 0)) this.largest = { seq, bytes }
    for (const mutation of mutations) this.#addMutation(mutation)
  }

  #addMutation({ type, v = 1, payload }: PlainMutation): void {
    const bytes = payload === undefined ? 0 : Buffer.byteLength(JSON.stringify(payload))
    const count = this.#countOf(type)
    count.count += 1
    count.bytes += bytes
    count.maxBytes = Math.max(count.maxBytes, bytes)
    const version = count.versions.has(v) || this.#names++ < MAX_NAMES ? v : 0
    count.versions.set(version, (count.versions.get(version) ?? 0) + 1)
  }

  #countOf(type: string): TypeCount {
    const isKept = this.#names < MAX_NAMES && type.length <= MAX_NAME_LENGTH
    const name = isKept || this.types.has(type) ? type : OTHERS
    const known = this.types.get(name)
    if (known) return known
    const count = { count: 0, bytes: 0, maxBytes: 0, versions: new Map<number, number>() }
    this.types.set(name, count)
    return count
  }
}
/** Of one mutation; the bytes are those of its payloads. */
interface TypeCount {
  count: number
  bytes: number
  maxBytes: number
  /** How many had which payload version. */
  readonly versions: Map<number, number>
}

export function statsCommand(): Command {
  return new Command('stats')
    .description('Count the records, mutations and bytes of a journal. Needs no definition.')
    .argument('<journal>', 'a journal file, or its URL')
    .addOption(
      new Option('--format <format>', 'how to report')
        .choices(['pretty', 'json'])
        .default('pretty'),
    )
    .addHelpText(
      'after',
      `
Takes no lock and writes nothing: a store may have the journal open. For a damaged journal, the
command counts the records before the damage, and reports the damage on standard error. For a URL,
it counts the bytes of the records' JSON.

Exit codes: 0 done, 1 the file is damaged or not a journal, 2 the journal cannot be read.

Examples:
  $ npx ministore-ts stats data/broker.jsonl
  $ npx ministore-ts stats data/broker.jsonl --format json | jq '.types[0]'
`,
    )
    .action((journal: string, { format }: { format: 'pretty' | 'json' }) =>
      tellingDamage(async () => {
        const source = await sourceOf(journal)
        if (source.path === undefined) await statsOfShared(source, format)
        else await statsOfFile(source.path, format)
      }),
    )
}

const statsOfFile = (path: string, format: 'pretty' | 'json'): Promise<void> =>
  withJournal(path, async (journal) => {
    const counter = new Counter(journal.begin.offset)
    let tail: Tail | undefined
    try {
      tail = await count(journal, counter)
    } finally {
      // Also what stands before damage.
      const { groups, largestGroup: maxRecords, records } = counter
      const mean = { meanRecords: groups > 0 ? records / groups : 0 }
      const { store, created } = journal.header ?? {}
      const whose = { journal: path, store, created }
      await tell(summary(whose, counter, { count: groups, ...mean, maxRecords }), format)
    }
    if (tail?.found) console.error(safe(describeTail(path, tail.end, tail.found)))
  })

/** No one keeps which of its records were appended together. */
const statsOfShared = (source: SharedSource, format: 'pretty' | 'json'): Promise<void> =>
  openShared(source, async (journal, { head, first, store, epoch }) => {
    if (first > 1) console.error(safe(`note: ${source.name} ${truncated(first)}`))
    const counter = new Counter(0)
    const told = progress('stats', source.name)
    try {
      for await (const entries of journal.read(first - 1, { to: head })) {
        for (const entry of entries)
          counter.add(readEntry(source.name, entry), entry.seq, Buffer.byteLength(entry.text))
        told.report(entries.at(-1)?.seq ?? 0, head)
      }
    } finally {
      told.end()
      await tell(summary({ journal: source.name, store, epoch }, counter), format)
    }
  })

async function tell(stats: Stats, format: 'pretty' | 'json'): Promise<void> {
  const text = format === 'json' ? JSON.stringify(stats, null, 2) : pretty(stats)
  await print(`${safeLines(text)}\n`)
}

/** Counts all records; returns where they end, and what a crash left after them. */
async function count(journal: JournalFile, counter: Counter): Promise<Tail | undefined> {
  const told = progress('stats', journal.path)
  const take = (lines: readonly RecordLine[]) => {
    for (const line of lines) counter.addLine(readRecord(journal.path, line), line)
  }
  try {
    return await readRecords(journal, take, { progress: told })
  } finally {
    told.end()
  }
}

type Stats = ReturnType<typeof summary>

interface Whose {
  readonly journal: string
  readonly store: string | undefined
  readonly created?: string | undefined
  readonly epoch?: string
}
interface Groups {
  readonly count: number
  readonly meanRecords: number
  readonly maxRecords: number
}

/** What is printed as JSON; `share` of all mutations, sizes in bytes. */
function summary({ journal, store, created, epoch }: Whose, counter: Counter, groups?: Groups) {
  const { bytes, records, mutations, batches, withKey, firstAt, lastAt, largest } = counter
  const types = [...counter.types]
    .map(([type, { count, bytes, maxBytes, versions }]) => ({
      type,
      count,
      share: count / mutations,
      bytes,
      meanBytes: bytes / count,
      maxBytes,
      versions: Object.fromEntries(versions),
    }))
    .toSorted((one, other) => other.count - one.count)
  return {
    ...{ journal, store, created, epoch },
    bytes,
    records,
    mutations,
    batches,
    withKey,
    firstAt,
    lastAt,
    spanMs: firstAt && lastAt ? Date.parse(lastAt) - Date.parse(firstAt) : undefined,
    groups,
    largest,
    types,
  }
}

function pretty(stats: Stats): string {
  const { journal, store, created, firstAt, lastAt, spanMs = 0, groups, largest, types } = stats
  const since = created === undefined ? '' : `, created ${created}`
  const whose = store === undefined ? 'no header' : `store ${JSON.stringify(store)}${since}`
  const facts = [
    ['records', `${grouped(stats.records)}, ${sized(stats.bytes)}`],
    ['mutations', `${grouped(stats.mutations)}, ${counted(stats.batches, 'batch', 'batches')}`],
    ['with key', grouped(stats.withKey)],
    ...(groups ? [['groups', grouping(groups)]] : []),
    ['time', firstAt === undefined ? '-' : `${firstAt} to ${lastAt} (${duration(spanMs)})`],
    ['largest', largest ? `record ${largest.seq}, ${sized(largest.bytes)}` : '-'],
  ]
  const rows = types.map(({ type, count, share, bytes, meanBytes, maxBytes, versions }) => [
    grouped(count),
    `${(share * 100).toFixed(1)} %`,
    sized(bytes),
    sized(Math.round(meanBytes)),
    sized(maxBytes),
    Object.keys(versions).join(', '),
    safe(type),
  ])
  const head = ['count', 'share', 'payloads', 'mean', 'max', 'versions', 'mutation']
  return [
    `${journal}: ${whose}`,
    ...facts.map(([name = '', fact]) => `  ${name.padEnd(9)}  ${fact}`),
    ...(rows.length > 0 ? ['', ...aligned([head, ...rows])] : []),
  ].join('\n')
}

const grouping = ({ count, meanRecords, maxRecords }: Groups) =>
  `${grouped(count)}, ${meanRecords.toFixed(1)} records each, ${maxRecords} at most`

/** Columns to the right, but the last. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows.reduce<number[]>(
    (widest, row) => row.map((cell, column) => Math.max(cell.length, widest[column] ?? 0)),
    [],
  )
  return rows.map((row) =>
    row
      .map((cell, column) => (column < row.length - 1 ? cell.padStart(widths[column] ?? 0) : cell))
      .join('  '),
  )
}

/** The two largest units: 3 d 4 h. */
function duration(ms: number): string {
  let rest = Math.abs(ms)
  const parts = Object.entries(UNITS).flatMap(([unit, size]) => {
    const count = Math.floor(rest / size)
    rest -= count * size
    return count > 0 ? [`${count} ${unit}`] : []
  })
  return parts.slice(0, 2).join(' ') || '0 ms'
}
