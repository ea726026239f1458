import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { StoreError } from 'ministore-ts'
import { fileJournal } from 'ministore-ts/file'
import { describe, expect, test } from 'vitest'
import { journalOf } from '../format/forge.ts'
import { type FaultyDisk, faultyDisk } from './faulty-disk.ts'
import { ledger, seqsOf, writeNotes } from './ledger.ts'
import { filesBeside, tempJournal } from './temp-journal.ts'

const reading = { readOnly: true } as const

describe('a reader', () => {
  test('beside a live writer sees what is durable, and takes no lock', async () => {
    const path = tempJournal()
    const writer = await ledger.open(path)
    await writeNotes(writer, ['a', 'b'])
    const before = filesBeside(path)
    const reader = await ledger.open(path, reading)
    expect(reader.state.notes).toEqual(['a', 'b'])
    expect(reader.recovery).toEqual({ created: false, records: 2 })
    expect(filesBeside(path)).toEqual(before)
    await writeNotes(writer, ['c'])
    expect(reader.state.notes).toEqual(['a', 'b'])
    expect(await seqsOf(reader.records())).toEqual([1, 2])
    await reader.close()
    const later = await ledger.open(path, reading)
    expect(later.state.notes).toEqual(['a', 'b', 'c'])
    await Promise.all([later.close(), writer.close()])
  })

  test('that comes before the writer does not keep it out', async () => {
    const path = tempJournal()
    await (await ledger.open(path)).close()
    const reader = await ledger.open(path, reading)
    const writer = await ledger.open(path)
    await writeNotes(writer, ['a'])
    await Promise.all([reader.close(), writer.close()])
  })

  test('refuses to dispatch with read_only, and goes on reading', async () => {
    const path = tempJournal()
    writeFileSync(path, journalOf(2))
    const store = await ledger.open(path, reading)
    for (const attempt of [1, 2]) {
      const error = await store.dispatch('note', `${attempt}`).catch((reason) => reason)
      expect(error).toBeInstanceOf(StoreError)
      expect(error.code).toBe('read_only')
    }
    expect(store.state.notes).toEqual(['note 1', 'note 2'])
    expect(await seqsOf(store.records({ after: 1 }))).toEqual([2])
    await store.close()
    expect(readFileSync(path)).toEqual(journalOf(2))
  })

  test('reports a torn end and leaves it as it is', async () => {
    const path = tempJournal()
    const torn = Buffer.concat([journalOf(2), Buffer.from('{"seq":3')])
    writeFileSync(path, torn)
    const store = await ledger.open(path, reading)
    const found = { kind: 'torn_write', offset: journalOf(2).length, bytes: 8 }
    expect(store.recovery).toEqual({ created: false, records: 2, found })
    expect(await seqsOf(store.records())).toEqual([1, 2])
    await store.close()
    expect(filesBeside(path)).toEqual({ 'ledger.journal': torn.toString('latin1') })
  })

  test('reads a record that lost its newline, with or without NULs behind it', async () => {
    for (const nuls of [0, 1, 600]) {
      const path = tempJournal()
      const bytes = Buffer.concat([journalOf(2).subarray(0, -1), Buffer.alloc(nuls)])
      writeFileSync(path, bytes)
      const store = await ledger.open(path, reading)
      expect(store.recovery.found).toEqual({
        kind: 'lost_newline',
        offset: journalOf(2).length - 1,
        bytes: nuls,
      })
      expect(await seqsOf(store.records())).toEqual([1, 2])
      await store.close()
      expect(readFileSync(path)).toEqual(bytes)
    }
  })

  test('refuses damage as a writer does', async () => {
    const path = tempJournal()
    writeFileSync(path, journalOf(3).fill(0x78, 300, 310))
    await expect(ledger.open(path, reading)).rejects.toMatchObject({ code: 'corrupt', path })
    await expect(ledger.replay(path)).rejects.toMatchObject({ code: 'corrupt', path })
  })

  test('does not create what is not there', async () => {
    const path = tempJournal()
    await expect(ledger.open(path, reading)).rejects.toMatchObject({ code: 'io', path })
    await expect(ledger.replay(path)).rejects.toThrow('ENOENT')
    expect(existsSync(path)).toBe(false)
  })

  test('takes an empty file, or one with half a header, for a store without records', async () => {
    for (const size of [0, 1, 40]) {
      const path = tempJournal()
      writeFileSync(path, journalOf(1).subarray(0, size))
      const store = await ledger.open(path, reading)
      expect(store.seq).toBe(0)
      expect(await seqsOf(store.records())).toEqual([])
      await store.close()
      expect(readFileSync(path)).toEqual(journalOf(1).subarray(0, size))
    }
  })

  test('changes nothing on the disk, and syncs before it shows anything', async () => {
    const path = tempJournal()
    writeFileSync(path, journalOf(2).subarray(0, -1))
    const disk = faultyDisk()
    const store = await ledger.open(
      fileJournal(path, { readOnly: true, fileSystem: disk.fileSystem }),
    )
    await seqsOf(store.records())
    await store.close()
    const operations = new Set(disk.calls.map(({ operation }) => operation))
    expect([...operations].sort()).toEqual(['close', 'datasync', 'open', 'read', 'resolve', 'size'])
  })

  test('is refused where the journal was cut back while it was read', async () => {
    const path = tempJournal()
    writeFileSync(path, journalOf(3))
    const disk: FaultyDisk = faultyDisk()
    disk.fault = ({ operation }) => {
      // A writer's rollback, as it happens between reading the journal and syncing it.
      if (operation === 'datasync') writeFileSync(path, journalOf(2))
      return undefined
    }
    const journal = fileJournal(path, { readOnly: true, fileSystem: disk.fileSystem })
    await expect(ledger.open(journal)).rejects.toMatchObject({ code: 'io' })
  })
})

