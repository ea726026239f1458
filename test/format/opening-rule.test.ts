import { describe, expect, test } from 'vitest'
import { flip, header, journalOf, note, overwrite, seal } from './forge.ts'
import { open, PATH, refusal } from './opening.ts'

const HEADER = header().length
const RECORD = note(1).length

/** Where record `seq` of journalOf(…) begins. */
const begin = (seq: number) => HEADER + (seq - 1) * RECORD

/** A record over several whole sectors, the first of which begins at the returned offset. */
const long = (seq: number, options?: { b?: number }) => note(seq, 'x'.repeat(3000), options)
const nextSector = (offset: number) => Math.ceil((offset + 1) / 512) * 512

describe('rule 1: a whole record with another seq is damage', () => {
  test('where a record is missing', async () => {
    const bytes = Buffer.concat([header(), note(1), note(3)])
    const error = await refusal(bytes)
    expect(error).toMatchObject({ code: 'corrupt', seq: 2, line: 3, offset: begin(2) })
    expect(error.message).toContain('found record 3')
  })

  test('where the first record is missing', async () => {
    const error = await refusal(Buffer.concat([header(), note(2)]))
    expect(error).toMatchObject({ code: 'corrupt', seq: 1, line: 2, offset: HEADER })
  })

  test('where a record is there twice', async () => {
    const error = await refusal(Buffer.concat([header(), note(1), note(2), note(2)]))
    expect(error).toMatchObject({ code: 'corrupt', seq: 3, line: 4, offset: begin(3) })
  })

  test('where two records changed places', async () => {
    const error = await refusal(Buffer.concat([header(), note(1), note(3), note(2)]))
    expect(error).toMatchObject({ code: 'corrupt', seq: 2 })
  })

  test('even where it has lost its newline, and NULs follow', async () => {
    const bytes = Buffer.concat([header(), note(1), note(3).subarray(0, -1)])
    expect(await refusal(bytes)).toMatchObject({ code: 'corrupt', seq: 2 })
    const padded = Buffer.concat([bytes, Buffer.alloc(700)])
    expect(await refusal(padded)).toMatchObject({ code: 'corrupt', seq: 2 })
  })

  test('even where its seq is 0, a fraction, or not there', async () => {
    for (const seq of ['0', '-1', '1.5', '01', '"1"', '1e0', 'null', '1000000000000000000']) {
      const record = seal(`{"seq":${seq},"at":"2026-11-22T12:00:00.000Z","type":"clear"}`)
      expect(await refusal(Buffer.concat([header(), record]))).toMatchObject({ code: 'corrupt' })
    }
    const without = seal('{"at":"2026-11-22T12:00:00.000Z","type":"clear"}')
    expect(await refusal(Buffer.concat([header(), without]))).toMatchObject({ code: 'corrupt' })
  })

  test('and so is a header in the middle', async () => {
    const error = await refusal(Buffer.concat([journalOf(1), header(), note(2)]))
    expect(error).toMatchObject({ code: 'corrupt', seq: 2 })
  })
})

describe('rule 2: a later record can prove that the bad line was once safe', () => {
  /** Record 2, whose second whole sector was never written. */
  const lost = (options?: { b?: number }) => {
    const start = HEADER + RECORD
    const bytes = Buffer.concat([header(), note(1), long(2, options)])
    return overwrite(bytes, nextSector(start), Buffer.alloc(512))
  }

  test('a record of a later group does', async () => {
    const error = await refusal(Buffer.concat([lost(), note(3)]))
    expect(error).toMatchObject({ code: 'corrupt', seq: 2, line: 3, offset: begin(2) })
    expect(error.message).toContain('record 3')
  })

  test('a record of a later group does, far behind', async () => {
    const behind = [note(3, 'c', { b: 1 }), note(4, 'd', { b: 2 }), note(5, 'e', { b: 2 })]
    const error = await refusal(Buffer.concat([lost(), ...behind]))
    expect(error.message).toContain('record 5')
  })

  test('a record of the same group does not', async () => {
    const behind = [note(3, 'c', { b: 1 }), note(4, 'd', { b: 2 })]
    const { notes, recovery } = await open(Buffer.concat([lost(), ...behind]))
    expect(notes).toEqual(['note 1'])
    expect(recovery.found).toMatchObject({ kind: 'torn_write', offset: begin(2) })
  })

  test('a record of the same group does not, where an earlier one of it is whole', async () => {
    const group = [note(1), note(2, 'b', { b: 1 }), long(3, { b: 2 }), note(4, 'd', { b: 3 })]
    const bytes = Buffer.concat([header(), ...group])
    const start = bytes.indexOf('{"seq":3')
    const { notes } = await open(overwrite(bytes, nextSector(start), Buffer.alloc(512)))
    expect(notes).toEqual(['note 1', 'b'])
  })

  test('a record that was there before does', async () => {
    const error = await refusal(Buffer.concat([lost(), note(1)]))
    expect(error.message).toContain('record 1')
  })

  test('a whole record of the same seq does', async () => {
    expect((await refusal(Buffer.concat([lost(), note(2)]))).message).toContain('record 2')
    expect((await refusal(Buffer.concat([lost(), note(2, 'b', { b: 1 })]))).code).toBe('corrupt')
  })
})

