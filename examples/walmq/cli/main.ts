// The command `walmq`: exit code 0 = done, 1 = refused, 2 = it could not be done.
import { Command } from 'commander'
import { exitCodeOf, leave, safe } from './output.ts'

/** In the order of the help. Each loads what only it needs: a client needs no broker. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./serve.ts')).serveCommand(),
  topic: async () => (await import('./topic.ts')).topicCommand(),
  pub: async () => (await import('./pub.ts')).pubCommand(),
  sub: async () => (await import('./sub.ts')).subCommand(),
  ack: async () => (await import('./ack.ts')).ackCommand(),
  seek: async () => (await import('./seek.ts')).seekCommand(),
  groups: async () => (await import('./groups.ts')).groupsCommand(),
  stats: async () => (await import('./broker.ts')).statsCommand(),
  retention: async () => (await import('./broker.ts')).retentionCommand(),
  compact: async () => (await import('./broker.ts')).compactCommand(),
  inspect: async () => (await import('./inspect.ts')).inspectCommand(),
}

const program = new Command('walmq')
  .description('A durable message queue in a directory: messages in files, the rest in ministore.')
  .showHelpAfterError()
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
const [verb = ''] = process.argv.slice(2)
for (const name of Object.hasOwn(COMMANDS, verb) ? [verb] : Object.keys(COMMANDS)) {
  const command = await COMMANDS[name]?.()
  if (command) program.addCommand(inherit(command))
}

/** Commander does so only for commands that it makes itself. */
function inherit(command: Command): Command {
  command.copyInheritedSettings(program)
  for (const below of command.commands) inherit(below)
  return command
}

try {
  await program.parseAsync()
} catch (error) {
  console.error(`walmq: ${safe(error instanceof Error ? error.message : String(error))}`)
  process.exitCode = exitCodeOf(error)
}
leave(Number(process.exitCode ?? 0))
