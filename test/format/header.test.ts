import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { defineStore, StoreError } from 'ministore-ts'
import { describe, expect, test } from 'vitest'
import { ledger } from '../file/ledger.ts'
import { filesBeside, tempJournal } from '../file/temp-journal.ts'
import { flip, header, journalOf, note, seal, UUID } from './forge.ts'
import { open, PATH, refusal } from './opening.ts'

/** The code of the refusal on a real disk, after proof that no file came, went or changed. */
async function refusalBesideNothing(bytes: Uint8Array): Promise<string> {
  const path = tempJournal()
  writeFileSync(path, bytes)
  const before = filesBeside(path)
  const error = await ledger.open(path).then(
    () => undefined,
    (reason) => reason,
  )
  expect(error).toBeInstanceOf(StoreError)
  expect(filesBeside(path)).toEqual(before)
  return error.code
}

describe('a file that is not ours is refused, and nothing is left beside it', () => {
  const NOT_OURS: Record<string, Uint8Array | string> = {
    'one word': 'x',
    'a text': 'Dear diary,\ntoday I lost all my state.\n',
    'a long line': 'x'.repeat(5000),
    'a newline': '\n',
    'a space': ' ',
    JSON: '{"name":"app","version":"1.0.0"}\n',
    'pretty JSON': '{\n  "format": "ministore"\n}\n',
    'JSON lines of others': '{"seq":1,"type":"x"}\n{"seq":2,"type":"y"}\n',
    'JSON that is no object': '1\n',
    null: 'null\n',
    'an array': '[{"format":"ministore"}]\n',
    'a picture': Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'),
    SQLite: 'SQLite format 3\0',
    NULs: Buffer.alloc(300),
    'a sector of NULs': Buffer.alloc(512),
    'many NULs': Buffer.alloc(10_000),
    'a blank line before our header': Buffer.concat([Buffer.from('\n'), journalOf(2)]),
    'a record before our header': Buffer.concat([note(1), journalOf(2)]),
  }
  for (const [what, bytes] of Object.entries(NOT_OURS)) {
    test(what, async () => {
      expect(await refusalBesideNothing(Buffer.from(bytes))).toBe('foreign')
    })
  }
})

describe('a journal that Git or an editor rewrote is refused, and the message says how', () => {
  const text = journalOf(2).toString()
  const lines = text.split('\n')
  test.each<[string, Uint8Array | string, RegExp]>([
    [
      'with CRLF',
      text.replaceAll('\n', '\r\n'),
      /:1: its lines end in CRLF.*\*\.jsonl -text.*\.gitattributes/,
    ],
    ['with CRLF from record 1 on', [lines[0], `${lines[1]}\r`, ''].join('\n'), /:2 .*ends in CRLF/],
    ['with a BOM', `\uFEFF${text}`, /byte order mark \(BOM\)/],
    ['as UTF-16, little-endian', Buffer.from(`\uFEFF${text}`, 'utf16le'), /UTF-16/],
    ['as UTF-16, big-endian', Buffer.from(text, 'utf16le').swap16(), /UTF-16/],
    ['with an empty line', `${text}\n`, /:4 .*its line is empty/],
  ])('%s', async (_, bytes, message) => {
    const path = tempJournal()
    writeFileSync(path, bytes)
    await expect(ledger.open(path)).rejects.toMatchObject({ code: 'corrupt' })
    await expect(ledger.open(path)).rejects.toThrow(message)
    await expect(ledger.replay(path)).rejects.toThrow(message)
  })
})

describe('a header that is ours but not whole is refused as damage', () => {
  test('with CRLF, with a changed byte, without its checksum', async () => {
    const crlf = Buffer.from(journalOf(1).toString().replaceAll('\n', '\r\n'))
    expect(await refusalBesideNothing(crlf)).toBe('corrupt')
    const changed = flip(journalOf(1), header().indexOf('ledger'))
    expect(await refusalBesideNothing(changed)).toBe('corrupt')
    const bare = Buffer.from('{"format":"ministore","version":1,"journal":"x","store":"ledger"}\n')
    expect(await refusalBesideNothing(bare)).toBe('corrupt')
    const half = Buffer.concat([header().subarray(0, 60), Buffer.from('\n'), note(1)])
    expect(await refusalBesideNothing(half)).toBe('corrupt')
  })

  test('with the checksum of another journal', async () => {
    const line = header({ journal: '11111111-2222-4333-8444-555555555555' }, UUID)
    expect(await refusal(line)).toMatchObject({ code: 'corrupt', line: 1, offset: 0 })
  })

  test('also where its newline is gone and records follow', async () => {
    const merged = flip(journalOf(2), header().length - 1)
    expect(await refusal(merged)).toMatchObject({ code: 'corrupt', line: 1 })
  })
})