describe('rule 3: a bad line with its newline is torn only where a sector of it was never written', () => {
  test('a changed byte is damage', async () => {
    const bytes = journalOf(3)
    const error = await refusal(flip(bytes, begin(3) + 20))
    expect(error).toMatchObject({ code: 'corrupt', seq: 3, line: 4, offset: begin(3) })
    expect(error.message).toContain('docs/JOURNAL.md')
  })

  test('a line that is no record is damage', async () => {
    for (const line of ['\n', '{}\n', 'text\n', '\r\n', '\0\n', '[]\n', 'null\n']) {
      const error = await refusal(Buffer.concat([journalOf(2), Buffer.from(line)]))
      expect(error).toMatchObject({ code: 'corrupt', seq: 3 })
    }
  })

  test('CRLF line ends are damage', async () => {
    const crlf = Buffer.from(journalOf(2).toString('latin1').replaceAll('}\n', '}\r\n'), 'latin1')
    expect(await refusal(crlf)).toMatchObject({ code: 'corrupt', line: 1 })
    const record = Buffer.from(note(3).toString().replace('}\n', '}\r\n'))
    expect(await refusal(Buffer.concat([journalOf(2), record]))).toMatchObject({ seq: 3 })
  })

  test('a whole sector of NULs is a torn write', async () => {
    const bytes = Buffer.concat([journalOf(2), long(3)])
    for (let sector = nextSector(begin(3)); sector + 512 < bytes.length; sector += 512) {
      const { notes, recovery, disk } = await open(overwrite(bytes, sector, Buffer.alloc(512)))
      expect(notes).toEqual(['note 1', 'note 2'])
      expect(recovery.found?.kind).toBe('torn_write')
      expect(disk.read(PATH)).toEqual(journalOf(2))
    }
  })

  test('NULs from where the durable bytes ended to the end of that sector are a torn write', async () => {
    const bytes = Buffer.concat([journalOf(2), long(3)])
    const lost = Buffer.alloc(nextSector(begin(3)) - begin(3))
    const { notes } = await open(overwrite(bytes, begin(3), lost))
    expect(notes).toEqual(['note 1', 'note 2'])
  })

  test('NULs over less than a sector are damage', async () => {
    const bytes = Buffer.concat([journalOf(2), long(3)])
    const sector = nextSector(begin(3))
    for (const [from, length] of [
      [sector, 511],
      [sector + 1, 511],
      [sector + 256, 512],
      [sector + 511, 1],
      [begin(3), 1],
      [begin(3) + 1, nextSector(begin(3)) - begin(3) - 1],
    ] as const) {
      const error = await refusal(overwrite(bytes, from, Buffer.alloc(length)))
      expect(error).toMatchObject({ code: 'corrupt', seq: 3 })
    }
  })

  test('NULs before a newline in the same sector are damage: that sector was written', async () => {
    const bytes = Buffer.concat([journalOf(2), long(3)])
    const last = Math.floor((bytes.length - 1) / 512) * 512
    expect(last).toBeLessThan(bytes.length - 2)
    const gone = Buffer.alloc(bytes.length - 1 - last)
    expect(await refusal(overwrite(bytes, last, gone))).toMatchObject({ code: 'corrupt', seq: 3 })
  })

  test('one flipped bit that makes a NUL at the end of a sector is damage', async () => {
    for (const [character, bit] of [
      [' ', 0x20],
      ['@', 0x40],
    ] as const) {
      const bytes = Buffer.concat([journalOf(2), note(3, character.repeat(3000))])
      for (let at = nextSector(begin(3)) - 1; at < bytes.length - 100; at += 512) {
        const flipped = flip(bytes, at, bit)
        expect(flipped[at]).toBe(0)
        expect(await refusal(flipped)).toMatchObject({ code: 'corrupt', seq: 3 })
      }
    }
  })
})

