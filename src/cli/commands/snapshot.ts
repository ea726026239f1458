// ministore-ts snapshot and compact: an open store's own methods, for a journal that no one has open.
import { Command, Option } from 'commander'
import pc from 'picocolors'
import { withJournal } from '../sources/journal-file.ts'
import { loadDefinition } from '../sources/load.ts'
import { print } from '../terminal/output.ts'
import { progress } from '../terminal/progress.ts'
import { counted, safe, sized } from '../terminal/text.ts'

interface Options {
  readonly store: string
  readonly format: 'pretty' | 'json'
  readonly archive?: boolean
}

export function snapshotCommand(): Command {
  return described(
    'snapshot',
    'Write the state next to a journal, so that it opens faster.',
    `
Writes <journal>.snapshot. The next opening with the same definition replays only later records. You
can delete the file at any time. Takes the writer's lock. Definitions are compared by the source of
their reducers, which a compiler changes: name the module that your program runs, such as
dist/broker.js.

Exit codes: 0 done, 2 the command could not run, for example because a store has the journal open.

Examples:
  $ npx ministore-ts snapshot data/broker.jsonl --store dist/broker.js#broker
  $ npx ministore-ts snapshot data/broker.jsonl --store dist/broker.js --format json | jq .bytes
`,
  ).action(takeSnapshot)
}

export function compactCommand(): Command {
  return described(
    'compact',
    'Replace the records with the state that they produced.',
    `
Afterwards the journal begins with the state, and <journal>.<seq>.archive has the records. They are no
longer replayed, so check the journal first. Takes the writer's lock.

Exit codes: 0 done, 2 the command could not run, for example because a store has the journal open.

Examples:
  $ npx ministore-ts check data/broker.jsonl --store src/broker.ts && \\
    npx ministore-ts compact data/broker.jsonl --store src/broker.ts
  $ npx ministore-ts compact data/broker.jsonl --store src/broker.ts --no-archive
`,
  )
    .option('--no-archive', 'delete the records')
    .action(compactJournal)
}

const described = (name: string, what: string, help: string): Command =>
  new Command(name)
    .description(what)
    .argument('<journal>', 'a journal file')
    .requiredOption('--store <file#export>', 'the module that exports the definition')
    .addOption(
      new Option('--format <format>', 'how to report')
        .choices(['pretty', 'json'])
        .default('pretty'),
    )
    .addHelpText('after', help)

async function takeSnapshot(journal: string, options: Options): Promise<void> {
  const receipt = await withStore('snapshot', journal, options, (store) => store.snapshot())
  const { seq, bytes, path } = receipt
  const told = `${safe(path)}: the state at seq ${seq}, ${sized(bytes)}`
  await report(options, { journal, ...receipt }, told)
  if (TYPESCRIPT.test(options.store)) console.error(safe(`note: ${ofThisCompiler(options.store)}`))
}

/** With or without the name of an export. */
const TYPESCRIPT = /\.[cm]?tsx?(#[^#]*)?$/

const ofThisCompiler = (store: string) =>
  `${store} was compiled for this command, and the snapshot is of what that gave. A program that runs what another compiler made of it replays all records, and says so in store.recovery.snapshot: name the module that it runs`

async function compactJournal(journal: string, options: Options): Promise<void> {
  const { archive = true } = options
  const receipt = await withStore('compact', journal, options, (store) =>
    store.compact({ archive }),
  )
  const { seq, before, bytes, archive: kept } = receipt
  const where = kept === undefined ? '' : `; the records are in ${kept}`
  const told = `${safe(`${journal}: ${counted(seq, 'record')} became the state, ${sized(before)} became ${sized(bytes)}${where}`)}`
  await report(options, { journal, ...receipt }, told)
}

type Definition = Awaited<ReturnType<typeof loadDefinition>>
type Store = Awaited<ReturnType<Definition['open']>>

/** Opened to write, so that no other process does meanwhile; a journal that is not there is not made. */
async function withStore<R>(
  verb: string,
  journal: string,
  { store: where }: Options,
  run: (store: Store) => Promise<R>,
): Promise<R> {
  const definition = await loadDefinition(where)
  await withJournal(journal, async () => undefined)
  const told = progress(verb, journal)
  try {
    const store = await definition.open(journal)
    told.report(store.recovery.records)
    try {
      return await run(store)
    } finally {
      await store.close()
    }
  } finally {
    told.end()
  }
}

async function report({ format }: Options, receipt: object, told: string): Promise<void> {
  const text = format === 'json' ? JSON.stringify(receipt, null, 2) : `${pc.green('ok')} ${told}`
  await print(`${text}\n`)
}
