// ministore-ts copy: the records of a journal into another one, on whichever engine.

import { Command, Option } from 'commander'
import pc from 'picocolors'
import type { AnyStoreDefinition } from '../../define/store-definition.ts'
import { StoreError } from '../../errors.ts'
import type { ChainOption } from '../../journals/chain/features.ts'
import { readEntry } from '../../journals/file/format/record.ts'
import type { Journal } from '../../port/journal.ts'
import { appender } from '../sources/appender.ts'
import { type Copied, type End, openEnd, openToWrite } from '../sources/copy-source.ts'
import { describeDamage, isDamage } from '../sources/journal-file.ts'
import { loadDefinition } from '../sources/load.ts'
import { type Source, sourceOf, toRead } from '../sources/source.ts'
import { answerWith } from '../terminal/exit.ts'
import { leave, print } from '../terminal/output.ts'
import { progress } from '../terminal/progress.ts'
import { Refusal, refusing } from '../terminal/refusal.ts'
import { counted, safe, sized } from '../terminal/text.ts'

/** How long it goes on after Ctrl-C. */
const MOST_MS = 1000

interface CopyOptions {
  readonly store?: string
  readonly chain?: true
  readonly format: 'pretty' | 'json'
}

/** What is printed as JSON. */
interface Copy {
  readonly from: string
  readonly to: string
  readonly store: string
  /** The last seq of both. */
  readonly seq: number
  /** How many were copied, and the bytes of their JSON. */
  readonly records: number
  readonly bytes: number
  /** How many were there before, and are the same. */
  readonly present: number
  /** Of the state that both give. */
  readonly digest?: string | undefined
}

export function copyCommand(): Command {
  return new Command('copy')
    .description('Copy a journal between files, PostgreSQL, NATS and SQLite, or continue a copy.')
    .argument(
      '<from>',
      'a journal file or its URL; the command only reads it, and a store may have it open',
    )
    .argument('<to>', 'the file or URL of the copy; created if it does not exist')
    .option('--store <file#export>', 'at the end, replay both: their states must be equal')
    .option('--chain', 'give a new copy a hash chain, also if the source has none')
    .addOption(
      new Option('--format <format>', 'how to report')
        .choices(['pretty', 'json'])
        .default('pretty'),
    )
    .addHelpText(
      'after',
      `
Copies the records that exist when the command begins. The sequence numbers and the JSON of each
record stay the same, byte for byte. The command compares existing records of the copy with the
source, one by one. If a record differs, or the copy has more records, the command names the
sequence number and changes nothing. Run the same command again after an interruption, or when
the source has grown.

If the source has a hash chain, the copy has the same chain, so the seals of the source fit the copy
(verify --copied). With --chain, the command creates a copy with a chain of a journal without one.

A journal that was compacted or truncated cannot be copied. No other program may write to the copy
in the meantime.

Exit codes: 0 done, 1 the copy is another journal, another program writes to it, or the source is
damaged, 2 the command could not run, 130 interrupted: run it again to continue.

Examples:
  $ npx ministore-ts copy data/broker.jsonl "postgres://db.example.org/app#broker" --store src/broker.ts
  $ npx ministore-ts copy "postgres://db.example.org/app#broker" "nats://n1:4222,n2:4222,n3:4222#broker"
  $ npx ministore-ts copy "nats://127.0.0.1?replicas=1#broker" backup/broker.jsonl --format json
`,
    )
    .action(refusing(runCopy))
}

async function runCopy(from: string, to: string, options: CopyOptions): Promise<void> {
  const [source, target] = [await sourceOf(from), await sourceOf(to)]
  const definition = options.store === undefined ? undefined : await loadDefinition(options.store)
  const interrupted = new AbortController()
  const interrupt = () => {
    console.error('ministore: interrupted: run it again to go on')
    answerWith(130)
    interrupted.abort()
    // What is under way is done soon, or waits for a server; nothing is lost by not waiting for it.
    setTimeout(leave, MOST_MS, 130).unref()
  }
  process.once('SIGINT', interrupt)
  try {
    const copied = await copy(source, target, options.chain, interrupted.signal)
    interrupted.signal.throwIfAborted()
    process.off('SIGINT', interrupt)
    const digest = definition && (await compareStates(definition, source, target, copied.seq))
    await report({ ...copied, digest }, options)
  } catch (error) {
    if (interrupted.signal.aborted) return
    throw isDamage(error) ? new Refusal(describeDamage(error)) : error
  } finally {
    process.off('SIGINT', interrupt)
  }
}

async function copy(
  source: Source,
  target: Source,
  chain: true | undefined,
  signal: AbortSignal,
): Promise<Copy> {
  const from = await openEnd(source)
  if (!from) throw new Error(`${source.name}: the journal does not exist, or has no header yet`)
  try {
    const there = await openEnd(target)
    try {
      if (there) await compare(from, there, chain, signal)
    } finally {
      await there?.close()
    }
    const { name, store, head: seq } = from
    const [records, bytes] =
      there?.head === seq ? [0, 0] : await append(from, target, there, from.chain ?? chain, signal)
    await confirm(from, target)
    if (await from.hasGrown()) {
      const what = `${name} has grown since: its records after seq ${seq} were not copied`
      console.error(safe(`note: ${what}; run it again for them`))
    }
    const present = there?.head ?? 0
    return { from: name, to: target.name, store, seq, records, bytes, present }
  } finally {
    await from.close()
  }
}