describe('rule 4: the bytes behind the last newline', () => {
  test('an unterminated last record that lost only its newline is kept', async () => {
    const bytes = journalOf(3)
    const { notes, recovery, disk } = await open(bytes.subarray(0, -1))
    expect(notes).toEqual(['note 1', 'note 2', 'note 3'])
    const found = { kind: 'lost_newline', offset: bytes.length - 1, bytes: 0 }
    expect(recovery).toEqual({ created: false, records: 3, found })
    expect(disk.read(PATH)).toEqual(bytes)
    expect(disk.names).toEqual([PATH])
  })

  test('so it is with NULs behind, however many, and those go', async () => {
    const bytes = journalOf(3)
    for (const nuls of [1, 2, 17, 511, 512, 513, 4096, 2 ** 20]) {
      const padded = Buffer.concat([bytes.subarray(0, -1), Buffer.alloc(nuls)])
      const { notes, recovery, disk } = await open(padded)
      expect(notes).toHaveLength(3)
      const found = { kind: 'lost_newline', offset: bytes.length - 1, bytes: nuls }
      expect(recovery.found).toEqual(found)
      expect(disk.read(PATH)).toEqual(bytes)
    }
  })

  test('what is written behind a kept record follows it', async () => {
    const once = await open(journalOf(2).subarray(0, -1))
    const again = await open(Buffer.concat([once.disk.read(PATH) ?? Buffer.alloc(0), note(3)]))
    expect(again.notes).toEqual(['note 1', 'note 2', 'note 3'])
  })

  test('a whole record with junk behind it is damage', async () => {
    const record = journalOf(3).subarray(0, -1)
    for (const junk of [
      ' ',
      '\r',
      'x',
      '}',
      '\x0b',
      '\0x',
      '\0\0\0{"seq":4',
      '{"seq":4,"at":"20',
    ]) {
      const error = await refusal(Buffer.concat([record, Buffer.from(junk)]))
      expect(error).toMatchObject({ code: 'corrupt', seq: 3, offset: begin(3) })
    }
  })

  test('a whole record with junk behind it is damage, also when a later line is torn', async () => {
    const merged = Buffer.concat([flip(journalOf(2), begin(3) - 1), long(3)])
    const lost = overwrite(merged, nextSector(begin(3)), Buffer.alloc(512))
    expect(await refusal(lost)).toMatchObject({ code: 'corrupt', seq: 2, offset: begin(2) })
    expect(await refusal(lost.subarray(0, -1))).toMatchObject({ code: 'corrupt', seq: 2 })
  })

  test('a record whose newline went with a lost sector was never safe', async () => {
    // Record 2 ends where a sector does; its newline and record 3 begin in the next one.
    const room = 1024 - begin(2) - note(2, '').length + 1
    const safe = journalOf(1)
    const group = [note(2, 'x'.repeat(room)), note(3, 'y'.repeat(2000), { b: 1 })]
    const bytes = Buffer.concat([safe, ...group])
    expect(bytes[1024]).toBe(0x0a)
    const lost = overwrite(bytes, 1024, Buffer.alloc(512))
    for (const size of [lost.length, lost.length - 1, 2000, 1537]) {
      const { notes, recovery, disk } = await open(lost.subarray(0, size))
      expect(notes).toEqual(['note 1'])
      expect(recovery.found).toMatchObject({ kind: 'torn_write', bytes: size - begin(2) })
      expect(disk.read(PATH)).toEqual(safe)
    }
    const kept = await open(lost.subarray(0, 1536))
    expect(kept.notes).toHaveLength(2)
    expect(kept.recovery.found).toMatchObject({ kind: 'lost_newline', bytes: 512 })
  })

  test('half a record is torn', async () => {
    const bytes = journalOf(3)
    for (let size = begin(3) + 1; size < bytes.length - 1; size++) {
      const { notes, recovery } = await open(bytes.subarray(0, size))
      expect(notes).toEqual(['note 1', 'note 2'])
      expect(recovery.found).toMatchObject({ kind: 'torn_write', bytes: size - begin(3) })
    }
  })

  test('NULs alone are torn, however many', async () => {
    const bytes = journalOf(2)
    const upToTwoSectors = Array.from({ length: 1024 }, (_, index) => index + 1)
    for (const nuls of [...upToTwoSectors, 4096, 65_536, 2 ** 20, 2 ** 24]) {
      const { notes, recovery, disk } = await open(Buffer.concat([bytes, Buffer.alloc(nuls)]))
      expect(notes).toEqual(['note 1', 'note 2'])
      expect(recovery.found).toMatchObject({ offset: bytes.length, bytes: nuls })
      expect(disk.read(PATH)).toEqual(bytes)
    }
  })
})

