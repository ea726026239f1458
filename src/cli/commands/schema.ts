// ministore-ts schema: what journals may hold, and whether today's definition still takes it.

import { Command, Option } from 'commander'
import pc from 'picocolors'
import type { Finding } from '../../proof/finding.ts'
import {
  compareSchemas,
  type SchemaLock,
  schemaChanges,
  schemaLock,
  schemaLockText,
} from '../../proof/schema/index.ts'
import { loadDefinition } from '../sources/load.ts'
import { readSchemaLock, writeSchemaLock } from '../sources/schema-lock-file.ts'
import { answerWith } from '../terminal/exit.ts'
import { print } from '../terminal/output.ts'
import { counted, safe } from '../terminal/text.ts'

interface SchemaOptions {
  readonly store: string
  readonly lock: string
  readonly check?: true
  readonly update?: true
  readonly force?: true
  readonly format: 'pretty' | 'json'
}

export function schemaCommand(): Command {
  return new Command('schema')
    .description(
      'Print the JSON Schema of every mutation and version; write and check the schema lockfile.',
    )
    .requiredOption('--store <file#export>', 'the module that exports the definition')
    .option('--lock <file>', 'the schema lockfile; each store has its own', 'ministore.schema.json')
    .addOption(new Option('--check', 'compare with the lockfile').conflicts('update'))
    .option('--update', 'write the lockfile, unless it would accept less than the existing one')
    .option('--force', 'with --update: write it in any case')
    .addOption(
      new Option('--format <format>', 'how to report findings')
        .choices(['pretty', 'json'])
        .default('pretty'),
    )
    .addHelpText(
      'after',
      `
Examples:
  $ npx ministore-ts schema --store src/broker.ts#broker
  $ npx ministore-ts schema --store src/broker.ts#broker --update
  $ npx ministore-ts schema --store src/broker.ts#broker --check

Exit codes: 0 no differences, 1 differences found, 2 the command could not run.
`,
    )
    .action(schema)
}

async function schema(options: SchemaOptions): Promise<void> {
  if (options.force && !options.update) throw new Error('--force goes with --update')
  const now = schemaLock(await loadDefinition(options.store))
  if (options.update) await update(now, options)
  else if (options.check) await check(now, options)
  else await print(schemaLockText(now))
}

async function check(now: SchemaLock, { lock, store, format }: SchemaOptions): Promise<void> {
  const locked = await readSchemaLock(lock)
  if (!locked) {
    const next = `npx ministore-ts schema --store ${store} --lock ${lock} --update`
    throw new Error(`${lock} is not there: write it by \`${next}\` and commit it`)
  }
  const findings = compareSchemas(locked, now, lock)
  const isOk = !findings.some(isError)
  const verdict = isOk ? [`${pc.green('ok')} ${lock}: ${mutations(now)}`] : []
  await tell(findings, verdict, format)
  answerWith(isOk ? 0 : 1)
}

async function update(now: SchemaLock, { lock, force, format }: SchemaOptions): Promise<void> {
  const locked = await readSchemaLock(lock)
  // What is only new is what it is updated for.
  const errors = locked ? compareSchemas(locked, now, lock).filter(isError) : []
  if (errors.length > 0 && !force) {
    await tell(errors, [], format)
    console.error(`ministore: ${lock} was not changed. --force writes it in any case`)
    answerWith(1)
    return
  }
  const changes = schemaChanges(locked, now)
  const isWritten = !locked || changes.length > 0
  if (isWritten) await writeSchemaLock(lock, now)
  const verdict = `${pc.green(isWritten ? 'written' : 'up to date')} ${lock}: ${mutations(now)}`
  await tell(errors, [verdict, ...changes.map((change) => `  ${safe(change)}`)], format)
}

async function tell(
  findings: readonly Finding[],
  verdict: readonly string[],
  format: SchemaOptions['format'],
): Promise<void> {
  const lines =
    format === 'json'
      ? [JSON.stringify(findings, null, 2)]
      : [...findings.map(findingText), ...verdict]
  await print(lines.map((line) => `${line}\n`).join(''))
}

function findingText({ severity, file, type, message }: Finding): string {
  const color = severity === 'error' ? pc.red : pc.yellow
  const headline = [color(severity), safe(file), ...(type === undefined ? [] : [safe(type)])]
  const lines = message.split('\n').map((line) => `  ${safe(line)}`)
  return [headline.join('  '), ...lines, ''].join('\n')
}

const isError = ({ severity }: Finding) => severity === 'error'

const mutations = ({ mutations }: SchemaLock) => counted(Object.keys(mutations).length, 'mutation')
