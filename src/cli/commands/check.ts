// ministore-ts check: do today's definitions still replay these journals?

import { existsSync } from 'node:fs'
import { access, appendFile, constants } from 'node:fs/promises'
import { Command, Option } from 'commander'
import { glob, isDynamicPattern } from 'tinyglobby'
import type { AnyStoreDefinition } from '../../define/store-definition.ts'
import type { SharedSource } from '../../journals/url/index.ts'
import { SharedReader } from '../../journals/url/index.ts'
import { recordingPath, setTraps, writeRecording } from '../../proof/check/index.ts'
import type { CheckOptions as CheckOfJournal, ReplayReport } from '../../proof/check/report.ts'
import type { Finding } from '../../proof/finding.ts'
import {
  type CheckResult,
  type ComparedWith,
  defaultFormat,
  isOk,
  notCompared,
  notCovered,
  type ReportFormat,
  report,
  reportFormats,
  stepSummary,
} from '../../proof/report/index.ts'
import { compareSchemas, type SchemaLock, schemaLock } from '../../proof/schema/index.ts'
import { type Loaded, load } from '../sources/load.ts'
import { readSchemaLock } from '../sources/schema-lock-file.ts'
import { type Source, sourceOf } from '../sources/source.ts'
import { answerWith } from '../terminal/exit.ts'
import { print } from '../terminal/output.ts'
import { progress } from '../terminal/progress.ts'
import { counted, safe } from '../terminal/text.ts'
import { version } from '../terminal/version.ts'
import { compareDeclared, declareElsewhere } from './elsewhere.ts'
import { refuseToOverwrite, shrinkJournal } from './shrink.ts'

const LOCK = 'ministore.schema.json'
/** What a pattern does not match. */
const NOT_OURS = '**/node_modules/**'

interface CheckOptions {
  readonly store: string
  readonly digest?: string
  readonly update?: true
  readonly lock?: string
  readonly requireCoverage?: true
  readonly requireRecording?: true
  readonly requireLock?: true
  readonly shrink?: true
  readonly format: ReportFormat
}

export function checkCommand(): Command {
  return new Command('check')
    .description("Replay journals with today's definition, and report what no longer fits.")
    .argument('<journals...>', 'journal files, patterns such as "data/**/*.jsonl", or URLs')
    .requiredOption('--store <file#export>', 'the module that exports the definition')
    .addOption(
      new Option(
        '--update',
        "accept today's states: write the baseline to <journal>.check.json",
      ).conflicts('digest'),
    )
    .option('--digest <sha256:…>', 'the expected digest of the last state; for one journal')
    .option('--lock <file>', `the schema lockfile; default: ${LOCK}, if it belongs to this store`)
    .option('--require-coverage', 'fail if a mutation, version or command appears in no journal')
    .option('--require-recording', 'fail if a journal has no recorded digests')
    .option('--require-lock', 'fail if this store has no schema lockfile')
    .option('--shrink', 'write the shortest journal that still fails, and a vitest file')
    .addOption(
      new Option('--format <format>', 'how to report')
        .choices([...reportFormats])
        .default(defaultFormat(process.env), 'github in GitHub Actions, else pretty'),
    )
    .addHelpText(
      'after',
      `
A baseline is kept next to a file. So --update and --shrink don't work for a URL, and --digest does.
You can also copy the journal to a file with "ministore-ts copy", and check the file.

Examples:
  $ npx ministore-ts check data/broker.jsonl --store src/broker.ts
  $ npx ministore-ts check "fixtures/**/*.jsonl" --store src/broker.ts#broker --format junit > report.xml
  $ npx ministore-ts check fixtures/broker.jsonl --store src/broker.ts --update

Exit codes: 0 no errors, 1 errors found, 2 the check could not run, 130 interrupted.
`,
    )
    .action(check)
}

