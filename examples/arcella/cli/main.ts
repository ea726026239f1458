// The command `arcella`: exit code 0 = done, 1 = refused, 2 = it could not be done.
import { Command, Option } from 'commander'
import { Refused, withDaemon } from './asking.ts'
import { daemonCommand } from './daemon.ts'
import { leave, safe } from './output.ts'
import { addVerbs, inherit } from './program.ts'
import { shellCommand } from './shell.ts'

const program = new Command('arcella')
  .description('WebAssembly modules: installed, deployed, and run in replicas.')
  .addOption(
    new Option('--dir <directory>', 'the base directory')
      .default('./arcella-data')
      .env('ARCELLA_DIR'),
  )
  .option('--json', "print the daemon's answer as it is", false)
  .showHelpAfterError()
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))

program.addCommand(inherit(program, daemonCommand()))
addVerbs(program, (use) => withDaemon(program.opts(), use))
program.addCommand(inherit(program, shellCommand()))

try {
  await program.parseAsync()
} catch (error) {
  console.error(`arcella: ${safe(error instanceof Error ? error.message : String(error))}`)
  process.exitCode = error instanceof Refused ? 1 : 2
}
leave(Number(process.exitCode ?? 0))
