// node --import jiti/register test/docs/readability.ts [root]
// How hard the documents and the comments are to read: words, sentence length, the Flesch-Kincaid grade, and odd
// constructions per 1,000 words. Grade = 0.39 × words per sentence + 11.8 × syllables per word − 15.59 (Kincaid, 1975).
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ODD } from './phrases.ts'

const root = resolve(process.argv[2] ?? '.')

const filesIn = (folder: string, ending: string): string[] =>
  existsSync(join(root, folder))
    ? readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith(ending) && !name.includes('node_modules'))
        .map((name) => join(folder, name))
    : []

/** Without code, tables, links' targets and headings. */
const proseOf = (markdown: string): string =>
  markdown
    .replace(/^ *```[\s\S]*?^ *```/gm, '')
    .replace(/^(?:\||#| {4}).*$/gm, '')
    .replace(/\]\([^)]*\)/g, ']')
    .replace(/`[^`]*`/g, 'code')

const commentsOf = (source: string): string =>
  [...source.matchAll(/\/\*\*?([\s\S]*?)\*\/|^\s*\/\/(.*)$/gm)]
    .map(([, block, line]) =>
      (block ?? line ?? '').replace(/^\s*\*/gm, '').replace(/`[^`]*`/g, 'code'),
    )
    .join('\n')

function syllables(word: string): number {
  const groups = word
    .toLowerCase()
    .replace(/e$/, '')
    .match(/[aeiouy]+/g)
  return Math.max(1, groups?.length ?? 0)
}

function measure(texts: readonly string[]) {
  const text = texts.join('\n\n')
  const words = text.match(/[A-Za-z][A-Za-z'’-]*/g) ?? []
  const sentences = text
    .split(/[.!?:](?:\s|$)|\n\s*\n|\n\s*[-*] /)
    .filter((each) => /[A-Za-z]{2}/.test(each))
  const perSentence = words.length / sentences.length
  const perWord = words.reduce((sum, word) => sum + syllables(word), 0) / words.length
  const odd = [...text.matchAll(ODD)].length
  return {
    words: words.length,
    'words a sentence': perSentence.toFixed(1),
    grade: (0.39 * perSentence + 11.8 * perWord - 15.59).toFixed(1),
    'odd per 1,000': ((odd / words.length) * 1000).toFixed(1),
  }
}

const read = (path: string) => readFileSync(join(root, path), 'utf8')
const guides = filesIn('docs', '.md').filter((path) => !path.includes('benchmarks'))
console.table({
  README: measure([proseOf(read('README.md'))]),
  'docs/': measure(guides.map((path) => proseOf(read(path)))),
  'comments of src/': measure(
    filesIn('src', '.ts')
      .filter((path) => !path.endsWith('mutation/immer.ts'))
      .map((path) => commentsOf(read(path))),
  ),
})
