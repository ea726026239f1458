// ministore-ts verify: are these files whole, as far as can be told without a definition?

import type { KeyObject } from 'node:crypto'
import { Command, InvalidArgumentError, Option } from 'commander'
import pc from 'picocolors'
import { StoreError, type StoreErrorCode } from '../../errors.ts'
import { Comparison, type Verdict as SealVerdict } from '../../proof/seals/comparison.ts'
import { checkSignatures, type Seal, SealError } from '../../proof/seals/seal.ts'
import { isDamage, nextStep } from '../sources/journal-file.ts'
import { loadPublicKeys, loadSeals, sealsPath } from '../sources/seals-file.ts'
import { type Source, sourceOf } from '../sources/source.ts'
import { type Walked, walkJournal } from '../sources/walk.ts'
import { answerWith } from '../terminal/exit.ts'
import { safeLines } from '../terminal/lines.ts'
import { print } from '../terminal/output.ts'
import { progress } from '../terminal/progress.ts'
import { counted, safe, sized } from '../terminal/text.ts'

/** What is printed as JSON. */
interface Verdict extends Partial<Omit<Walked, 'statement'>> {
  readonly journal: string
  readonly ok: boolean
  /** How many are whole, up to the first that is not. */
  readonly records: number
  /** If it has a hash chain: the hash of its last record. */
  readonly chain?: { readonly head: string }
  /** `proved`: the last seq that a seal proves. `notes`: what could not be compared. */
  readonly seals?: {
    readonly file: string
    readonly count: number
    readonly proved: number | undefined
    readonly notes: readonly string[]
  }
  readonly problem?: Problem
}
interface Problem {
  /**
   * `altered`: the journal contradicts a seal. `bad_seals`: seals are missing, edited, or of another key. `unproved`: no
   * seal covers the state that the journal was compacted to, or its first record.
   */
  readonly code: StoreErrorCode | 'altered' | 'bad_seals' | 'unproved'
  readonly message: string
  /** What to do. */
  readonly next?: string | undefined
  readonly line?: number | undefined
  readonly offset?: number | undefined
  readonly seq?: number | undefined
}

/** What the journals are compared with. */
interface Sealing {
  fileOf(source: Source): string
  readonly keys: readonly KeyObject[]
  readonly expectSeq: number | undefined
  readonly isCopy: boolean
}

interface Options {
  readonly format: 'pretty' | 'json'
  readonly seals?: true | string
  readonly publicKey?: readonly string[]
  readonly expectSeq?: number
  readonly copied?: true
}

