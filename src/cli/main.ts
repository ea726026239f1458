#!/usr/bin/env node
// The command `ministore`: exit code 0 = fine, 1 = findings, 2 = it could not be done,
// 130 = interrupted.
import { Console } from 'node:console'
import { program } from './program.ts'
import { answerWith, guardExit, takeAnswer } from './terminal/exit.ts'
import { redirectForeignOutput } from './terminal/foreign-output.ts'
import { safeLines } from './terminal/lines.ts'
import { leave, ownOutput } from './terminal/output.ts'

guardExit()
// Standard output is for reports: what a definition logs goes to standard error.
ownOutput()
redirectForeignOutput()
globalThis.console = new Console(process.stderr)

// Twice ends it at once, even if no one reads what was printed.
process.once('SIGINT', () => {
  // A command that has something to put away listens itself, and ends soon.
  if (process.listenerCount('SIGINT') === 0) leave(130)
})

try {
  const args = process.argv.slice(2)
  await (await program(args)).parseAsync(args, { from: 'user' })
} catch (error) {
  console.error(`ministore: ${safeLines((error as Error).message)}`)
  answerWith(2)
}
// A definition's file may have left something open, such as a timer or a connection.
leave(takeAnswer())
