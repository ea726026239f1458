// Makes the pages of the site from the documents of the repository.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { documents, root } from '../test/docs/markdown.ts'

/** Within the repository. */
const LINK = /\]\((?!\w+:)([^)#\s]+)(#[^)\s]*)?\)/g

/** Writes a page for each document, and for each file of source code that a document links to. */
export function writePages(directory: string): void {
  rmSync(directory, { recursive: true, force: true })
  for (const { path, text, prose } of documents) {
    const lines = text.split('\n').map((line, index) => {
      // A line of code has no prose.
      if (prose[index] === '') return line
      return line.replace(LINK, (_, to: string, anchor = '') => {
        const target = join(dirname(path), to)
        if (isImage(target)) return `](/${copyImage(directory, target)})`
        if (!target.endsWith('.md')) writeSource(directory, target)
        return `](${pageOf(to)}${anchor})`
      })
    })
    write(join(directory, pageOf(path)), lines.join('\n'))
  }
}

/** The name of the page that shows a document or a source file. */
export const pageOf = (path: string): string =>
  path.endsWith('.md') ? path.replace(/\bREADME\.md$/, 'index.md') : `${path}.md`

const isImage = (path: string) => ['.svg', '.png'].includes(extname(path))

/** Returns its address on the site. */
function copyImage(directory: string, path: string): string {
  write(join(directory, 'public', path), readFileSync(join(root, path), 'utf8'))
  return path
}

function writeSource(directory: string, path: string): void {
  const code = readFileSync(join(root, path), 'utf8').trimEnd()
  const block = `\`\`\`${extname(path).slice(1)}\n${code}\n\`\`\``
  write(join(directory, pageOf(path)), `# ${path}\n\n${block}\n`)
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}
