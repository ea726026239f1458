// ministore-ts import: a journal of the Rust ministore becomes a journal of this one, or nothing does.

import { lstat, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { nodeFileSystem } from '../../journals/file/index.ts'
import { definitionOf } from '../../mutation/brand.ts'
import { filesOf } from '../import-rust/journal.ts'
import { loadMapping, mappingByName } from '../import-rust/mapping.ts'
import { convert, prove, type Work } from '../import-rust/records.ts'
import { loadDefinition } from '../sources/load.ts'
import { assertFile } from '../sources/source.ts'
import { answerWith } from '../terminal/exit.ts'
import { print } from '../terminal/output.ts'
import { Refusal, refusing } from '../terminal/refusal.ts'
import { counted } from '../terminal/text.ts'

const ISO = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/

interface ImportOptions {
  readonly from: 'mini-rs'
  readonly to: string
  readonly store: string
  readonly map?: string
  readonly at?: string
  readonly dryRun?: true
}

export function importCommand(): Command {
  return new Command('import')
    .description('Convert a journal that another program wrote.')
    .argument('<source>', 'the file to import; the command only reads it')
    .addOption(
      new Option(
        '--from <format>',
        'the program that wrote it; mini-rs: the Rust ministore or ministate',
      )
        .choices(['mini-rs'])
        .makeOptionMandatory(),
    )
    .requiredOption('--to <journal>', 'the new journal; the file must not exist')
    .requiredOption('--store <file#export>', 'the module that exports the definition')
    .option('--map <file#function>', 'a function that converts a line to mutations')
    .option(
      '--at <time>',
      'the time of all records; default: when the source was last changed',
      parseTime,
    )
    .option('--dry-run', 'validate the import without writing anything')
    .addHelpText(
      'after',
      `
Each line is a variant of an enum, as serde writes it. It becomes the mutation with its name: both
AddTopic and add_topic become addTopic. Its value is the payload, which must match the schema. Guards
don't run, because imported records are facts. If one line does not match, nothing is written.

The function of --map gets { name, value, json, line, file }. It returns { type, payload }, an array of
these to make one batch, or null to skip the line.

Examples:
  $ npx ministore-ts import old/journal.jsonl --from mini-rs --to data/broker.jsonl --store src/broker.ts#broker
  $ npx ministore-ts import old/journal.jsonl --from mini-rs --to data/broker.jsonl --store src/broker.ts \\
      --map src/old.ts#toMutation --at 2025-12-31T23:59:59Z --dry-run
`,
    )
    .action(refusing(importJournal))
}

async function importJournal(source: string, options: ImportOptions): Promise<void> {
  const { to, store, map, dryRun = false } = options
  for (const each of [source, to]) assertFile(each)
  await refuseTaken(to)
  const definition = await loadDefinition(store)
  const mapping =
    map === undefined ? mappingByName(definitionOf(definition)) : await loadMapping(map)
  const files = await filesOf(source)
  const at = options.at ?? (await stat(files.at(-1) ?? source)).mtime.toISOString()
  const work: Work = { definition, files, mapping, at, isMapped: map !== undefined }
  const interrupted = new AbortController()
  const interrupt = () => interrupted.abort()
  process.once('SIGINT', interrupt)
  try {
    // Beside the target, so that in the end it only takes its name.
    await inTemporaryDirectory(dryRun ? tmpdir() : dirname(to), async (directory) => {
      const temporary = join(directory, 'journal')
      const { records, skipped } = await convert(work, temporary, interrupted.signal)
      const digest = await prove(work, temporary)
      interrupted.signal.throwIfAborted()
      if (!dryRun) await moveInto(temporary, to)
      const done = dryRun ? 'nothing was written; without --dry-run:' : 'imported'
      const left = skipped === 0 ? '' : `, left out ${counted(skipped, 'line')}`
      await print(`${done} ${counted(records, 'record')} into ${to}${left}\n`)
      await print(`state ${digest}, the same in two replays\n`)
    })
  } catch (error) {
    if (interrupted.signal.aborted) {
      console.error('ministore: interrupted, nothing was written')
      answerWith(130)
    } else if (error instanceof Refusal) {
      throw new Refusal(`${error.message}\n  Nothing was written`)
    } else throw error
  } finally {
    process.off('SIGINT', interrupt)
  }
}

async function inTemporaryDirectory(
  beside: string,
  use: (directory: string) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(beside, '.ministore-import-')).catch((cause) => {
    throw new Error(`${beside}: nothing can be written there: ${cause}`, { cause })
  })
  try {
    await use(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function refuseTaken(path: string): Promise<void> {
  const isThere = await lstat(path).then(
    () => true,
    () => false,
  )
  if (isThere)
    throw new Error(`${path} is there already: import makes a new journal, so name another`)
}

/** Under the lock of the journal that it becomes: so no other process makes one there meanwhile. */
async function moveInto(file: string, path: string): Promise<void> {
  const disk = nodeFileSystem()
  const unlock = await disk.lock(`${path}.lock`)
  try {
    await refuseTaken(path)
    await disk.rename(file, path)
    await disk.syncDir(dirname(path))
  } finally {
    await unlock()
  }
}

function parseTime(text: string): string {
  const time = new Date(text)
  if (ISO.test(text) && !Number.isNaN(time.getTime())) return time.toISOString()
  throw new InvalidArgumentError('Write it as 2025-12-31 or 2025-12-31T23:59:59Z.')
}
