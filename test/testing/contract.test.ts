import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryJournal } from 'ministore-ts'
import { fileJournal } from 'ministore-ts/file'
import { journalContract, simulatedDisk } from 'ministore-ts/testing'
import { describe, expect, test } from 'vitest'
import { BROKEN, type Broken } from './broken-journals.ts'
import { plainStorage } from './plain-journal.ts'

describe('the contract of a journal in a file', () => {
  const create = () => {
    const directory = mkdtempSync(join(tmpdir(), 'ministore-'))
    return {
      journal: () => fileJournal(join(directory, 'notes.jsonl')),
      remove: () => rmSync(directory, { recursive: true }),
    }
  }
  for (const { name, run } of journalContract({ create })) test(name, run)
})

describe('the contract of a journal on a disk whose power is cut', () => {
  let seed = 0
  const create = () => {
    let disk = simulatedDisk({ seed: seed++ })
    return {
      journal: () => fileJournal('/data/notes.jsonl', { fileSystem: disk }),
      crash() {
        disk.end('power cut')
        disk = disk.restart()
      },
    }
  }
  for (const { name, run } of journalContract({ create, crashes: true })) test(name, run)
})

describe('the contract of a journal in memory', () => {
  // Its object is its storage, so that it is shared, and lives on when it is closed.
  const create = () => {
    const journal = memoryJournal()
    return { journal: () => journal }
  }
  for (const { name, run } of journalContract({ create, shared: true })) test(name, run)
})

describe('the contract of a plain journal', () => {
  for (const shared of [false, true]) {
    const create = () => plainStorage({ shared })
    for (const { name, run } of journalContract({ create, shared, crashes: true })) {
      test(`${name} (${shared ? 'shared' : 'exclusive'})`, run)
    }
  }
})

/** The names of the cases that fail. */
async function failuresOf({ mutate, shared = false }: Broken) {
  const create = () => plainStorage({ shared, mutate })
  const failures: string[] = []
  for (const { name, run } of journalContract({ create, shared, crashes: true })) {
    await run().catch(() => failures.push(name))
  }
  return failures
}

describe('the contract is broken by a journal that', () => {
  test.for(Object.entries(BROKEN))('%s', async ([, broken]) => {
    expect(await failuresOf(broken)).toContain(broken.breaks)
  })
})

test('every sentence of the contract is broken by some journal', () => {
  const sentences = [true, false].flatMap((shared) =>
    journalContract({ create: plainStorage, shared, crashes: true }).map(({ name }) => name),
  )
  const broken = Object.values(BROKEN).map(({ breaks }) => breaks)
  expect([...new Set(broken)].toSorted()).toEqual([...new Set(sentences)].toSorted())
})
