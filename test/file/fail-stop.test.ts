import { readFileSync, writeFileSync } from 'node:fs'
import { StoreError } from 'ministore-ts'
import { describe, expect, test } from 'vitest'
import { type Call, type FaultyDisk, faultyDisk } from './faulty-disk.ts'
import { type Ledger, ledger, openOn, seqsOf, writeNotes } from './ledger.ts'
import { errno, MemoryDisk } from './memory-disk.ts'
import { tempJournal } from './temp-journal.ts'

const ACKNOWLEDGED = ['a', 'b', 'c']

/** A store on a real disk with three acknowledged records. */
async function openWatched(): Promise<{ path: string; disk: FaultyDisk; store: Ledger }> {
  const path = tempJournal()
  const disk = faultyDisk()
  const store = await openOn(disk.fileSystem, path)
  await writeNotes(store, ACKNOWLEDGED)
  return { path, disk, store }
}

/** Fails the next call of these operations, each with its error; a number makes a write short. */
function failNext(disk: FaultyDisk, fates: Partial<Record<Call['operation'], Error | number>>) {
  disk.fault = ({ operation }) => {
    const fate = fates[operation]
    delete fates[operation]
    return fate
  }
}

const codesOf = async (pending: readonly Promise<unknown>[]) =>
  (await Promise.allSettled(pending)).map((result) =>
    result.status === 'rejected' ? result.reason.code : 'ok',
  )

async function notesIn(path: string): Promise<readonly string[]> {
  const store = await ledger.open(path)
  const { notes } = store.state
  await store.close()
  return notes
}

const FAILURES = {
  'EIO on its sync': { datasync: errno('EIO') },
  'ENOSPC on its write': { write: errno('ENOSPC') },
  'a write that is short': { write: 10 },
  'a write that does nothing': { write: 0 },
  'a write that is short by its newline': { write: -1 },
}

describe('a flush that fails and can be rolled back', () => {
  for (const [what, fates] of Object.entries(FAILURES)) {
    test(`${what}: all of it rejects with io, and is certainly absent after reopening`, async () => {
      const { path, disk, store } = await openWatched()
      const durable = readFileSync(path)
      failNext(disk, { ...fates })
      const group = ['d', 'e', 'f'].map((text) => store.dispatch('note', text))
      expect(await codesOf(group)).toEqual(['io', 'io', 'io'])
      expect(readFileSync(path)).toEqual(durable)
      await store.close()
      const again = await ledger.open(path)
      expect(again.state.notes).toEqual(ACKNOWLEDGED)
      expect(again.recovery).toEqual({ created: false, records: 3 })
      await writeNotes(again, ['g'])
      await again.close()
      expect(await notesIn(path)).toEqual(['a', 'b', 'c', 'g'])
    })
  }

  test('says what the disk said, and that it was rolled back', async () => {
    const { path, disk, store } = await openWatched()
    const cause = errno('ENOSPC', 'no space left on device')
    failNext(disk, { write: cause })
    const error = await store.dispatch('note', 'd').catch((reason) => reason)
    expect(error).toBeInstanceOf(StoreError)
    expect(error).toMatchObject({ code: 'io', path, cause })
    expect(error.message).toMatch(/rolled back.*no space left/)
    await store.close()
  })

  test('stops the store: what waited behind it was never written', async () => {
    const { path, disk, store } = await openWatched()
    const first = store.dispatch('note', 'd')
    const behind: Promise<unknown>[] = []
    disk.fault = ({ operation }) => {
      if (operation !== 'datasync') return undefined
      behind.push(store.dispatch('note', 'e'), store.dispatch('note', 'f'))
      return errno('EIO')
    }
    const written = disk.count('write', path)
    expect(await codesOf([first])).toEqual(['io'])
    expect(await codesOf(behind)).toEqual(['io', 'io'])
    expect(disk.count('write', path)).toBe(written + 1)
    await store.close()
    expect(await notesIn(path)).toEqual(ACKNOWLEDGED)
  })

  test('reads go on at the last durable state', async () => {
    const { disk, store } = await openWatched()
    const heard: number[] = []
    store.subscribe(() => heard.push(store.seq))
    failNext(disk, { datasync: errno('EIO') })
    expect(await codesOf([store.dispatch('note', 'd')])).toEqual(['io'])
    expect(store.state.notes).toEqual(ACKNOWLEDGED)
    expect(store.seq).toBe(3)
    expect(await seqsOf(store.records())).toEqual([1, 2, 3])
    expect(heard).toEqual([])
    await store.close()
  })

  test('nothing is ever synced again or appended through that descriptor', async () => {
    const { path, disk, store } = await openWatched()
    failNext(disk, { datasync: errno('EIO') })
    const group = ['d', 'e'].map((text) => store.dispatch('note', text))
    await codesOf(group)
    const failed = disk.calls.findLastIndex(({ operation }) => operation === 'datasync')
    for (let attempt = 0; attempt < 3; attempt++) {
      const later = [store.dispatch('note', 'x'), store.dispatchAll([]), store.transaction(() => 1)]
      expect(await codesOf(later)).toEqual(['io', 'io', 'io'])
    }
    await seqsOf(store.records())
    await store.close()
    const after = disk.calls.slice(failed + 1).filter(({ operation }) => operation !== 'read')
    expect(after.map(({ operation }) => operation)).toEqual(['truncate', 'sync', 'close'])
    expect(await notesIn(path)).toEqual(ACKNOWLEDGED)
  })

  test('the part of a large group that was durable before stays acknowledged', async () => {
    const { path, disk, store } = await openWatched()
    const syncs = disk.count('datasync', path)
    disk.fault = ({ operation }) =>
      operation === 'datasync' && disk.count('datasync', path) === syncs + 3
        ? errno('EIO')
        : undefined
    const texts = Array.from({ length: 14 }, (_, index) => `${index}`.padEnd(2 ** 20, 'x'))
    const codes = await codesOf(texts.map((text) => store.dispatch('note', text)))
    const acknowledged = codes.filter((code) => code === 'ok').length
    expect(acknowledged).toBeGreaterThan(5)
    expect(codes).toEqual(texts.map((_, index) => (index < acknowledged ? 'ok' : 'io')))
    expect(store.seq).toBe(3 + acknowledged)
    await store.close()
    expect(await notesIn(path)).toEqual([...ACKNOWLEDGED, ...texts.slice(0, acknowledged)])
  })
})

