import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ledger } from '../file/ledger.ts'
import { filesBeside, tempJournal } from '../file/temp-journal.ts'
import { flip, header, journalOf, note } from '../format/forge.ts'
import { broker } from '../store/broker.ts'
import { ministore } from './run.ts'

const whole = journalOf(5)

function journal(bytes: Uint8Array): string {
  const path = tempJournal()
  writeFileSync(path, bytes)
  return path
}

/** All files but the lock files, whose contents differ from one process to the next. */
function filesBut(path: string): Record<string, string> {
  const files = Object.entries(filesBeside(path)).filter(([name]) => !name.endsWith('.lock'))
  return Object.fromEntries(files)
}

describe('ministore repair', () => {
  test.each([
    ['a torn write', Buffer.concat([whole, note(6).subarray(0, 30)])],
    ['a lost newline before NULs', Buffer.concat([whole.subarray(0, -1), Buffer.alloc(9)])],
  ])('does about %s what opening does, and nothing before it is told to', async (_, bytes) => {
    const [path, opened] = [journal(bytes), journal(bytes)]
    const before = filesBeside(path)
    const dry = ministore('repair', path)
    expect(dry).toMatchObject({ status: 1, stderr: '' })
    expect(dry.stdout).toContain(`torn ${path}: would `)
    expect(filesBeside(path)).toEqual(before)

    const done = ministore('repair', path, '--write')
    expect(done).toMatchObject({ status: 0, stderr: '' })
    // Exactly what was announced.
    const [announced = ''] = dry.stdout.split('\n')
    const past = announced
      .replace('would add', 'added')
      .replace('would ', '')
      .replace('keep', 'kept')
    expect(done.stdout).toBe(`${past.replace('torn ', 'repaired ')}\n`)
    const store = await ledger.open(opened)
    expect(store.seq).toBe(5)
    await store.close()
    expect(filesBut(path)).toEqual(filesBut(opened))
  })

  test('names byte, length and the free name under which the torn write will be kept', () => {
    const path = journal(Buffer.concat([whole, note(6).subarray(0, 30)]))
    writeFileSync(`${path}.torn-6`, 'somebody’s own')
    const announced = `cut off 30 bytes of record 6 at byte ${whole.length}`
    const dry = ministore('repair', path).stdout
    expect(dry).toContain(`would ${announced} and keep them in ${path}.torn-6.2\n`)
    const done = ministore('repair', path, '--write').stdout
    expect(done).toBe(`repaired ${path}: ${announced} and kept them in ${path}.torn-6.2\n`)
    expect(readFileSync(path)).toEqual(whole)
    expect(readFileSync(`${path}.torn-6`, 'utf8')).toBe('somebody’s own')
    expect(readFileSync(`${path}.torn-6.2`)).toEqual(note(6).subarray(0, 30))
    const again = ministore('repair', path)
    expect(again).toMatchObject({ status: 0, stdout: `ok ${path}: 5 records, nothing to repair\n` })
  })

  test('refuses damage, with or without --write, and leaves every file as it was', () => {
    const path = journal(flip(whole, header().length + 2 * note(1).length + 40))
    const before = filesBeside(path)
    for (const args of [[], ['--write']]) {
      const { status, stdout } = ministore('repair', path, ...args)
      expect(status).toBe(1)
      expect(stdout).toContain(`refused ${path}:4 (byte `)
      expect(stdout).toContain('restore a backup')
      expect(stdout).toContain(`npx ministore-ts log ${path} --until 2`)
      expect(stdout).toContain('could lose acknowledged records')
    }
    expect(filesBeside(path)).toEqual(before)
  })

  test('keeps a torn header, and leaves an empty file for its definition to open', async () => {
    const path = journal(header().subarray(0, 50))
    const dry = ministore('repair', path)
    expect(dry.status).toBe(1)
    expect(dry.stdout).toContain(`torn ${path}: would cut off 50 bytes of a header at byte 0`)
    expect(Object.keys(filesBeside(path))).toEqual(['ledger.journal'])
    expect(ministore('repair', path, '--write').status).toBe(0)
    expect(filesBut(path)).toEqual({
      'ledger.journal': '',
      'ledger.journal.torn-0': header().subarray(0, 50).toString(),
    })
    const store = await ledger.open(path)
    expect(store.recovery.created).toBe(true)
    await store.close()
  })

  test('does not come between a store and its journal', async () => {
    const path = tempJournal()
    const store = await broker.open(path)
    await store.dispatch('addTopic', { name: 'a' })
    // As if it were seen in the middle of the store's write.
    const copy = readFileSync(path)
    writeFileSync(path, Buffer.concat([copy, Buffer.from('{"seq":2,"at":"2026')]))
    const torn = filesBut(path)
    const { status, stderr } = ministore('repair', path, '--write')
    expect(status).toBe(2)
    expect(stderr).toContain(`held by process ${process.pid}`)
    expect(filesBut(path)).toEqual(torn)
    writeFileSync(path, copy)
    await store.dispatch('addTopic', { name: 'b' })
    await store.close()
  })

  test('creates nothing where there is nothing, and changes nothing that is not ours', () => {
    const [none, foreign] = [tempJournal(), journal(Buffer.from('Dear diary,\n'))]
    const missing = ministore('repair', none, '--write')
    expect(missing).toMatchObject({ status: 2, stdout: '' })
    expect(missing.stderr).toContain(`${none}: the file does not exist`)
    expect(existsSync(none)).toBe(false)
    const before = filesBeside(foreign)
    expect(ministore('repair', foreign, '--write')).toMatchObject({ status: 1 })
    expect(filesBeside(foreign)).toEqual(before)
  })

  test('leaves a journal alone that is whole', () => {
    const path = journal(whole)
    const [files, { mtimeMs }] = [filesBeside(path), statSync(path)]
    expect(ministore('repair', path, '--write')).toMatchObject({ status: 0 })
    expect(filesBeside(path)).toEqual(files)
    expect(statSync(path).mtimeMs).toBe(mtimeMs)
  })

  test('explains itself', () => {
    const { status, stdout } = ministore('repair', '--help')
    expect(stdout).toContain('Examples:\n  $ npx ministore-ts repair data/broker.jsonl')
    expect(status).toBe(0)
  })
})
