import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { atNoon, ledger, NOON, openOn, seqsOf, writeNotes } from '../file/ledger.ts'
import { MemoryDisk } from '../file/memory-disk.ts'
import { linesOf, tempJournal } from '../file/temp-journal.ts'
import { header, journalOf, note, seal, UUID } from './forge.ts'
import { open, PATH } from './opening.ts'

const CRC = /^(.*),"crc":"([0-9a-f]{8})"\}$/s

describe('the file', () => {
  test('begins with a header that names format, version, journal, store and time', async () => {
    const path = tempJournal()
    const before = Date.now()
    const store = await ledger.open(path)
    const [line = '', ...others] = linesOf(path)
    expect(others).toEqual([])
    expect(Object.keys(JSON.parse(line))).toEqual(
      'format version journal store created crc'.split(' '),
    )
    const { format, version, journal, store: name, created } = JSON.parse(line)
    expect({ format, version, name }).toEqual({ format: 'ministore', version: 1, name: 'ledger' })
    expect(journal).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    expect(new Date(created).toISOString()).toBe(created)
    expect(Date.parse(created)).toBeGreaterThanOrEqual(before)
    await store.close()
  })

  test('holds one record a line, each field in its place and only where it is needed', async () => {
    const path = tempJournal()
    const store = await ledger.open(path, atNoon)
    await store.dispatch('note', 'a "quoted" note')
    await store.dispatch('pay', { cents: 5 }, { key: 'req-7' })
    await store.dispatch('clear')
    await store.dispatchAll([
      { type: 'note', payload: 'x' },
      { type: 'pay', payload: { cents: 1 } },
      { type: 'clear' },
    ])
    await store.close()
    const [, ...records] = linesOf(path)
    expect(records.map((line) => CRC.exec(line)?.[1])).toEqual([
      `{"seq":1,"at":"${NOON}","type":"note","payload":"a \\"quoted\\" note"`,
      `{"seq":2,"at":"${NOON}","key":"req-7","type":"pay","v":2,"payload":{"cents":5}`,
      `{"seq":3,"at":"${NOON}","type":"clear"`,
      `{"seq":4,"at":"${NOON}","batch":[{"type":"note","payload":"x"},` +
        '{"type":"pay","v":2,"payload":{"cents":1}},{"type":"clear"}]',
    ])
  })

  test('ends every line with the CRC-32 of what is before it, seeded with the uuid', async () => {
    const path = tempJournal()
    const store = await ledger.open(path)
    await writeNotes(store, ['a', 'ü', '\u2028', '😀'])
    await store.close()
    const lines = linesOf(path)
    const { journal } = JSON.parse(lines[0] ?? '')
    expect(lines).toHaveLength(5)
    for (const line of lines) {
      const [, body = '', crc] = CRC.exec(line) ?? []
      expect(crc).toBe(crc32(body, crc32(journal)).toString(16).padStart(8, '0'))
    }
  })

  test('numbers a record by its place in its group commit, leaving 0 out', async () => {
    const disk = new MemoryDisk()
    const store = await openOn(disk, PATH)
    await store.dispatch('note', 'alone')
    await Promise.all(['a', 'b', 'c'].map((text) => store.dispatch('note', text)))
    const lines = String(disk.read(PATH)).split('\n').slice(1, -1)
    expect(lines.map((line) => JSON.parse(line).b)).toEqual([undefined, undefined, 1, 2])
    expect(lines[2]).toMatch(/^\{"seq":3,"b":1,"at":/)
    await store.close()
  })

  test('is JSON line by line, whatever a payload holds', async () => {
    const path = tempJournal()
    const texts = [
      '\n',
      '\r\n',
      '\u2028\u2029',
      '\0',
      '\ud800',
      '"}\n{"seq":2}',
      ',"crc":"00000000"}',
    ]
    const store = await ledger.open(path)
    await writeNotes(store, texts)
    await store.close()
    const [, ...records] = linesOf(path)
    expect(records.map((line) => JSON.parse(line).payload)).toEqual(texts)
    const again = await ledger.open(path)
    expect(again.state.notes).toEqual(texts)
    expect(await seqsOf(again.records())).toEqual([1, 2, 3, 4, 5, 6, 7])
    await again.close()
  })

  test('keeps U+2028 as one character, and does not split there', async () => {
    const path = tempJournal()
    const store = await ledger.open(path)
    await writeNotes(store, ['before\u2028after'])
    await store.close()
    expect(readFileSync(path).includes(Buffer.from('before\u2028after'))).toBe(true)
    expect(await ledger.replay(path)).toMatchObject({ state: { notes: ['before\u2028after'] } })
  })

  test('can be written down by hand', async () => {
    const bytes = Buffer.concat([
      header(),
      note(1, 'one'),
      seal('{"seq":2,"at":"2026-11-22T12:00:00.000Z","key":"k","type":"pay","payload":3}'),
      note(3, 'three', { b: 1 }),
    ])
    const { notes, recovery, disk } = await open(bytes)
    expect(notes).toEqual(['one', 'three'])
    expect(recovery).toEqual({ created: false, records: 3 })
    expect(disk.read(PATH)).toEqual(bytes)
  })

  test('is for its owner only, as are its lock and what was torn off it', async () => {
    const path = tempJournal()
    const store = await ledger.open(path)
    await store.close()
    writeFileSync(path, 'torn', { flag: 'a' })
    const again = await ledger.open(path)
    const { savedTo = '' } = again.recovery.found ?? {}
    await again.close()
    for (const file of [path, `${path}.lock`, savedTo]) {
      expect((statSync(file).mode & 0o777).toString(8), file).toBe('600')
    }
  })
})

describe('reading', () => {
  test('takes lines of every length, across the chunks that the file is read in', async () => {
    const lengths = [2 ** 20 - 400, 1, 2 ** 20, 2 ** 20 + 1, 0, 3 * 2 ** 20, 511, 512, 513]
    const records = lengths.map((length, index) => note(index + 1, 'x'.repeat(length)))
    const { notes, seq } = await open(Buffer.concat([header(), ...records]))
    expect(notes.map((text) => text.length)).toEqual(lengths)
    expect(seq).toBe(lengths.length)
  })

  test('finds a chunk ending anywhere in a line or between two', async () => {
    const head = header().length
    for (let shift = -3; shift <= 3; shift++) {
      const line = note(1, 'x'.repeat(2 ** 20 + shift - head - note(1, '').length))
      expect(head + line.length).toBe(2 ** 20 + shift)
      const { notes } = await open(Buffer.concat([header(), line, note(2, 'behind')]))
      expect(notes[1]).toBe('behind')
    }
  })

  test('seeds every checksum with the journal, so that no two journals share a line', () => {
    const other = '11111111-2222-4333-8444-555555555555'
    expect(note(1, 'a', { journal: other })).not.toEqual(note(1, 'a', { journal: UUID }))
    expect(journalOf(1)).toEqual(Buffer.concat([header(), note(1, 'note 1')]))
  })
})
