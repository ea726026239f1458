import { StoreError } from 'ministore-ts'
import { random } from 'ministore-ts/testing'
import { describe, expect, test } from 'vitest'
import { openOn, writeNotes } from '../file/ledger.ts'
import { MemoryDisk } from '../file/memory-disk.ts'
import { flip, header, journalOf, note } from './forge.ts'
import { open, openOrRefuse, PATH } from './opening.ts'

const SECTOR = 512

/** As a store wrote it: three records by themselves, then a group of three. */
async function acknowledged() {
  const disk = new MemoryDisk()
  const store = await openOn(disk, PATH)
  await writeNotes(store, ['a', '@'.repeat(200), ' @'.repeat(200)])
  await Promise.all(['d', '', 'f'].map((text) => store.dispatch('note', text)))
  const { notes } = store.state
  await store.close()
  return { notes, bytes: disk.read(PATH) ?? Buffer.alloc(0) }
}

describe('one flipped bit', () => {
  test('in what was acknowledged is refused, and never makes the journal shorter', async () => {
    const { bytes, notes } = await acknowledged()
    expect(bytes.length).toBeGreaterThan(2 * SECTOR)
    const harmless: number[] = []
    for (let at = 0; at < bytes.length; at++) {
      for (let bit = 1; bit < 256; bit *= 2) {
        const result = await openOrRefuse(flip(bytes, at, bit))
        if (result instanceof StoreError) continue
        expect(result.notes, `bit ${bit} of byte ${at}`).toEqual(notes)
        harmless.push(at)
      }
    }
    expect(harmless).toEqual([])
  })

  test('is refused whatever stood there, also where NULs follow the journal', async () => {
    const { bytes } = await acknowledged()
    const padded = Buffer.concat([bytes, Buffer.alloc(SECTOR)])
    for (let at = 0; at < bytes.length - 1; at++) {
      const result = await openOrRefuse(flip(padded, at, 2 ** (at % 8)))
      expect(result, `byte ${at}`).toBeInstanceOf(StoreError)
    }
  })
})

test('random bits of a large journal are refused, each of them, wherever they are', async () => {
  const bytes = journalOf(2000)
  const seed = Date.now() % 2 ** 31
  const numbers = random(seed)
  for (let trial = 0; trial < 60; trial++) {
    const [at, bit] = [numbers.below(bytes.length), 2 ** numbers.below(8)]
    const result = await openOrRefuse(flip(bytes, at, bit))
    expect(result, `seed ${seed}: bit ${bit} of byte ${at}`).toBeInstanceOf(StoreError)
  }
})

describe('a journal that was cut off', () => {
  test('at any byte opens with all the records that are whole, and keeps the rest beside it', async () => {
    const { bytes, notes } = await acknowledged()
    const first = bytes.indexOf('\n') + 1
    for (let size = first; size <= bytes.length; size++) {
      const cut = bytes.subarray(0, size)
      const { notes: kept, disk, recovery } = await open(cut)
      // A record is whole without its newline.
      const whole = bytes.subarray(first, size + 1).filter((byte) => byte === 0x0a).length
      expect(kept).toEqual(notes.slice(0, whole))
      const file = disk.read(PATH) ?? Buffer.alloc(0)
      expect(file.equals(bytes.subarray(0, file.length))).toBe(true)
      const torn = disk.read(recovery.found?.savedTo ?? '') ?? Buffer.alloc(0)
      expect(Buffer.concat([file, torn]).subarray(0, size).equals(cut)).toBe(true)
    }
  })

  test('and filled with NULs again opens with the same records', async () => {
    const { bytes, notes } = await acknowledged()
    const first = bytes.indexOf('\n') + 1
    const sixth = bytes.lastIndexOf('\n', bytes.length - 2) + 1
    for (let size = sixth; size <= bytes.length; size++) {
      for (const nuls of [1, SECTOR - (size % SECTOR), 3 * SECTOR]) {
        const { notes: kept } = await open(
          Buffer.concat([bytes.subarray(0, size), Buffer.alloc(nuls)]),
        )
        const whole = bytes.subarray(first, size + 1).filter((byte) => byte === 0x0a).length
        expect(kept).toEqual(notes.slice(0, whole))
      }
    }
  })
})

