import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A path in a fresh directory, which is removed after the test. Nothing is there yet. */
export function tempJournal(name = 'ledger.journal'): string {
  const directory = mkdtempSync(join(tmpdir(), 'ministore-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return join(directory, name)
}

/** Every file in the journal's directory, by name. */
export function filesBeside(path: string): Record<string, string> {
  const directory = dirname(path)
  const names = readdirSync(directory).sort()
  return Object.fromEntries(
    names.map((name) => [name, readFileSync(join(directory, name), 'latin1')]),
  )
}

export const linesOf = (path: string): string[] =>
  readFileSync(path, 'utf8').split('\n').slice(0, -1)
