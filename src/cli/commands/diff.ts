// ministore-ts diff: what changed in the state between two seqs.
import { Command, Option } from 'commander'
import type { AnyStoreDefinition } from '../../define/store-definition.ts'
import { changes, unifiedDiff } from '../../diff/index.ts'
import { beginsBehind, endsBefore, parseSeq, steps } from '../../inspect/replay.ts'
import { copyOf } from '../../inspect/state-copy.ts'
import { loadDefinition } from '../sources/load.ts'
import { type Source, sourceOf } from '../sources/source.ts'
import { coloured, safeLines } from '../terminal/lines.ts'
import { print } from '../terminal/output.ts'
import { progress } from '../terminal/progress.ts'
import { Refusal, refusing } from '../terminal/refusal.ts'
import { counted } from '../terminal/text.ts'

interface DiffOptions {
  readonly store: string
  readonly format: 'pretty' | 'json'
}

export function diffCommand(): Command {
  return new Command('diff')
    .description('Show the changes of the state between two sequence numbers.')
    .argument(
      '<journal>',
      'the journal file or its URL; the command only reads it, and a store may have it open',
    )
    .argument('<from>', 'a sequence number; 0 is the initial state', parseSeq)
    .argument('<to>', 'another sequence number, before or after it', parseSeq)
    .requiredOption('--store <file#export>', 'the module that exports the definition')
    .addOption(
      new Option('--format <format>', 'a unified diff, or a JSON patch (RFC 6902)')
        .choices(['pretty', 'json'])
        .default('pretty'),
    )
    .addHelpText(
      'after',
      `
Exits with 0, whether or not the state changed, and with 1 if the journal is damaged.

Examples:
  $ npx ministore-ts diff data/broker.jsonl 119 120 --store src/broker.ts#broker
  $ npx ministore-ts diff data/broker.jsonl 0 120 --store src/broker.ts --format json
`,
    )
    .action(refusing(printDiff))
}

async function printDiff(
  journal: string,
  from: number,
  to: number,
  { store, format }: DiffOptions,
): Promise<void> {
  const source = await sourceOf(journal)
  const definition = await loadDefinition(store)
  const { low, high, refusal } = await statesAt(definition, source, [
    Math.min(from, to),
    Math.max(from, to),
  ])
  const [before, after] = from <= to ? [low, high] : [high, low]
  const found = changes(before, after)
  if (format === 'json') await print(`${safeLines(JSON.stringify(found, null, 2))}\n`)
  else if (found.length > 0) {
    const diff = unifiedDiff(before, after, [`seq ${from}`, `seq ${to}`])
    await print(`${coloured(diff)}${counted(found.length, 'change')}\n`)
  }
  if (refusal) throw refusal
}

/** Both states from one replay. `refusal`: the damage after them, if there is any. */
async function statesAt(
  definition: AnyStoreDefinition,
  source: Source,
  [first, last]: readonly [number, number],
): Promise<{ low: unknown; high: unknown; refusal?: Refusal }> {
  const { report, end } = progress('replaying', source.name)
  let [seq, low, high]: [number, unknown, unknown] = [0, undefined, undefined]
  let refusal: Refusal | undefined
  try {
    for await (const { record, isBase, seq: reached, state } of steps(definition, source, last)) {
      if (isBase && reached > first) throw beginsBehind(source.name, first, reached)
      report(reached, last)
      high = state
      if (record && record.part < record.parts) continue
      seq = reached
      if (seq === first) low = copyOf(state)
    }
  } catch (error) {
    if (!(error instanceof Refusal) || high === undefined || seq < last) throw error
    refusal = error
  } finally {
    end()
  }
  if (seq < last) throw endsBefore(source.name, last, seq)
  return { low, high, ...(refusal && { refusal }) }
}
