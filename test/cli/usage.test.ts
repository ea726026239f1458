// What a wrong call prints: the error, the word that was probably meant, and where to read on.
import { expect, test } from 'vitest'
import { ministores } from './run.ts'

const STORE = ['--store', 'tickets.js']
const HELP = 'Run "npx ministore-ts check --help" to see its arguments and options.\n'

const WRONG: readonly [args: readonly string[], printed: string][] = [
  [
    ['chekc', 'a.jsonl'],
    "ministore: unknown command 'chekc'\n(Did you mean check?)\n" +
      'Run "npx ministore-ts --help" to see all commands.\n',
  ],
  [
    ['check', 'a.jsonl', ...STORE, '--fromat', 'json'],
    `ministore: unknown option '--fromat'\n(Did you mean --format?)\n${HELP}`,
  ],
  [
    ['check', 'a.jsonl', ...STORE, '--format', 'jsn'],
    "ministore: option '--format <format>' argument 'jsn' is invalid. " +
      `Allowed choices are pretty, json, github, junit, sarif; did you mean "json"?\n${HELP}`,
  ],
  [
    ['check', 'a.jsonl', ...STORE, '--format', 'something'],
    "ministore: option '--format <format>' argument 'something' is invalid. " +
      `Allowed choices are pretty, json, github, junit, sarif.\n${HELP}`,
  ],
  [
    ['check', 'a.jsonl'],
    `ministore: required option '--store <file#export>' not specified\n${HELP}`,
  ],
  [['check', ...STORE], `ministore: missing required argument 'journals'\n${HELP}`],
  [
    ['log', 'a.jsonl', 'b.jsonl'],
    "ministore: too many arguments for 'log'. Expected 1 argument but got 2.\n" +
      'Run "npx ministore-ts log --help" to see its arguments and options.\n',
  ],
]

test('a wrong call prints the error, the nearest right word and one line of help', async () => {
  const ran = await ministores(...WRONG.map(([args]) => [...args]))
  expect(ran.map(({ status, stdout, stderr }) => ({ status, stdout, stderr }))).toEqual(
    WRONG.map(([, stderr]) => ({ status: 2, stdout: '', stderr })),
  )
})
