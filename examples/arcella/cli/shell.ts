// arcella shell: verbs, one on each line, over one connection. A line that begins with { goes to the daemon as it is.
import { createInterface } from 'node:readline'
import { Command, CommanderError } from 'commander'
import type { Client } from '../control/client.ts'
import { type Asking, Refused, withDaemon } from './asking.ts'
import { print, safe } from './output.ts'
import { addVerbs } from './program.ts'

const PROMPT = 'arcella> '

export const shellCommand = (): Command =>
  new Command('shell')
    .description('Read verbs from standard input, one on each line, until its end or "exit".')
    .action((_, command: Command) =>
      withDaemon(command.optsWithGlobals(), async (asking, client) => {
        const isTerminal = process.stdin.isTTY === true
        const lines = createInterface({
          input: process.stdin,
          prompt: PROMPT,
          terminal: isTerminal,
          ...(isTerminal && { output: process.stdout }),
        })
        let isRefused = false
        if (isTerminal) lines.prompt()
        for await (const line of lines) {
          const words = wordsOf(line)
          if (words[0] === 'exit' || words[0] === 'quit') break
          if (words.length > 0 && !(await perform(line, words, asking, client))) isRefused = true
          if (isTerminal) lines.prompt()
        }
        lines.close()
        // A script needs the exit code; a person has seen the message.
        if (isRefused && !isTerminal) process.exitCode = 1
      }),
    )

/** Resolves to whether it was done. Throws where the daemon is gone. */
async function perform(
  line: string,
  words: readonly string[],
  asking: Asking,
  client: Client,
): Promise<boolean> {
  if (line.trimStart().startsWith('{')) {
    const answer = await client.send(line)
    await print(JSON.stringify(answer))
    return answer.success
  }
  const shell = new Command('').usage('<verb>').exitOverride()
  try {
    await addVerbs(shell, (use) => use(asking)).parseAsync([...words], { from: 'user' })
    return true
  } catch (error) {
    // Commander has said what was wrong.
    if (error instanceof CommanderError) return error.exitCode === 0
    if (!(error instanceof Refused)) throw error
    console.error(safe(error.message))
    return false
  }
}

/** Split at spaces, but not between quotes. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, plain]) => double ?? single ?? plain ?? '',
  )
