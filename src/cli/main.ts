#!/usr/bin/env node
// The command `ministore`: exit code 0 = fine, 1 = findings, 2 = it could not be done.
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { checkCommand } from './check.ts'

const { version } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { version: string }

const program = new Command('ministore')
  .description('Replay-check the journals of ministore stores.')
  .version(version)
  .showHelpAfterError()
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))

program.addCommand(checkCommand().copyInheritedSettings(program))

try {
  await program.parseAsync()
} catch (error) {
  console.error(`ministore: ${(error as Error).message}`)
  process.exitCode = 2
}