describe('a flush that fails and cannot be rolled back', () => {
  const BROKEN = {
    'the truncate fails': { truncate: errno('EROFS') },
    'the sync behind it fails': { sync: errno('EIO') },
  }
  for (const [what, rollback] of Object.entries(BROKEN)) {
    for (const [failure, fates] of Object.entries(FAILURES)) {
      test(`${what} after ${failure}: the group rejects with unknown, and what is later with io`, async () => {
        const { path, disk, store } = await openWatched()
        failNext(disk, { ...fates, ...rollback })
        const group = ['d', 'e', 'f'].map((text) => store.dispatch('note', text))
        expect(await codesOf(group)).toEqual(['unknown', 'unknown', 'unknown'])
        expect(await codesOf([store.dispatch('note', 'g')])).toEqual(['io'])
        expect(store.state.notes).toEqual(ACKNOWLEDGED)
        await store.close()
        const notes = await notesIn(path)
        expect(notes.slice(0, 3)).toEqual(ACKNOWLEDGED)
        expect(['d', 'e', 'f'].slice(0, notes.length - 3)).toEqual(notes.slice(3))
        // Reopening decided it: from here on it stays so.
        expect(await notesIn(path)).toEqual(notes)
      })
    }
  }

  test('what was written whole is there after reopening, and durable before it is shown', async () => {
    const { path, disk, store } = await openWatched()
    failNext(disk, { datasync: errno('EIO'), truncate: errno('EROFS') })
    expect(await codesOf([store.dispatch('note', 'd')])).toEqual(['unknown'])
    await store.close()
    const fresh = faultyDisk()
    const again = await openOn(fresh.fileSystem, path)
    expect(again.state.notes).toEqual(['a', 'b', 'c', 'd'])
    // Its pages count as clean, so they have to be written again for the sync to mean anything.
    const [, record = ''] = /\n([^\n]*\n)$/.exec(readFileSync(path, 'utf8')) ?? []
    const changes = fresh.calls.filter(({ operation }) => /^(write|sync|truncate)$/.test(operation))
    expect(changes.map(({ operation, bytes }) => [operation, bytes])).toEqual([
      ['write', Buffer.byteLength(record)],
      ['sync', 0],
    ])
    await again.close()
  })

  test('half a record is torn off at reopening, and kept', async () => {
    const { path, disk, store } = await openWatched()
    failNext(disk, { write: 10, truncate: errno('EROFS') })
    expect(await codesOf([store.dispatch('note', 'd')])).toEqual(['unknown'])
    await store.close()
    const again = await ledger.open(path)
    expect(again.recovery.found).toMatchObject({ kind: 'torn_write', bytes: 10 })
    expect(readFileSync(`${path}.torn-4`, 'latin1')).toBe('{"seq":4,"')
    await again.close()
  })
})

