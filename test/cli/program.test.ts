import { expect, test } from 'vitest'
import { program } from '../../src/cli/program.ts'

const namesFor = async (...args: string[]): Promise<string[]> =>
  (await program(args)).commands.map((command) => command.name())

test('a call loads the command that it names, and no other', async () => {
  const all = await namesFor()
  expect(all.length).toBeGreaterThan(10)
  for (const name of all) expect(await namesFor(name, '--help')).toEqual([name])
  expect(await namesFor('--version')).toEqual([])
})

test('what names no command can be answered with all of them', async () => {
  const all = await namesFor()
  for (const first of ['--help', 'help', 'chekc', 'toString', ''])
    expect(await namesFor(first)).toEqual(all)
})
