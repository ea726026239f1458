// ministore check: do today's definitions still replay these journals?
import { access, constants } from 'node:fs/promises'
import { Command, Option } from 'commander'
import pc from 'picocolors'
import type { AnyStoreDefinition, ReplayReport } from '../index.ts'
import { loadDefinition } from './load.ts'

interface CheckOptions {
  readonly store: string
  readonly digest?: string
  readonly format: 'pretty' | 'json'
}

export function checkCommand(): Command {
  return new Command('check')
    .description('Replay journals with the definition as it is now, and report what does not fit.')
    .argument('<journals...>', 'journal files')
    .requiredOption('--store <file#export>', 'the module that exports the definition')
    .option('--digest <sha256:…>', 'the digest that the last state must have')
    .addOption(
      new Option('--format <format>', 'how to report')
        .choices(['pretty', 'json'])
        .default('pretty'),
    )
    .addHelpText(
      'after',
      '\nExample:\n  $ ministore check data/*.jsonl --store src/broker.ts#broker\n',
    )
    .action(async (journals: string[], { store, digest, format }: CheckOptions) => {
      if (digest !== undefined && journals.length > 1) {
        throw new Error('--digest is of one journal: name one')
      }
      for (const journal of journals) await access(journal, constants.R_OK)
      const definition: AnyStoreDefinition = await loadDefinition(store)
      const reports: ReplayReport[] = []
      for (const journal of journals) {
        const report = await definition.replayCheck(journal, { digest })
        reports.push(report)
        if (format === 'pretty') console.log(pretty(report))
      }
      if (format === 'json') console.log(JSON.stringify(reports, null, 2))
      process.exitCode = reports.every(({ ok }) => ok) ? 0 : 1
    })
}

function pretty(report: ReplayReport): string {
  const { journal, records, digest } = report
  if (report.ok) return `${pc.green('ok')} ${journal}: ${counted(records)}, ${digest}`
  const told = report.problems.map(
    ({ kind, seq, message }) => `  ${kind} at seq ${seq}: ${message}`,
  )
  return [`${pc.red('failed')} ${journal}: ${counted(records)} replayed`, ...told].join('\n')
}

const counted = (records: number) => `${records} ${records === 1 ? 'record' : 'records'}`