describe('records', () => {
  test('are read while others are written, each exactly once and in order', async () => {
    const path = tempJournal()
    const store = await ledger.open(path)
    const followed = seqsOf(store.records({ follow: true, until: 2000 }))
    const readers: Promise<number[]>[] = []
    const all: Promise<unknown>[] = []
    for (let seq = 1; seq <= 2000; seq++) {
      all.push(store.dispatch('note', 'x'.repeat(seq % 300)))
      if (seq % 100 > 0) continue
      await all.at(-1)
      readers.push(seqsOf(store.records({ after: seq - 100 })))
    }
    await Promise.all(all)
    expect(await followed).toEqual(Array.from({ length: 2000 }, (_, index) => index + 1))
    for (const [index, seqs] of (await Promise.all(readers)).entries()) {
      expect(seqs[0]).toBe(index * 100 + 1)
      expect(seqs).toEqual(seqs.map((_, offset) => index * 100 + 1 + offset))
      expect(seqs.length).toBeGreaterThanOrEqual(100)
    }
    await store.close()
  })

  test('may begin and end anywhere', async () => {
    const path = tempJournal()
    const store = await ledger.open(path)
    const all = Array.from({ length: 300 }, (_, index) => index + 1)
    await Promise.all(all.map((seq) => store.dispatch('note', 'x'.repeat(seq * 7))))
    for (const after of [0, 1, 100, 298, 299, 300, 301, 1e9]) {
      for (const until of [0, 1, 101, 299, 300, 301, Number.POSITIVE_INFINITY]) {
        const seqs = await seqsOf(store.records({ after, until }))
        expect(seqs).toEqual(all.filter((seq) => seq > after && seq <= until))
      }
    }
    await store.close()
  })

  test('asked for with what is no seq are a TypeError', async () => {
    const store = await ledger.memory()
    for (const options of [
      { after: -1 },
      { after: 0.5 },
      { after: Number.NaN },
      { until: Number.NaN },
    ]) {
      await expect(store.records(options).next()).rejects.toThrow(TypeError)
    }
  })

  test('that follow end by the signal, also while they are being read', async () => {
    const path = tempJournal()
    const store = await ledger.open(path)
    await writeNotes(store, ['a', 'b'])
    const waiting = new AbortController()
    const follower = store.records({ follow: true, signal: waiting.signal })
    await follower.next()
    await follower.next()
    const third = follower.next()
    waiting.abort(new Error('enough'))
    await expect(third).rejects.toThrow('enough')
    await store.close()
  })

  test('that were damaged since they were written are refused, not skipped', async () => {
    const path = tempJournal()
    const store = await ledger.open(path)
    await writeNotes(store, ['a', 'b', 'c'])
    const bytes = readFileSync(path)
    writeFileSync(path, bytes.fill(0x78, bytes.length - 60, bytes.length - 50))
    await expect(seqsOf(store.records())).rejects.toMatchObject({ code: 'corrupt', seq: 3, path })
    writeFileSync(path, bytes.subarray(0, bytes.length - 100))
    await expect(seqsOf(store.records())).rejects.toMatchObject({ code: 'corrupt', path })
    await store.close()
  })

  test('never include what others appended behind the durable end', async () => {
    const path = tempJournal()
    const store = await ledger.open(path)
    await writeNotes(store, ['a'])
    appendFileSync(path, '{"seq":2')
    expect(await seqsOf(store.records())).toEqual([1])
    await store.close()
  })
})
