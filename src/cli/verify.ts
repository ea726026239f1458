// ministore verify: are these files whole, as far as can be told without a definition?
import { Command, Option } from 'commander'
import pc from 'picocolors'
import { readRecord } from '../format/record.ts'
import type { Found, StoreErrorCode } from '../index.ts'
import { readBody } from '../snapshot/index.ts'
import {
  describeTail,
  isDamage,
  type JournalFile,
  nextStep,
  readRecords,
  withJournal,
} from './journal.ts'
import { safeLines } from './lines.ts'
import { print } from './output.ts'
import { progress } from './progress.ts'
import { counted, safe, sized } from './text.ts'

/** What is printed as JSON. */
interface Verdict {
  readonly journal: string
  readonly ok: boolean
  /** How many are whole, up to the first that is not. */
  readonly records: number
  readonly bytes?: number | undefined
  readonly store?: string | undefined
  readonly created?: string | undefined
  /** What a crash left at the end: harmless, since it was never acknowledged. */
  readonly found?: Omit<Found, 'savedTo'> | undefined
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
    .argument('<journals...>', 'journal files')
    .addOption(
      new Option('--format <format>', 'how to report')
        .choices(['pretty', 'json'])
        .default('pretty'),
    )
    .addHelpText(
      'after',
      `
Checks the header, every checksum, the order of the records, their JSON and their fields, by the
rule by which a store opens. Takes no lock and writes nothing: the journals may be in use.

Exit code: 0 all are whole, 1 one is damaged or no journal, 2 one cannot be read.

Examples:
  $ ministore verify data/*.jsonl
  $ ministore verify backup/broker.jsonl --format json
`,
    )
    .action(async (journals: string[], { format }: { format: 'pretty' | 'json' }) => {
      const verdicts: Verdict[] = []
      for (const journal of journals) {
        const verdict = await verify(journal)
        verdicts.push(verdict)
        if (format === 'pretty') await print(`${pretty(verdict)}\n`)
      }
      if (format === 'json') await print(`${safeLines(JSON.stringify(verdicts, null, 2))}\n`)
      process.exitCode = Math.max(...verdicts.map(exitCode))
    })
}

/** Never throws: each journal is verified, whatever the others are. */
async function verify(path: string): Promise<Verdict> {
  const told = progress('verify', path)
  let records = 0
  try {
    return await withJournal(path, async (journal) => {
      await verifyBase(journal)
      const tail = await readRecords(
        journal,
        (lines) => {
          for (const line of lines) {
            readRecord(path, line)
            records += 1
          }
        },
        { progress: told },
      )
      const { store, created } = journal.header ?? {}
      const { end, found } = tail ?? { end: journal.begin }
      const bytes = end.offset + (found?.bytes ?? 0)
      const warning = found && describeTail(path, end, found)
      return { journal: path, ok: true, records, bytes, store, created, found, warning }
    })
  } catch (error) {
    return { journal: path, ok: false, records, problem: problemOf(error) }
  } finally {
    told.end()
  }
}

/** The state that a journal was compacted to, line by line. */
async function verifyBase({ path, file, header }: JournalFile): Promise<void> {
  if (!header?.base) return
  const { seed, length: offset, base } = header
  await readBody(file, { path, seed, offset, line: 2 }, base)
}

function problemOf(error: unknown): Problem {
  if (!isDamage(error)) return { code: 'io', message: (error as Error).message }
  const { code, line, offset, seq } = error
  return { code, message: error.message, next: nextStep(error), line, offset, seq }
}

function exitCode({ problem }: Verdict): number {
  if (!problem) return 0
  return problem.code === 'io' ? 2 : 1
}

function pretty(verdict: Verdict): string {
  const { journal, records, bytes = 0, store, created, warning, problem } = verdict
  if (problem) {
    const next = problem.next === undefined ? '' : `\n  next: ${safe(problem.next)}`
    return `${pc.red('failed')} ${safe(problem.message)}${next}`
  }
  const whose = store === undefined ? '' : `, store ${JSON.stringify(store)}, created ${created}`
  const whole = `${journal}: ${counted(records, 'record')}, ${sized(bytes)}${whose}`
  const torn = warning && `\n  ${pc.yellow('warning')} ${safe(warning)}`
  return `${pc.green('ok')} ${safe(whole)}${torn ?? ''}`
}