export function verifyCommand(): Command {
  return new Command('verify')
    .description('Read journals from end to end and report damage. Needs no definition.')
    .argument('<journals...>', 'journal files, or URLs')
    .option('--seals [file]', 'compare them with their seals; default file: <journal>.seals')
    .option('--public-key <file...>', 'of those who sealed them: Ed25519, SPKI in PEM')
    .option('--expect-seq <seq>', 'the last seal must be of this record or a later one', toSeq)
    .option('--copied', 'the seals are of the journal that this one is a copy of')
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

If a journal has a hash chain, each record must continue it. With --seals, the journal must also be
what "ministore-ts seal" signed. Up to the last seal, the command finds each record that somebody
edited, removed, inserted or moved, even if they computed its checksum and all later hashes again. It
compares the archives beside the journal too. After the last seal, it compares records with the hash
chain only. It cannot know whether the last seals were removed, unless you pass --expect-seq.

Exit codes: 0 no damage, 1 a file is damaged or not a journal, 2 a journal cannot be read.

Examples:
  $ npx ministore-ts verify data/*.jsonl
  $ npx ministore-ts verify backup/broker.jsonl --format json
  $ npx ministore-ts verify "nats://n1.example.org#broker"
  $ npx ministore-ts verify data/broker.jsonl --seals --public-key keys/audit.pub --expect-seq 1200
`,
    )
    .action(runVerify)
}

async function runVerify(journals: string[], options: Options): Promise<void> {
  const { format } = options
  const sealing = await sealingOf(journals, options)
  const verdicts: Verdict[] = []
  for (const source of await Promise.all(journals.map(sourceOf))) {
    const verdict = await verify(source, sealing)
    verdicts.push(verdict)
    if (format === 'pretty') await print(`${pretty(verdict)}\n`)
  }
  if (format === 'json') await print(`${safeLines(JSON.stringify(verdicts, null, 2))}\n`)
  answerWith(Math.max(...verdicts.map(exitCode)))
}

function toSeq(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be the seq of a record, such as 1200.')
}

/** Undefined if seals are not asked for. */
async function sealingOf(
  journals: readonly string[],
  { seals, publicKey = [], expectSeq, copied }: Options,
): Promise<Sealing | undefined> {
  const isAsked = seals !== undefined || publicKey.length > 0
  if (!isAsked && expectSeq === undefined && copied === undefined) return undefined
  if (publicKey.length === 0)
    throw new Error('seals prove nothing without a public key: add --public-key <file>')
  if (typeof seals === 'string' && journals.length > 1)
    throw new Error('--seals <file> is of one journal: verify one at a time')
  const fileOf = ({ path }: Source) => {
    if (typeof seals === 'string') return seals
    if (path !== undefined) return sealsPath(path)
    throw new Error('a journal at a URL needs --seals <file>')
  }
  return { fileOf, keys: await loadPublicKeys(publicKey), expectSeq, isCopy: copied === true }
}

/** Never throws: each journal is verified, whatever the others are. */
async function verify(source: Source, sealing: Sealing | undefined): Promise<Verdict> {
  const told = progress('verify', source.name)
  const count = { records: 0 }
  const journal = source.name
  try {
    const seals = sealing && (await sealsOf(source, sealing))
    const comparison = seals && new Comparison(seals, sealing?.isCopy)
    const { statement, ...walked } = await walkJournal(source, comparison, told, { count })
    const chain = statement && { head: statement.hash }
    const whole = { journal, ok: true, ...count, ...walked, ...(chain && { chain }) }
    if (!sealing || !seals || !comparison) return whole
    const { verdict } = comparison
    const problem = sealProblem(verdict, seals, sealing)
    const { proved, notes } = verdict
    const sealed = { file: sealing.fileOf(source), count: seals.length, proved, notes }
    return { ...whole, ok: !problem, seals: sealed, ...(problem && { problem }) }
  } catch (error) {
    return { journal, ok: false, ...count, problem: problemOf(error) }
  } finally {
    told.end()
  }
}

/** Throws SealError unless there are seals, and each has a valid signature. */
async function sealsOf(source: Source, { fileOf, keys }: Sealing): Promise<readonly Seal[]> {
  const file = fileOf(source)
  const seals = await loadSeals(file)
  if (seals.length === 0) throw new SealError(`${file}: there are no seals of ${source.name}`)
  checkSignatures(seals, keys, file)
  return seals
}

/** The first problem is the worst one. */
function sealProblem(
  { contradictions, unproved }: SealVerdict,
  seals: readonly Seal[],
  { expectSeq }: Sealing,
): Problem | undefined {
  if (contradictions.length > 0) {
    const next =
      'somebody changed the journal after it was sealed: keep both files as they are, and restore a backup that fits the seals'
    return { code: 'altered', message: contradictions.join('\n  '), next }
  }
  const last = seals.at(-1)
  if (expectSeq !== undefined && (last?.seq ?? 0) < expectSeq) {
    const message = `the last seal, ${last?.number} of ${last?.at}, signed record ${last?.seq}, and ${expectSeq} was expected`
    const next =
      'seals were removed, or the journal was not sealed since: restore the file of seals'
    return { code: 'bad_seals', message, next }
  }
  if (unproved.length === 0) return undefined
  const next =
    'check the journal against its archive or a backup, then seal it: npx ministore-ts seal'
  return { code: 'unproved', message: unproved.join('\n  '), next }
}

function problemOf(error: unknown): Problem {
  if (error instanceof SealError) {
    const next = 'restore the file of seals from a copy that was kept elsewhere'
    return { code: 'bad_seals', message: error.message, next }
  }
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
  const { chain, seals } = verdict
  if (problem) {
    const next = problem.next === undefined ? '' : `\n  next: ${safe(problem.next)}`
    return `${pc.red('failed')} ${safeLines(problem.message)}${next}`
  }
  const since = created === undefined ? '; no checksums' : `, created ${created}`
  const whose = store === undefined ? '' : `, store ${JSON.stringify(store)}${since}`
  const from = first > 1 ? ` from seq ${first} on` : ''
  const whole = `${journal}: ${counted(records, 'record')}${from}, ${sized(bytes)}${whose}`
  const torn = warning && `\n  ${pc.yellow('warning')} ${safe(warning)}`
  const hash = chain && `\n  hash chain: whole, its head is ${chain.head}`
  const sealed =
    seals &&
    `\n  ${safe(`${counted(seals.count, 'seal')} in ${seals.file}: nothing up to record ${seals.proved ?? 0} was changed`)}`
  const notes = (seals?.notes ?? []).map((note) => `\n  ${pc.yellow('note')} ${safe(note)}`)
  return `${pc.green('ok')} ${safe(whole)}${torn ?? ''}${hash ?? ''}${sealed ?? ''}${notes.join('')}`
}
