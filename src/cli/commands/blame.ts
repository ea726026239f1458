// ministore-ts blame: which record changed a part of the state, and how.
import { Command, Option } from 'commander'
import pc from 'picocolors'
import { unifiedDiff } from '../../diff/index.ts'
import { parsePath, whyNothing } from '../../inspect/path.ts'
import { follow, followToLast, type PathChange } from '../../inspect/path-changes.ts'
import { loadDefinition } from '../sources/load.ts'
import { sourceOf } from '../sources/source.ts'
import { coloured } from '../terminal/lines.ts'
import { print } from '../terminal/output.ts'
import { metadataText } from '../terminal/record-printer.ts'
import { Refusal, refusing } from '../terminal/refusal.ts'
import { counted, safe } from '../terminal/text.ts'

/** A longer value is cut, two of them are shown as a diff. */
const SHOWN_CHARACTERS = 200

interface BlameOptions {
  readonly store: string
  readonly all?: true
  readonly format: 'pretty' | 'json'
}

export function blameCommand(): Command {
  return new Command('blame')
    .description('Show which record last changed a part of the state, how, by whom and why.')
    .argument(
      '<journal>',
      'the journal file or its URL; the command only reads it, and a store may have it open',
    )
    .argument('<path>', 'a part of the state: /topics/orders or topics.orders')
    .requiredOption('--store <file#export>', 'the module that exports the definition')
    .option('--all', 'show every change, from the first one')
    .addOption(
      new Option('--format <format>', 'json: one object per line, with complete values')
        .choices(['pretty', 'json'])
        .default('pretty'),
    )
    .addHelpText(
      'after',
      `
The metadata of a record can name the person who requested the change, and the reason.

In JSON, "before" or "after" is missing if there was or is no value. For a damaged journal, the
command shows the records before the damage, and exits with 1.

Examples:
  $ npx ministore-ts blame data/broker.jsonl /topics/orders/partitions --store src/broker.ts#broker
  $ npx ministore-ts blame data/broker.jsonl topics.orders --all --store src/broker.ts
`,
    )
    .action(refusing(blame))
}

async function blame(journal: string, place: string, options: BlameOptions): Promise<void> {
  const source = await sourceOf(journal)
  const definition = await loadDefinition(options.store)
  const path = parsePath(place)
  const tell = options.format === 'json' ? json : pretty
  const take = (change: PathChange) => print(`${tell(change)}\n`)
  const { last, base, state, refusal } = options.all
    ? await follow(definition, source, path, { take })
    : await followToLast(definition, source, path)
  if (last && !options.all) await take(last)
  if (!last && base.value === undefined) {
    const since = base.seq === 0 ? '' : ` since seq ${base.seq}, to which the journal was compacted`
    const never = `there never was a ${path.pointer}${since}: ${whyNothing(state, path)}`
    throw new Refusal(refusal ? `${never}\n${refusal.message}` : never)
  }
  if (!last && options.format === 'pretty') {
    const when = base.seq === 0 ? 'initially' : `at seq ${base.seq}, when the journal was compacted`
    const told = `${path.pointer} is ${short(base.value)}, as it was ${when}: no record changed it`
    await print(`${told}\n`)
  }
  if (refusal) throw refusal
}

const json = ({ record, pointer, before, after }: PathChange): string =>
  safe(JSON.stringify({ ...record, path: pointer, before, after }))

function pretty({ record, pointer, before, after }: PathChange): string {
  const { seq, at, key, command, metadata, type, payload, part, parts } = record
  const facts = [
    pc.yellow(`seq ${seq}`),
    safe(at),
    pc.bold(safe(type)),
    ...(parts > 1 ? [`part ${part} of ${parts}`] : []),
    ...(key === undefined ? [] : [`key ${safe(key)}`]),
    ...(command === undefined ? [] : [`command ${safe(command)}`]),
  ]
  const about = metadata === undefined ? [] : [`  by ${metadataText(metadata)}`]
  const given = payload === undefined ? [] : [`  payload ${short(payload)}`]
  const place = pointer === '' ? 'the state' : safe(pointer)
  return [facts.join('  '), ...about, ...given, `  ${place}: ${transition(before, after)}`].join(
    '\n',
  )
}

function transition(before: unknown, after: unknown): string {
  const isBrief = textOf(before).length + textOf(after).length <= SHOWN_CHARACTERS
  if (isBrief || before === undefined || after === undefined)
    return `${short(before)} → ${short(after)}`
  return `it changed\n${coloured(unifiedDiff(before, after).trimEnd())}`
}

function short(value: unknown): string {
  const text = textOf(value)
  if (text.length <= SHOWN_CHARACTERS) return safe(text)
  const cut = safe(text.slice(0, SHOWN_CHARACTERS))
  return `${cut}… (${counted(text.length, 'character')}: all of them with --format json)`
}

const textOf = (value: unknown) => (value === undefined ? 'nothing' : JSON.stringify(value))
