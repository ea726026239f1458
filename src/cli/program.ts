// All commands of `ministore`, ready to be run.
import { Command } from 'commander'
import { blameCommand } from './blame.ts'
import { checkCommand } from './check.ts'
import { diffCommand } from './diff.ts'
import { importCommand } from './import.ts'
import { logCommand } from './log.ts'
import { repairCommand } from './repair.ts'
import { schemaCommand } from './schema.ts'
import { compactCommand, snapshotCommand } from './snapshot.ts'
import { stateCommand } from './state.ts'
import { statsCommand } from './stats.ts'
import { verifyCommand } from './verify.ts'
import { version } from './version.ts'

/** Ends the process with 2 where it is used wrongly. */
export function program(): Command {
  const all = new Command('ministore')
    .description('Replay-check, inspect and repair the journals of ministore stores.')
    .version(version)
    .showHelpAfterError()
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  const commands = [
    checkCommand(),
    schemaCommand(),
    stateCommand(),
    diffCommand(),
    blameCommand(),
    logCommand(),
    statsCommand(),
    verifyCommand(),
    repairCommand(),
    snapshotCommand(),
    compactCommand(),
    importCommand(),
  ]
  for (const command of commands) all.addCommand(command.copyInheritedSettings(all))
  return all
}
