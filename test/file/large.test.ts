import { closeSync, openSync, statSync, writeSync } from 'node:fs'
import { fileJournal } from 'ministore-ts/file'
import { describe, expect, test } from 'vitest'
import { header, seal } from '../format/forge.ts'
import { faultyDisk } from './faulty-disk.ts'
import { seqsOf } from './ledger.ts'
import { start } from './processes.ts'
import { sizes } from './sizes.ts'
import { tempJournal } from './temp-journal.ts'

const MEBIBYTE = 2 ** 20

/** A journal of that many records, each about as long as `length`. */
function writeLarge(path: string, count: number, length: number): void {
  const payload = 'x'.repeat(length)
  const file = openSync(path, 'w')
  writeSync(file, header({ store: 'sizes' }))
  for (let seq = 1; seq <= count; seq++) {
    const at = '2026-11-22T12:00:00.000Z'
    writeSync(file, seal(`{"seq":${seq},"at":"${at}","type":"blob","payload":"${payload}"}`))
  }
  closeSync(file)
}

describe('a journal of over 100 MB', () => {
  test('takes little more memory to open than a small one', async () => {
    const [small, large] = [tempJournal(), tempJournal()]
    writeLarge(small, 2, MEBIBYTE)
    writeLarge(large, 120, MEBIBYTE)
    expect(statSync(large).size).toBeGreaterThan(100e6)
    const before = await start('measure', small).next()
    const after = await start('measure', large).next()
    expect(before).toMatchObject({ seq: 2, bytes: 2 * MEBIBYTE })
    expect(after).toMatchObject({ seq: 120, bytes: 120 * MEBIBYTE })
    // What is not collected yet counts too; held at once, the journal would take twice its size.
    const more = Number(after?.['memory']) - Number(before?.['memory'])
    expect(more).toBeLessThan(0.8 * statSync(large).size)
  })

  test('is not read from its begin for its last records, and not to its end for its first', async () => {
    const path = tempJournal()
    writeLarge(path, 210, MEBIBYTE / 2)
    expect(statSync(path).size).toBeGreaterThan(100e6)
    const disk = faultyDisk()
    const store = await sizes.open(fileJournal(path, { fileSystem: disk.fileSystem }))
    const bytesRead = async (options: { after?: number; until?: number }) => {
      const from = disk.calls.length
      const seqs = await seqsOf(store.records(options))
      const reads = disk.calls.slice(from).filter(({ operation }) => operation === 'read')
      return { seqs, bytes: reads.reduce((sum, { bytes }) => sum + bytes, 0) }
    }
    for (const [options, expected] of [
      [{ after: 208 }, [209, 210]],
      [{ until: 2 }, [1, 2]],
      [{ after: 100, until: 102 }, [101, 102]],
    ] as const) {
      const { seqs, bytes } = await bytesRead(options)
      expect(seqs).toEqual(expected)
      expect(bytes).toBeLessThanOrEqual(4 * MEBIBYTE)
    }
    expect((await bytesRead({ after: 210 })).bytes).toBe(0)
    await store.dispatch('blob', 'new')
    const { seqs, bytes } = await bytesRead({ after: 210 })
    expect(seqs).toEqual([211])
    expect(bytes).toBeLessThanOrEqual(MEBIBYTE)
    await store.close()
  })
})

describe('a journal of many small records', () => {
  test('is read from near the one that is asked for', async () => {
    const path = tempJournal()
    writeLarge(path, 20_000, 100)
    const disk = faultyDisk()
    const store = await sizes.open(fileJournal(path, { fileSystem: disk.fileSystem }))
    expect(store.recovery).toEqual({ created: false, records: 20_000 })
    for (const after of [0, 1, 9_999, 19_998, 19_999]) {
      expect(await seqsOf(store.records({ after, until: after + 1 }))).toEqual([after + 1])
    }
    const from = disk.calls.length
    await seqsOf(store.records({ after: 19_990 }))
    const reads = disk.calls.slice(from).filter(({ operation }) => operation === 'read')
    expect(reads.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(2 ** 17)
    await store.close()
  })
})