/**
 * Numbers that look random and are the same each time (mulberry32,
 * https://github.com/bryc/code/blob/master/jshash/PRNGs.md).
 */
function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** As if these sectors of what lies behind byte `from` had never been written. */
function lose(file: Buffer, from: number, isLost: (sector: number) => boolean): Buffer {
  const left = Buffer.from(file)
  for (let sector = 0; sector * SECTOR < file.length; sector++) {
    const end = Math.min(file.length, (sector + 1) * SECTOR)
    if (isLost(sector) && end > from) left.fill(0, Math.max(from, sector * SECTOR), end)
  }
  return left
}

describe('a power cut in the middle of a group commit', () => {
  // Every sector of the unsynced group arrived or did not, and the file's size lags or leads.
  test('is never taken for damage, keeps what was acknowledged and invents nothing', async () => {
    const seed = Number(process.env['SEED'] ?? 20261122)
    const random = randomFrom(seed)
    for (let life = 0; life < 3000; life++) {
      const safe = Buffer.concat([header(), note(1, 'x'.repeat(random(600)))])
      const texts = Array.from({ length: 1 + random(5) }, () => 'y'.repeat(random(1200)))
      const group = texts.map((text, b) => note(2 + b, text, { b }))
      const whole = Buffer.concat([safe, ...group])
      const lag = random(3) === 0 ? random(whole.length - safe.length + 1) : 0
      const file = Buffer.alloc(whole.length + (random(4) === 0 ? random(2000) : 0))
      whole.copy(file)
      const lost = lose(file, safe.length, () => random(2) === 0)
      const left = lag > 0 ? lost.subarray(0, whole.length - lag) : lost
      const at = `SEED=${seed}, life ${life}`
      const { notes, disk } = await open(left).catch((error) => {
        throw new Error(`${at}: ${error}`)
      })
      expect(notes.length, at).toBeGreaterThanOrEqual(1)
      expect(notes.slice(1), at).toEqual(texts.slice(0, notes.length - 1))
      const mended = disk.read(PATH) ?? Buffer.alloc(0)
      expect(mended.equals(whole.subarray(0, mended.length)), at).toBe(true)
    }
  })

  test('also where lines end exactly at a sector, or begin there', async () => {
    for (const end of [SECTOR - 1, SECTOR, SECTOR + 1]) {
      const safe = Buffer.concat([header(), note(1)])
      const room = 2 * SECTOR + end - safe.length - note(2, '').length
      const group = [note(2, 'x'.repeat(room)), note(3, 'y'.repeat(1500), { b: 1 })]
      const whole = Buffer.concat([safe, ...group])
      const sectors = Math.ceil(whole.length / SECTOR)
      for (let lost = 0; lost < 2 ** sectors; lost++) {
        const file = lose(whole, safe.length, (sector) => (lost & (2 ** sector)) !== 0)
        for (let size = safe.length; size <= file.length; size += 193) {
          const { notes } = await open(file.subarray(0, size))
          expect(notes[0]).toBe('note 1')
        }
        expect((await open(file)).notes.length).toBeGreaterThanOrEqual(1)
      }
    }
  })
})

describe('a sector of NULs where a later group was written', () => {
  test('is damage, wherever it is', async () => {
    const bytes = journalOf(30)
    const last = bytes.length - note(30).length
    const first = Math.ceil(header().length / SECTOR) * SECTOR
    for (let at = first; at + SECTOR <= last; at += SECTOR) {
      const lost = Buffer.from(bytes).fill(0, at, at + SECTOR)
      expect(await openOrRefuse(lost)).toMatchObject({ code: 'corrupt' })
    }
    expect(await openOrRefuse(Buffer.from(bytes).fill(0, 0, SECTOR))).toBeInstanceOf(StoreError)
  })
})