describe('rule 5: what is torn off is kept beside the journal', () => {
  const torn = Buffer.from('{"seq":3,"at":"2026\0\0\xff', 'latin1')
  const bytes = Buffer.concat([journalOf(2), torn])

  test('exactly, under the seq that it would have had, and said in store.recovery', async () => {
    const { recovery, disk } = await open(bytes)
    const savedTo = `${PATH}.torn-3`
    const found = { kind: 'torn_write', offset: begin(3), bytes: torn.length, savedTo }
    expect(recovery).toEqual({ created: false, records: 2, found })
    expect(disk.read(savedTo)).toEqual(torn)
    expect(disk.read(PATH)).toEqual(journalOf(2))
  })

  test('never over what was kept before', async () => {
    const others = { [`${PATH}.torn-3`]: Buffer.from('1'), [`${PATH}.torn-3.2`]: Buffer.from('2') }
    const { recovery, disk } = await open(bytes, others)
    expect(recovery.found?.savedTo).toBe(`${PATH}.torn-3.3`)
    expect(disk.read(`${PATH}.torn-3.3`)).toEqual(torn)
    expect(disk.read(`${PATH}.torn-3`)).toEqual(Buffer.from('1'))
    expect(disk.read(`${PATH}.torn-3.2`)).toEqual(Buffer.from('2'))
  })

  test('with all the lines behind it', async () => {
    const group = Buffer.concat([long(3), note(4, 'd', { b: 1 }), Buffer.from('{"seq":5')])
    const lost = overwrite(
      Buffer.concat([journalOf(2), group]),
      nextSector(begin(3)),
      Buffer.alloc(512),
    )
    const { recovery, disk } = await open(lost)
    expect(recovery.found).toMatchObject({ offset: begin(3), bytes: group.length })
    expect(disk.read(`${PATH}.torn-3`)).toEqual(lost.subarray(begin(3)))
  })

  test('once: the next opening finds nothing', async () => {
    const { disk } = await open(bytes)
    const again = await open(disk.read(PATH) ?? Buffer.alloc(0))
    expect(again.recovery).toEqual({ created: false, records: 2 })
  })
})

describe('what is no record although its checksum fits', () => {
  test('invalid UTF-8 is refused', async () => {
    const body = note(2).toString('latin1').replace('note 2', 'note \xff')
    const json = `${body.slice(0, body.indexOf(',"crc"'))}}`
    const record = seal(Buffer.from(json, 'latin1'))
    const bytes = Buffer.concat([journalOf(1), record])
    expect(await refusal(bytes)).toMatchObject({ code: 'corrupt', seq: 2 })
    expect(await refusal(bytes.subarray(0, -1))).toMatchObject({ code: 'corrupt', seq: 2 })
  })

  test('a line of another journal is refused, at every place', async () => {
    const journal = '11111111-2222-4333-8444-555555555555'
    const stray = note(2, 'note 2', { journal })
    expect(stray).toHaveLength(RECORD)
    for (const bytes of [
      Buffer.concat([journalOf(1), stray]),
      Buffer.concat([journalOf(1), stray, note(3)]),
      Buffer.concat([header({}, journal), note(1)]),
    ]) {
      expect(await refusal(bytes)).toMatchObject({ code: 'corrupt' })
    }
  })

  test('a line over 16 MiB is refused, with or without its newline', async () => {
    const limit = 2 ** 24
    const overhead = note(2, '').length - 1
    const largest = note(2, 'x'.repeat(limit - overhead))
    expect(largest).toHaveLength(limit + 1)
    expect((await open(Buffer.concat([journalOf(1), largest]))).seq).toBe(2)
    const larger = note(2, 'x'.repeat(limit - overhead + 1))
    for (const line of [larger, larger.subarray(0, -1), Buffer.alloc(limit + 1)]) {
      const error = await refusal(Buffer.concat([journalOf(1), line]))
      expect(error).toMatchObject({ code: 'corrupt', seq: 2, line: 3, offset: begin(2) })
      expect(error.message).toContain('16777216')
    }
  })

  test('a record that is not JSON is refused, and stays as it is', async () => {
    for (const json of ['{"seq":1,}', '{"seq":1,"at":1}', '{"seq":1,"type":}']) {
      expect(await refusal(Buffer.concat([header(), seal(json)]))).toMatchObject({
        code: 'corrupt',
      })
    }
  })
})
