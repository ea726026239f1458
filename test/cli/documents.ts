// What the documents show of the command line: its help, and every line that calls it.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { program } from '../../src/cli/program.ts'
import { documents, root } from '../docs/markdown.ts'

const WIDTH = 100

/** `docs/CLI.md` as it should be: what somebody wrote, then what every command prints for `--help`. */
export async function reference(text: string): Promise<string> {
  const heading = '## The commands\n'
  const written = text.slice(0, text.indexOf(heading) + heading.length)
  const all = await program()
  const commands = all.commands.map((command) => {
    return `### ministore-ts ${command.name()}\n\n${block(helpOf(command))}`
  })
  return [written, block(helpOf(all)), ...commands].join('\n')
}

const block = (text: string) => `\`\`\`text\n${text.trimEnd()}\n\`\`\`\n`

export function helpOf(command: Command): string {
  let printed = ''
  command.configureOutput({
    writeOut: (text) => {
      printed += text
    },
    getOutHelpWidth: () => WIDTH,
    getOutHasColors: () => false,
  })
  command.outputHelp()
  return printed
}

export interface Call {
  /** `docs/ci/README.md:12` */
  readonly where: string
  /** The words after `ministore-ts`. */
  readonly args: readonly string[]
}

/** In the sh blocks of the documents, in the workflow for CI, and in the examples of the help. */
export function calls(): Call[] {
  const scripts = documents.flatMap(({ path, blocks }) =>
    blocks
      .filter(({ language }) => ['sh', 'yaml', 'text'].includes(language))
      .map(({ line, lines }) => ({ path, line, lines })),
  )
  const workflow = 'docs/ci/replay-check.yml'
  scripts.push({
    path: workflow,
    line: 1,
    lines: readFileSync(join(root, workflow), 'utf8').split('\n'),
  })
  return scripts.flatMap(({ path, line, lines }) =>
    lines.flatMap((text, index) => {
      // A line that ends in a backslash goes on with the next one.
      const rest = lines.slice(index).join('\n').replaceAll('\\\n', ' ').split('\n')[0] ?? ''
      const isCall = /^ *(?:- |run: |- run: |\$ )?(?:npx (?:--no -- )?)?ministore-ts /
      const [start] = isCall.exec(text) ?? []
      if (start === undefined) return []
      return [{ where: `${path}:${line + index}`, args: wordsOf(rest.slice(start.length)) }]
    }),
  )
}

/** Up to a pipe, a redirection or a comment. */
function wordsOf(line: string): string[] {
  const [command = ''] = line.split(/ (?:[|>#;]|&&|2>)/)
  return (command.match(/"[^"]*"|'[^']*'|\S+/g) ?? []).map((word) =>
    word.replace(/^(["'])(.*)\1$/, '$2'),
  )
}

/** Why commander refuses a call; undefined where it takes it. Nothing is done. */
export async function refusal({ args }: Call): Promise<string | undefined> {
  const all = await program()
  for (const command of [all, ...all.commands]) {
    command.exitOverride((error) => {
      throw error
    })
    command.configureOutput({ writeErr: () => undefined, writeOut: () => undefined })
  }
  for (const command of all.commands) command.action(() => undefined)
  try {
    all.parse(args, { from: 'user' })
    return undefined
  } catch (error) {
    const { code, message } = error as { code: string; message: string }
    return code === 'commander.helpDisplayed' ? undefined : message
  }
}