describe('a journal of somebody else', () => {
  test('is refused by a store of another name', async () => {
    const path = tempJournal()
    await (await ledger.open(path)).close()
    const before = filesBeside(path)
    const other = defineStore({ name: 'other', state: {}, mutations: {} })
    await expect(other.open(path)).rejects.toMatchObject({ code: 'wrong_store', path })
    await expect(other.open(path)).rejects.toThrow('"ledger", not of "other"')
    expect(filesBeside(path)).toEqual(before)
    await (await ledger.open(path)).close()
  })

  test('is refused where it is of a newer format', async () => {
    for (const version of [2, 3, 10, 1.5]) {
      const error = await refusal(Buffer.concat([header({ version }), note(1)]))
      expect(error).toMatchObject({ code: 'newer_format', line: 1 })
    }
    const unknown = seal(JSON.stringify({ format: 'ministore', version: 2, sum: 'sha' }))
    expect(await refusal(unknown)).toMatchObject({ code: 'newer_format' })
  })
})

describe('a store name of every kind', () => {
  test('leads to a header that can be read again', async () => {
    const names = ['x', 'x'.repeat(128), '"\\'.repeat(64), '😀'.repeat(128), 'ü ß /*J', '\u00a0']
    for (const name of names) {
      const path = tempJournal()
      const definition = defineStore({ name, state: {}, mutations: { touch: { apply() {} } } })
      const store = await definition.open(path)
      await store.dispatch('touch')
      await store.close()
      const again = await definition.open(path)
      expect(again.seq).toBe(1)
      await again.close()
    }
  })
})

describe('where there never was a record', () => {
  test('an empty file becomes a journal', async () => {
    const { notes, recovery, disk } = await open(Buffer.alloc(0))
    expect(notes).toEqual([])
    expect(recovery).toEqual({ created: true, records: 0 })
    expect(disk.names).toEqual([PATH])
  })

  test('a header alone is an empty journal, with nothing to report', async () => {
    const { notes, recovery, disk } = await open(header())
    expect(notes).toEqual([])
    expect(recovery).toEqual({ created: false, records: 0 })
    expect(disk.read(PATH)).toEqual(header())
  })

  test('a header of which only the first byte is there, in any size, is a torn one', async () => {
    // What a power cut leaves of one that was being written in place: the first byte was durable.
    for (const [size, rest] of [
      [1, 0],
      [2, 0],
      [200, 0],
      [512, 0],
      [513, 65],
      [1024, 65],
    ] as const) {
      const bytes = Buffer.alloc(size)
      bytes.write('{')
      bytes.fill(rest, 512)
      const { recovery, disk } = await open(bytes)
      expect(recovery.found).toMatchObject({ kind: 'torn_header', bytes: size })
      expect(disk.read(`${PATH}.torn-0`)).toEqual(bytes)
    }
    expect((await open(Buffer.alloc(1))).recovery.found?.kind).toBe('torn_header')
  })

  test('what is not certain to be one is refused', async () => {
    const brace = (size: number) => Buffer.concat([Buffer.from('{'), Buffer.alloc(size - 1)])
    for (const bytes of [Buffer.alloc(2), brace(1025), Buffer.concat([brace(300), note(1)])])
      expect(await refusal(bytes)).toMatchObject({ code: 'foreign' })
  })

  test('a header that is cut off at any byte is kept beside the new journal, and reported', async () => {
    const whole = header()
    for (let size = 1; size < whole.length; size++) {
      const { recovery, disk } = await open(whole.subarray(0, size))
      const savedTo = `${PATH}.torn-0`
      const found = { kind: 'torn_header', offset: 0, bytes: size, savedTo }
      expect(recovery).toEqual({ created: true, records: 0, found })
      expect(disk.read(savedTo)).toEqual(whole.subarray(0, size))
      const fresh = JSON.parse(String(disk.read(PATH)))
      expect(fresh.store).toBe('ledger')
      expect(fresh.journal).not.toBe(UUID)
      expect(disk.names).toEqual([PATH, savedTo])
    }
  })
})

describe('a path', () => {
  test('that is a directory is refused, and nothing is left in it or beside it', async () => {
    const path = tempJournal()
    mkdirSync(path)
    await expect(ledger.open(path)).rejects.toMatchObject({ code: 'io', path })
    await expect(ledger.open(path)).rejects.toThrow('is a directory')
    expect(readdirSync(path)).toEqual([])
    expect(readdirSync(dirname(path))).toEqual(['ledger.journal'])
  })

  test('that leads through a file is refused', async () => {
    const path = tempJournal()
    writeFileSync(path, 'a file')
    const below = join(path, 'ledger.journal')
    await expect(ledger.open(below)).rejects.toMatchObject({ code: 'io', path: below })
    expect(filesBeside(path)).toEqual({ 'ledger.journal': 'a file' })
  })

  test('whose parent directories are missing gets them', async () => {
    const path = tempJournal('a/b/c/ledger.journal')
    const store = await ledger.open(path)
    await store.dispatch('note', 'deep')
    await store.close()
    expect(readdirSync(dirname(path)).sort()).toEqual(['ledger.journal', 'ledger.journal.lock'])
    expect(await ledger.replay(path)).toMatchObject({ seq: 1 })
  })
})