/** Throws Refusal unless what is there is how the source begins: every record of it is looked at. */
async function compare(
  from: End,
  there: End,
  chain: true | undefined,
  signal: AbortSignal,
): Promise<void> {
  const refuse = (what: string) =>
    new Refusal(`${there.name} is no copy of ${from.name}: ${what}\n  Nothing was changed`)
  if (there.store !== from.store) {
    const [one, other] = [from.store, there.store].map((store) => JSON.stringify(store))
    throw refuse(`it is of the store ${other}, not of ${one}`)
  }
  if (from.chain !== undefined && there.chain !== from.chain) {
    const what = there.chain === undefined ? 'has no hash chain' : 'has another hash chain'
    throw refuse(`it ${what}, and a copy keeps the one of its source`)
  }
  if (chain && there.chain === undefined)
    throw refuse('it has no hash chain, and cannot get one: name a new journal')
  const told = progress('comparing', there.name)
  const others = each(there.read(0, there.head))
  try {
    for await (const { seq, text } of each(from.read(0, Math.min(from.head, there.head)))) {
      signal.throwIfAborted()
      const { value: other } = await others.next()
      if (other?.text !== text) throw refuse(`record ${seq} differs`)
      told.report(seq, there.head)
    }
  } finally {
    told.end()
    await others.return(undefined)
  }
  if (there.head <= from.head) return
  throw refuse(`record ${from.head + 1} is only in it, and ${there.head} is its last one`)
}

async function* each(
  chunks: AsyncIterable<readonly Copied[]>,
): AsyncGenerator<Copied, undefined, undefined> {
  for await (const entries of chunks) yield* entries
  return undefined
}

/** Returns how many records, and how many bytes. */
async function append(
  from: End,
  target: Source,
  there: End | undefined,
  chain: ChainOption,
  signal: AbortSignal,
): Promise<readonly [number, number]> {
  const begin = there?.head ?? 0
  const journal = await openToWrite(target, from.store, there ? undefined : chain, there)
  const told = progress('copying', `${from.name} to ${target.name}`)
  const into = appender(journal, begin)
  let bytes = 0
  try {
    for await (const entries of from.read(begin, from.head)) {
      for (const entry of entries) {
        signal.throwIfAborted()
        bytes += sizeFor(journal, from, entry)
        await into.add(entry)
      }
      told.report(into.seq, from.head)
    }
    await into.flush()
    return [into.seq - begin, bytes]
  } catch (error) {
    throw withProgress(error, into.seq - begin)
  } finally {
    told.end()
    await journal.close()
  }
}

/** In bytes. Throws if it is not a record, or the journal could not hold it. */
function sizeFor(journal: Journal, { name }: End, entry: Copied): number {
  readEntry(name, entry)
  const { seq, text } = entry
  // A file has it on one line, after fields of its own.
  if (!/^\{"(?!seq"|b")[^\n]*\}$/.test(text)) {
    const what = `${name}: record ${seq} is not written as ministore writes it`
    throw new StoreError('corrupt', what, { path: name, seq })
  }
  const bytes = Buffer.byteLength(text)
  if (bytes <= journal.maxEntryBytes) return bytes
  const most = sized(journal.maxEntryBytes)
  throw new Refusal(`${name}: record ${seq} has ${sized(bytes)}, and ${journal.name} takes ${most}`)
}

/** The same error; its message says what is done. */
function withProgress(error: unknown, records: number): unknown {
  if (isDamage(error) || !(error instanceof StoreError)) return error
  const next = `Copied so far: ${counted(records, 'record')}. Run it again to go on`
  return new StoreError(error.code, `${error.message}\n  ${next}`, { cause: error })
}

/** Throws Refusal unless the copy ends if it should. */
async function confirm(from: End, target: Source): Promise<void> {
  const made = await openEnd(target)
  await made?.close()
  if (made?.head === from.head) return
  const what = `it has ${made?.head ?? 0} records, and should have ${from.head}`
  throw new Refusal(`another program writes to ${target.name}: ${what}`)
}

async function compareStates(
  definition: AnyStoreDefinition,
  source: Source,
  target: Source,
  until: number,
): Promise<string> {
  const one = await definition.replay(toRead(source), { until })
  const other = await definition.replay(toRead(target), { until })
  if (one.digest === other.digest) return one.digest
  const states = `${source.name} gives ${one.digest}, ${target.name} gives ${other.digest}`
  throw new Refusal(`the states at seq ${until} are not the same: ${states}`)
}

async function report(copied: Copy, { format }: CopyOptions): Promise<void> {
  const { from, to, seq, records, bytes, present, digest } = copied
  const lines = [
    `${pc.green('ok')} ${safe(`${from} → ${to}`)}: copied ${counted(records, 'record')}, ${sized(bytes)}`,
    ...(present > 0
      ? [`  ${counted(present, 'record')} were there already, and are the same`]
      : []),
    `  the last seq of both is ${seq}`,
    ...(digest === undefined ? [] : [`  the state of both is ${digest}`]),
  ]
  await print(`${format === 'json' ? JSON.stringify(copied, null, 2) : lines.join('\n')}\n`)
}