async function check(patterns: string[], options: CheckOptions): Promise<void> {
  const journals = await find(patterns)
  if (options.digest !== undefined && journals.length > 1) {
    throw new Error('--digest is of one journal: name one')
  }
  const isShared = journals.some(({ path }) => path === undefined)
  if (isShared && (options.update || options.shrink))
    throw new Error('--update and --shrink write beside a file: copy the journal to one before')
  if (options.shrink) for (const { name } of journals) await refuseToOverwrite(name)
  const elsewhere = declareElsewhere(options.store)
  // Before the definition is loaded, so that a clock that its modules keep is one with a trap.
  setTraps()
  const loaded = await load(options.store)
  const locked = await readLock(loaded, options)
  const reports: ReplayReport[] = []
  for (const journal of journals) reports.push(await checkOne(loaded, journal, options))
  const against: ComparedWith = {
    unrecorded: options.digest === undefined ? unrecorded(reports) : [],
    lock: locked && lockPath(options),
  }
  const required = { recording: options.requireRecording, lock: options.requireLock }
  const result: CheckResult = {
    journals: reports,
    against,
    findings: [
      ...(await goneJournals(patterns)),
      ...notCompared(against, required, loaded.file),
      ...(locked ? compareSchemas(locked, schemaLock(loaded.definition), lockPath(options)) : []),
      ...compareElsewhere(loaded, reports, await elsewhere),
      ...(options.requireCoverage ? notCovered(reports, loaded.file) : []),
    ],
  }
  await tell(result, options)
  noteMissingBaselines(reports, options)
  if (options.shrink) {
    for (const each of reports.filter(({ ok }) => !ok)) {
      console.error(await shrinkJournal(loaded, each.journal, each))
    }
  }
  answerWith(isOk(result) ? 0 : 1)
}

/** Without a baseline, a reducer that produces other states passes: the reader has to know. */
function noteMissingBaselines(reports: readonly ReplayReport[], options: CheckOptions): void {
  if (options.update || options.digest !== undefined || options.format !== 'pretty') return
  const files = reports.flatMap(({ ok, journal }) => (ok && existsSync(journal) ? [journal] : []))
  const missing = files.filter((journal) => !existsSync(recordingPath(journal)))
  if (missing.length === 0) return
  const [first = '', ...others] = missing
  const what =
    others.length === 0 ? first : `${first} and ${counted(others.length, 'other journal')}`
  console.error(
    safe(
      `note: ${what}: no baseline yet. Record one with --update, so that the check finds changed states`,
    ),
  )
}

const unrecorded = (reports: readonly ReplayReport[]): string[] =>
  reports
    .filter(({ compared, recording }) => compared === undefined && !recording)
    .map(({ journal }) => journal)

/** A pattern does not match a journal that is gone, but it matches the name of the baseline. */
async function goneJournals(patterns: readonly string[]): Promise<Finding[]> {
  const suffix = recordingPath('')
  const wanted = patterns.filter((each) => isDynamicPattern(each) && !existsSync(each))
  const baselines = await glob(
    wanted.map((each) => each + suffix),
    { ignore: NOT_OURS },
  )
  return baselines
    .filter((each) => !existsSync(each.slice(0, -suffix.length)))
    .map((file) => {
      const message = `${file.slice(0, -suffix.length)} does not exist any more. Restore it; if it was removed on purpose, remove its baseline too`
      return { rule: 'lost_records', severity: 'error', message, file }
    })
}

/** A check of no records would always be fine. */
function refuseEmpty(report: ReplayReport): ReplayReport {
  if (report.seq > 0 || report.findings.some(({ severity }) => severity === 'error')) return report
  const message =
    'the journal has no records, so nothing was checked. Restore it from a copy, or name a journal with records'
  const { journal: file, findings } = report
  const empty: Finding = { rule: 'lost_records', severity: 'error', message, file }
  return { ...report, ok: false, findings: [...findings, empty] }
}

