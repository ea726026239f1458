// The commands of `ministore`, ready to be run.
import { Command } from 'commander'
import { version } from './version.ts'

/** In the order of the help. Each loads what only it needs: that is most of the time of a start. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  check: async () => (await import('./check.ts')).checkCommand(),
  schema: async () => (await import('./schema.ts')).schemaCommand(),
  state: async () => (await import('./state.ts')).stateCommand(),
  diff: async () => (await import('./diff.ts')).diffCommand(),
  blame: async () => (await import('./blame.ts')).blameCommand(),
  log: async () => (await import('./log.ts')).logCommand(),
  stats: async () => (await import('./stats.ts')).statsCommand(),
  verify: async () => (await import('./verify.ts')).verifyCommand(),
  repair: async () => (await import('./repair.ts')).repairCommand(),
  snapshot: async () => (await import('./snapshot.ts')).snapshotCommand(),
  compact: async () => (await import('./snapshot.ts')).compactCommand(),
  copy: async () => (await import('./copy.ts')).copyCommand(),
  import: async () => (await import('./import.ts')).importCommand(),
}

/** For this program itself. */
const HIDDEN: typeof COMMANDS = {
  elsewhere: async () => (await import('./elsewhere.ts')).elsewhereCommand(),
}

/**
 * With the commands that it takes to run `args`; without them, with all. Ends the process with 2
 * where it is used wrongly.
 */
export async function program([first]: readonly string[] = []): Promise<Command> {
  const all = new Command('ministore')
    .description('Replay-check, inspect and repair the journals of ministore stores.')
    .version(version)
    .showHelpAfterError()
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  for (const name of needed(first)) {
    const command = await (COMMANDS[name] ?? HIDDEN[name])?.()
    if (command) all.addCommand(command.copyInheritedSettings(all))
  }
  return all
}

/** What is no command may be a misspelt one, or ask for help: both are about all of them. */
function needed(first: string | undefined): readonly string[] {
  if (first === '--version' || first === '-V') return []
  const names = Object.keys(COMMANDS)
  const isOne = first !== undefined && (names.includes(first) || Object.hasOwn(HIDDEN, first))
  return isOne ? [first] : names
}
