// ministore-ts state: what a journal's records make, at its end or at any seq.
import { Command } from 'commander'
import { parsePath, valueAt, whyNothing } from '../../inspect/path.ts'
import { parseSeq, stateAt } from '../../inspect/replay.ts'
import { digest as digestOf } from '../../json/index.ts'
import { loadDefinition } from '../sources/load.ts'
import { sourceOf } from '../sources/source.ts'
import { safeLines } from '../terminal/lines.ts'
import { print } from '../terminal/output.ts'
import { Refusal, refusing } from '../terminal/refusal.ts'

interface StateOptions {
  readonly store: string
  readonly at?: number
  readonly path?: string
  readonly digest?: true
}

export function stateCommand(): Command {
  return new Command('state')
    .description('Print the state as JSON.')
    .argument(
      '<journal>',
      'the journal file or its URL; the command only reads it, and a store may have it open',
    )
    .requiredOption('--store <file#export>', 'the module that exports the definition')
    .option('--at <seq>', 'the state after this record; default: the last record', parseSeq)
    .option('--path <pointer>', 'a part of it: /topics/orders or topics.orders')
    .option('--digest', 'print the digest instead')
    .addHelpText(
      'after',
      `
For a damaged journal, --at can print a state before the damage, with exit code 1. Without --at, or
after the damage, the state is unknown, and the command prints nothing.

Examples:
  $ npx ministore-ts state data/broker.jsonl --store src/broker.ts#broker
  $ npx ministore-ts state data/broker.jsonl --store src/broker.ts --at 120 --path /topics | jq length
  $ npx ministore-ts state "postgres://db.example.org/app#broker" --store src/broker.ts --digest
`,
    )
    .action(refusing(printState))
}

async function printState(journal: string, options: StateOptions): Promise<void> {
  const source = await sourceOf(journal)
  const definition = await loadDefinition(options.store)
  const { state, seq, damage } = await stateAt(definition, source, options.at)
  const path = parsePath(options.path ?? '')
  const value = valueAt(state, path)
  if (value === undefined) {
    throw new Refusal(`there is no ${path.pointer} at seq ${seq}: ${whyNothing(state, path)}`)
  }
  const text = options.digest ? await digestOf(value) : safeLines(JSON.stringify(value, null, 2))
  await print(`${text}\n`)
  if (damage) throw new Refusal(damage)
}
