// ministore-ts trace: what caused a record, and what it caused.
import { Command, InvalidArgumentError, Option } from 'commander'
import pc from 'picocolors'
import { type CauseNode, Causes, MAX_DRAWN } from '../../inspect/causes.ts'
import { textOf } from '../../journals/file/format/line.ts'
import { type PlainRecord, readEntry, readRecord } from '../../journals/file/format/record.ts'
import type { SharedSource } from '../../journals/url/index.ts'
import { openShared } from '../../journals/url/index.ts'
import { isDamage, readRecords, withJournal } from '../sources/journal-file.ts'
import { sourceOf } from '../sources/source.ts'
import { print } from '../terminal/output.ts'
import { recordText } from '../terminal/record-printer.ts'
import { Refusal, refusing } from '../terminal/refusal.ts'
import { safe } from '../terminal/text.ts'

/** How many nodes are printed, and so held, at once. */
const PAGE = 1000

interface TraceOptions {
  readonly format: 'pretty' | 'json'
}

export function traceCommand(): Command {
  return new Command('trace')
    .description('Show the causes and the effects of a record. Needs no definition.')
    .argument('<journal>', 'a journal file, or its URL')
    .argument('<seq>', 'the record', toSeq)
    .addOption(
      new Option('--format <format>', 'json: one record per line, with its depth in the tree')
        .choices(['pretty', 'json'])
        .default('pretty'),
    )
    .addHelpText(
      'after',
      `
The links are in the metadata of the records. causationId is the seq of the record that caused this
one, or an ID from another system. correlationId is the same for all records of one request. If several
causes have the same correlationId, all their trees are shown, and an arrow marks the record.

Takes no lock and writes nothing. For a damaged journal, the command shows the records before the
damage, and exits with 1.

Examples:
  $ npx ministore-ts trace data/broker.jsonl 12
  $ npx ministore-ts trace data/broker.jsonl 12 --format json | jq .metadata.actor
`,
    )
    .action(refusing(trace))
}

function toSeq(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be the sequence number of a record, such as 12.')
}

interface Shown {
  readonly record: PlainRecord
  readonly text: string
}
/** Hands over each record of a journal, until the callback returns false. */
type Scan = (take: (seq: number, read: () => Shown) => boolean) => Promise<void>

async function trace(journal: string, seq: number, options: TraceOptions): Promise<void> {
  const source = await sourceOf(journal)
  const scan = source.path === undefined ? sharedScan(source) : fileScan(source.path)
  const causes = new Causes()
  let last = 0
  let isThere = false
  const damage = await scan((at, read) => {
    causes.add(at, read().record.metadata)
    last = at
    isThere ||= at === seq
    return true
  }).catch((error: unknown) => {
    if (!isDamage(error)) throw error
    return error
  })
  if (!isThere) {
    const refusal = `${source.name} has no record ${seq}: its last one is ${last}`
    throw new Refusal(damage ? `${refusal}\n${damage.message}` : refusal)
  }
  const correlation = causes.correlationOf(seq)
  if (correlation !== undefined && options.format === 'pretty')
    await print(`${pc.bold('correlation')} ${safe(JSON.stringify(correlation))}\n`)
  const nodes = causes.tree(seq)
  for (let page = take(nodes); page.length > 0; page = take(nodes)) {
    const shown = await records(page, scan)
    const tell = options.format === 'json' ? json : pretty
    if (!(await print(page.map((node) => tell(node, shown, seq)).join('')))) return
  }
  if (damage) throw new Refusal(damage.message)
}

function take(nodes: Iterator<CauseNode>): CauseNode[] {
  const page: CauseNode[] = []
  while (page.length < PAGE) {
    const { done, value } = nodes.next()
    if (done) break
    page.push(value)
  }
  return page
}

/** The records of these nodes: read once more, since all of them may be more than memory holds. */
async function records(nodes: readonly CauseNode[], scan: Scan): Promise<Map<number, Shown>> {
  const wanted = new Set(nodes.map(({ cause }) => cause))
  const shown = new Map<number, Shown>()
  const last = Math.max(...[...wanted].filter((cause) => typeof cause === 'number'))
  await scan((seq, read) => {
    if (wanted.has(seq)) shown.set(seq, read())
    return seq < last
  }).catch((error: unknown) => {
    if (!isDamage(error)) throw error
  })
  return shown
}

const fileScan =
  (path: string): Scan =>
  (take) =>
    withJournal(path, async (journal) => {
      await readRecords(journal, (lines) => {
        for (const line of lines) {
          const read = () => ({ record: readRecord(path, line), text: textOf(line) })
          if (!take(line.seq, read)) return 'stop'
        }
        return undefined
      })
    })

const sharedScan =
  (source: SharedSource): Scan =>
  (take) =>
    openShared(source, async (journal, { head, first }) => {
      for await (const entries of journal.read(first - 1, { to: head })) {
        for (const entry of entries) {
          const read = () => ({ record: readEntry(journal.name, entry), text: entry.text })
          if (!take(entry.seq, read)) return
        }
      }
    })

function json({ cause, depth }: CauseNode, shown: ReadonlyMap<number, Shown>, seq: number): string {
  const about = { depth, ...(cause === seq && { asked: true }) }
  if (typeof cause === 'string')
    return `${safe(JSON.stringify({ ...about, causationId: cause }))}\n`
  const record = shown.get(cause)
  const fields = record ? JSON.parse(record.text) : { missing: true }
  return `${safe(JSON.stringify({ ...about, seq: cause, ...fields, ...about }))}\n`
}

function pretty(node: CauseNode, shown: ReadonlyMap<number, Shown>, seq: number): string {
  const { cause, depth, isLast } = node
  const record = typeof cause === 'number' ? shown.get(cause)?.record : undefined
  const above = isLast.slice(0, -1).map((last) => (last ? '   ' : '│  '))
  const branch = depth === 0 ? '' : isLast.at(-1) ? '└─ ' : '├─ '
  const deeper = depth > MAX_DRAWN ? `(depth ${depth}) ` : ''
  return `${above.join('')}${branch}${deeper}${label(cause, record)}${cause === seq ? pc.bold('  ←') : ''}\n`
}

function label(cause: number | string, record: PlainRecord | undefined): string {
  if (typeof cause === 'string') return `${safe(JSON.stringify(cause))}  (not in this journal)`
  if (record) return recordText(cause, record)
  return `${cause}  (not in this journal)`
}
