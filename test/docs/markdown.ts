// The project's documents as data: programs, headings, links, prose.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root: string = fileURLToPath(new URL('../..', import.meta.url))

export interface Block {
  readonly language: string
  /** Of its first line of code, from 1. */
  readonly line: number
  readonly lines: readonly string[]
}

export interface Document {
  /** From the root of the repository. */
  readonly path: string
  readonly text: string
  readonly blocks: readonly Block[]
  /** The text without code blocks, line by line; line numbers are the document's. */
  readonly prose: readonly string[]
}

export interface Program {
  readonly document: string
  readonly line: number
  readonly file: string
  /** A line of this is the same line of the document: what fails here fails there. */
  readonly text: string
  /** What it says it prints, `// → text`, with where it says so. */
  readonly says: readonly { readonly line: number; readonly text: string }[]
}

export const documents: readonly Document[] = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...['docs', 'examples'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md') && !name.includes('node_modules'))
      .map((name) => join(folder, name)),
  ),
]
  .sort()
  .map(readDocument)

export function documentAt(path: string): Document {
  const found = documents.find((document) => document.path === path)
  if (!found) throw new Error(`there is no ${path}`)
  return found
}

function readDocument(path: string): Document {
  const text = readFileSync(join(root, path), 'utf8')
  const blocks: { language: string; line: number; lines: string[] }[] = []
  const prose: string[] = []
  let isCode = false
  for (const [index, line] of text.split('\n').entries()) {
    const [, language] = /^ *```(\w*)/.exec(line) ?? []
    if (language !== undefined) {
      isCode = !isCode
      if (isCode) blocks.push({ language, line: index + 2, lines: [] })
    } else if (isCode) blocks.at(-1)?.lines.push(line)
    prose.push(isCode || language !== undefined ? '' : line)
  }
  return { path, text, blocks, prose }
}

/**
 * The document's TypeScript: a block that starts with an import begins a program, any other goes on
 * with the one before it. A first line such as `// broker.ts` names the file for the others to import.
 */
export function programsOf({ path, blocks }: Document): Program[] {
  const programs: { name: string; blocks: Block[] }[] = []
  for (const block of blocks.filter(({ language }) => language === 'ts')) {
    const first = block.lines.find((line) => line.trim() !== '' && !line.startsWith('//'))
    if (first?.startsWith('import ')) {
      const [, name = `line-${block.line}.ts`] =
        /^\/\/ ([\w/-]+\.ts)$/.exec(block.lines[0] ?? '') ?? []
      programs.push({ name, blocks: [block] })
    } else {
      const program = programs.at(-1)
      if (!program)
        throw new Error(`${path}:${block.line} goes on with a program that is not there`)
      program.blocks.push(block)
    }
  }
  return programs.map(({ name, blocks: [first, ...others] }) => {
    const lines: string[] = []
    for (const block of first ? [first, ...others] : []) {
      while (lines.length < block.line - 1) lines.push('')
      lines.push(...block.lines)
    }
    const says = lines.flatMap((text, index) => {
      const [, said] = /\/\/ → (.*)$/.exec(text) ?? []
      return said === undefined ? [] : [{ line: index + 1, text: said }]
    })
    const file = join(root, '.docs', path, name)
    return { document: path, line: first?.line ?? 1, file, text: `${lines.join('\n')}\n`, says }
  })
}

/** As GitHub makes a heading's anchor. */
export const headingsOf = ({ prose }: Document): string[] =>
  prose.flatMap((line) => /^#+ (.*)$/.exec(line)?.[1] ?? [])

export const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}_\- ]/gu, '')
    .replaceAll(' ', '-')

export interface Link {
  readonly where: string
  /** From the root of the repository. */
  readonly path: string
  readonly anchor: string | undefined
}

/** Links within the repository. */
export const linksOf = ({ path, prose }: Document): Link[] =>
  prose.flatMap((line, index) =>
    [...line.matchAll(/\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]*))?\)/g)].map(([, to, anchor]) => {
      return { where: `${path}:${index + 1}`, path: to ? join(dirname(path), to) : path, anchor }
    }),
  )
