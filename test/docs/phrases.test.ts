// The language of the project: no phrase that a reader stumbles over, wherever people read.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { program } from '../../src/cli/program.ts'
import { helpOf } from '../cli/documents.ts'
import { documents, root } from './markdown.ts'
import { FORBIDDEN } from './phrases.ts'

const found = (where: string, lines: readonly string[]): string[] =>
  lines.flatMap((line, index) => {
    FORBIDDEN.lastIndex = 0
    return FORBIDDEN.test(line) ? [`${where}:${index + 1}: ${line.trim()}`] : []
  })

test('documents use no forbidden phrase', () => {
  // In code style stand names, also of things that are not ours.
  const prose = documents.flatMap(({ path, prose }) =>
    found(
      path,
      prose.map((line) => line.replace(/`[^`]*`/g, '')),
    ),
  )
  expect(prose).toEqual([])
})

test('no help of a command uses one', async () => {
  const { commands } = await program()
  expect(commands.length).toBeGreaterThan(10)
  expect(commands.flatMap((each) => found(each.name(), helpOf(each).split('\n')))).toEqual([])
})

test.each(['src', 'examples'])('no message or comment in %s uses one', (folder) => {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter(
    // Immer's own text is Immer's.
    (name) => name.endsWith('.ts') && name !== 'mutation/immer.ts',
  )
  const sources = names.map((name) => join(folder, name))
  expect(sources.length).toBeGreaterThan(50)
  const text = (path: string) => readFileSync(join(root, path), 'utf8').split('\n')
  expect(sources.flatMap((path) => found(path, text(path)))).toEqual([])
})

test('no document runs the command by the name of another package', () => {
  const wrong = documents.flatMap(({ path, text }) =>
    [...text.matchAll(/npx (?:--no -- )?ministore(?!-ts)\b.*/g)].map(
      ([call]) => `${path}: ${call}`,
    ),
  )
  expect(wrong).toEqual([])
})
