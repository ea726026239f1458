// The commands of the command line, ready to be run.
import { Command } from 'commander'
import { end } from './terminal/exit.ts'
import { printNow } from './terminal/output.ts'
import { didYouMean } from './terminal/suggest.ts'
import { version } from './terminal/version.ts'

/** The package's name: the name `ministore` belongs to another package on npm. */
const NAME = 'ministore-ts'

/** In the order of the help. Each loads what only it needs: that is most of the time of a start. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  check: async () => (await import('./commands/check.ts')).checkCommand(),
  schema: async () => (await import('./commands/schema.ts')).schemaCommand(),
  state: async () => (await import('./commands/state.ts')).stateCommand(),
  diff: async () => (await import('./commands/diff.ts')).diffCommand(),
  blame: async () => (await import('./commands/blame.ts')).blameCommand(),
  trace: async () => (await import('./commands/trace.ts')).traceCommand(),
  log: async () => (await import('./commands/log.ts')).logCommand(),
  stats: async () => (await import('./commands/stats.ts')).statsCommand(),
  verify: async () => (await import('./commands/verify.ts')).verifyCommand(),
  seal: async () => (await import('./commands/seal.ts')).sealCommand(),
  repair: async () => (await import('./commands/repair.ts')).repairCommand(),
  snapshot: async () => (await import('./commands/snapshot.ts')).snapshotCommand(),
  compact: async () => (await import('./commands/snapshot.ts')).compactCommand(),
  copy: async () => (await import('./commands/copy.ts')).copyCommand(),
  import: async () => (await import('./commands/import.ts')).importCommand(),
}

/** For this program itself. */
const HIDDEN: typeof COMMANDS = {
  elsewhere: async () => (await import('./commands/elsewhere.ts')).elsewhereCommand(),
}

/**
 * With the commands that it takes to run `args`; without them, with all. Ends the process with 2
 * if the call is wrong.
 */
export async function program([first]: readonly string[] = []): Promise<Command> {
  const all = new Command(NAME)
    .description('Check, inspect and repair the journals of ministore stores.')
    .version(version)
    .configureOutput({
      writeOut: printNow,
      outputError: (text, write) => write(usageError(text)),
    })
    .showHelpAfterError(`Run "npx ${NAME} --help" to see all commands.`)
    .exitOverride((error) => end(error.exitCode === 0 ? 0 : 2))
  for (const name of needed(first)) {
    const command = await (COMMANDS[name] ?? HIDDEN[name])?.()
    if (!command) continue
    command.copyInheritedSettings(all)
    command.showHelpAfterError(`Run "npx ${NAME} ${name} --help" to see its arguments and options.`)
    all.addCommand(command)
  }
  return all
}

/** What is not a command may be a misspelt one, or ask for help: both are about all of them. */
function needed(first: string | undefined): readonly string[] {
  if (first === '--version' || first === '-V') return []
  const names = Object.keys(COMMANDS)
  const isOne = first !== undefined && (names.includes(first) || Object.hasOwn(HIDDEN, first))
  return isOne ? [first] : names
}

/** Begins as all other errors do, and names the choice that was probably meant. */
function usageError(text: string): string {
  const [, given, choices] =
    /argument '(.*)' is invalid\. Allowed choices are (.*)\.\n$/s.exec(text) ?? []
  const near = given && choices ? didYouMean(given, choices.split(', ')) : ''
  return text.replace(/^error: /, 'ministore: ').replace(/\.\n$/, `${near || '.'}\n`)
}