function compareElsewhere(
  loaded: Loaded,
  reports: readonly ReplayReport[],
  there: Awaited<ReturnType<typeof declareElsewhere>>,
): Finding[] {
  if (there instanceof Error) {
    console.error(`${loaded.file}: ${there.message}, so its initial state was not compared`)
    return []
  }
  const isTold = reports.some(({ findings }) =>
    findings.some(({ seq, severity, rule }) => {
      const isAbout = rule === 'impure' || rule === 'nondeterministic'
      return seq === 0 && severity === 'error' && isAbout
    }),
  )
  return compareDeclared(loaded, there, isTold)
}

/** Throws if there is nothing to check: a check of no journals would always be fine. */
async function find(patterns: readonly string[]): Promise<Source[]> {
  const found = new Map<string, Source>()
  for (const pattern of patterns) {
    const source = await sourceOf(pattern)
    if (source.path === undefined) {
      found.set(source.name, source)
      continue
    }
    const isPattern = isDynamicPattern(pattern) && !existsSync(pattern)
    const paths = isPattern ? (await glob(pattern, { ignore: NOT_OURS })).sort() : [pattern]
    if (paths.length === 0) throw new Error(`no file matches ${pattern}`)
    for (const path of paths) {
      await access(path, constants.R_OK)
      found.set(path, { name: path, path })
    }
  }
  return [...found.values()]
}

/** The lock that is there by default may be another store's. */
async function readLock(
  { definition }: Loaded,
  options: CheckOptions,
): Promise<SchemaLock | undefined> {
  const locked = await readSchemaLock(lockPath(options))
  if (options.lock === undefined) return locked?.store === definition.name ? locked : undefined
  if (locked) return locked
  const next = `npx ministore-ts schema --lock ${options.lock} --update`
  throw new Error(`${options.lock} is not there: write it with \`${next}\``)
}

const lockPath = ({ lock = LOCK }: CheckOptions): string => lock

async function checkOne(
  { definition }: Loaded,
  source: Source,
  { digest, update }: CheckOptions,
): Promise<ReplayReport> {
  const shown = progress('check', source.name)
  const onProgress = (seq: number, last: number) => shown.report(seq, last)
  const checked = { digest, record: update, onProgress }
  try {
    if (source.path === undefined)
      return refuseEmpty(await checkShared(definition, source, checked))
    const report = refuseEmpty(await definition.replayCheck(source.path, checked))
    shown.end()
    return update ? await accept(report) : report
  } finally {
    shown.end()
  }
}

/** A server that is away says nothing about its records. */
async function checkShared(
  definition: AnyStoreDefinition,
  source: SharedSource,
  options: CheckOfJournal,
): Promise<ReplayReport> {
  const journal = new SharedReader(source.make())
  const report = await definition.replayCheck(journal, options)
  journal.assertRead()
  return report
}

/** What is only another state than the recorded one is what an update is for. */
async function accept(report: ReplayReport): Promise<ReplayReport> {
  const findings = report.findings.map((finding): Finding => {
    const isRecorded = finding.rule === 'digest_mismatch' || finding.rule === 'other_recording'
    return isRecorded ? { ...finding, severity: 'note' } : finding
  })
  const ok = findings.every(({ severity }) => severity !== 'error')
  if (ok && report.recording) {
    await writeRecording(report.journal, report.recording)
    console.error(`recorded ${recordingPath(report.journal)}`)
  } else console.error(`not recorded, since there are errors: ${report.journal}`)
  return { ...report, ok, findings }
}

async function tell(result: CheckResult, { format }: CheckOptions): Promise<void> {
  const cwd = process.env['GITHUB_WORKSPACE'] ?? process.cwd()
  await print(report(result, format, { version, cwd }))
  const summary = process.env['GITHUB_STEP_SUMMARY']
  if (format === 'github' && summary) await appendFile(summary, stepSummary(result))
}