describe('a close that fails', () => {
  test('rejects and does not hang, and lets go of the lock', async () => {
    const { path, disk, store } = await openWatched()
    failNext(disk, { close: errno('EIO') })
    await expect(store.close()).rejects.toThrow('EIO')
    await expect(store.close()).rejects.toThrow('EIO')
    expect(await codesOf([store.dispatch('note', 'd')])).toEqual(['closed'])
    expect(await notesIn(path)).toEqual(ACKNOWLEDGED)
  })

  test('does not hide why an opening was refused', async () => {
    const path = tempJournal()
    writeFileSync(path, '')
    const disk = faultyDisk()
    disk.fault = ({ operation, path: name }) =>
      operation === 'close' || name.endsWith('.new') ? errno('ENOSPC') : undefined
    const refused = openOn(disk.fileSystem, path)
    await expect(refused).rejects.toMatchObject({ code: 'io', path })
    expect(await notesIn(path)).toEqual([])
  })
})

describe('a close while a flush is in the air', () => {
  test('waits for it, so that what was dispatched before is durable', async () => {
    const { path, disk, store } = await openWatched()
    const group = ['d', 'e'].map((text) => store.dispatch('note', text))
    await store.close()
    expect(await codesOf(group)).toEqual(['ok', 'ok'])
    expect(disk.calls.at(-1)).toMatchObject({ operation: 'close', path })
    expect(await notesIn(path)).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  test('waits for its failing too', async () => {
    const { path, disk, store } = await openWatched()
    failNext(disk, { datasync: errno('EIO') })
    const codes = codesOf([store.dispatch('note', 'd')])
    await store.close()
    expect(await codes).toEqual(['io'])
    expect(await notesIn(path)).toEqual(ACKNOWLEDGED)
  })

  test('ends a reader that is not through with closed, and a follower in peace', async () => {
    const path = tempJournal()
    const store = await ledger.open(path)
    await Promise.all(Array.from({ length: 40 }, () => store.dispatch('note', 'x'.repeat(100_000))))
    const reader = store.records()
    const follower = store.records({ follow: true })
    await Promise.all([reader.next(), follower.next()])
    await store.close()
    await expect(seqsOf(reader)).rejects.toMatchObject({ code: 'closed' })
    expect((await seqsOf(follower)).length).toBeLessThan(40)
    await expect(store.records().next()).rejects.toMatchObject({ code: 'closed' })
  })
})

describe('a disk that fails while opening', () => {
  const PATH = '/data/ledger.journal'

  /** The journal as a crash may have left it: each with its records. */
  async function leftovers(): Promise<Record<string, { bytes?: Buffer; notes: string[] }>> {
    const disk = new MemoryDisk()
    const store = await openOn(disk, PATH)
    await writeNotes(store, ACKNOWLEDGED)
    await store.close()
    const bytes = disk.read(PATH) ?? Buffer.alloc(0)
    return {
      nothing: { notes: [] },
      'an empty file': { bytes: Buffer.alloc(0), notes: [] },
      'half a header': { bytes: bytes.subarray(0, 50), notes: [] },
      'a whole journal': { bytes, notes: ACKNOWLEDGED },
      'a torn write': {
        bytes: Buffer.concat([bytes, Buffer.from('{"seq":4')]),
        notes: ACKNOWLEDGED,
      },
      'a lost newline': { bytes: bytes.subarray(0, -1), notes: ACKNOWLEDGED },
      'a lost newline before NULs': {
        bytes: Buffer.concat([bytes.subarray(0, -1), Buffer.alloc(600)]),
        notes: ACKNOWLEDGED,
      },
    }
  }

  const diskWith = (bytes: Buffer | undefined) => new MemoryDisk(bytes ? { [PATH]: bytes } : {})

  /** How many calls it takes to open it. */
  async function countCalls(bytes: Buffer | undefined): Promise<number> {
    const disk = faultyDisk(diskWith(bytes))
    await (await openOn(disk.fileSystem, PATH)).close()
    return disk.calls.length - 1
  }

  test('refuses with io at whatever call, lets go of the lock, and opens when it works again', async () => {
    for (const [what, { bytes, notes }] of Object.entries(await leftovers())) {
      const calls = await countCalls(bytes)
      for (let failing = 1; failing <= calls; failing++) {
        const memory = diskWith(bytes)
        const disk = faultyDisk(memory)
        disk.fault = () => (disk.calls.length === failing ? errno('EIO') : undefined)
        const at = `${what}, call ${failing}`
        const error = await openOn(disk.fileSystem, PATH).catch((reason) => reason)
        const call = disk.calls[failing - 1]
        // A file that was only looked at is closed without anybody minding how; a snapshot is optional.
        const isHarmless = call?.operation === 'close' || call?.path === `${PATH}.snapshot`
        if (!isHarmless) expect(error, at).toMatchObject({ code: 'io', path: PATH })
        if (!(error instanceof Error)) await error.close()
        expect(memory.locks, at).toEqual([])
        const again = await openOn(memory, PATH)
        expect(again.state.notes, at).toEqual(notes)
        await again.close()
      }
    }
  })

  test('or dies at whatever call, over and over: every record is there, and nothing is lost', async () => {
    for (const [what, { bytes, notes }] of Object.entries(await leftovers())) {
      const calls = await countCalls(bytes)
      for (let first = 1; first <= calls; first++) {
        for (const second of [1, 5, 9, 12, first]) {
          const memory = diskWith(bytes)
          for (const last of [first, second]) {
            const disk = faultyDisk(memory)
            disk.fault = () => (disk.calls.length >= last ? errno('EIO', 'dead') : undefined)
            await openOn(disk.fileSystem, PATH).catch(() => undefined)
            memory.releaseLocks()
          }
          const at = `${what}, dead at calls ${first} and ${second}`
          const again = await openOn(memory, PATH)
          expect(again.state.notes, at).toEqual(notes)
          await writeNotes(again, ['next'])
          await again.close()
          const kept = memory.names.filter((name) => name.includes('.torn-'))
          if (what === 'a torn write') {
            const torn = kept.map((name) => String(memory.read(name)))
            expect(torn, at).toContain('{"seq":4')
          }
        }
      }
    }
  })

  test('leaves nothing half-written behind where there is no room', async () => {
    const { bytes } = (await leftovers())['a torn write'] ?? {}
    for (const fate of [errno('ENOSPC'), 3]) {
      const memory = diskWith(bytes)
      const disk = faultyDisk(memory)
      disk.fault = ({ operation }) => (operation === 'write' ? fate : undefined)
      await expect(openOn(disk.fileSystem, PATH)).rejects.toMatchObject({ code: 'io' })
      expect(memory.names).toEqual([PATH])
      expect(memory.read(PATH)).toEqual(bytes)
      const empty = new MemoryDisk()
      const creating = faultyDisk(empty)
      creating.fault = ({ operation }) => (operation === 'write' ? fate : undefined)
      await expect(openOn(creating.fileSystem, PATH)).rejects.toMatchObject({ code: 'io' })
      expect(empty.names).toEqual([])
    }
  })

  test('syncs before it shows anything, and the directory of whatever it made or renamed', async () => {
    for (const [what, { bytes }] of Object.entries(await leftovers())) {
      const disk = faultyDisk(diskWith(bytes))
      const store = await openOn(disk.fileSystem, PATH)
      const last = (operation: Call['operation']) =>
        disk.calls.findLastIndex((call) => call.operation === operation)
      const changed = Math.max(last('write'), last('truncate'))
      const synced = disk.calls.findLastIndex(({ operation }) => operation === 'sync')
      expect(synced, what).toBeGreaterThan(changed)
      expect(last('syncDir'), what).toBeGreaterThan(last('rename'))
      expect(last('syncDir'), what).toBeGreaterThan(0)
      await store.close()
    }
  })
})

describe('a disk that fails while reading', () => {
  test('is io, at opening and afterwards', async () => {
    const { path, disk, store } = await openWatched()
    failNext(disk, { read: errno('EIO', 'bad block') })
    const broken = seqsOf(store.records())
    await expect(broken).rejects.toMatchObject({ name: 'StoreError', code: 'io', path })
    expect(await seqsOf(store.records())).toEqual([1, 2, 3])
    await store.close()
    const fresh = faultyDisk()
    fresh.fault = ({ operation }) =>
      operation === 'read' && fresh.count('sync', path) > 0 ? errno('EIO') : undefined
    const refused = openOn(fresh.fileSystem, path)
    await expect(refused).rejects.toMatchObject({ name: 'StoreError', code: 'io', path })
    expect(await notesIn(path)).toEqual(ACKNOWLEDGED)
  })
})
