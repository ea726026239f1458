import {
  existsSync,
  linkSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { StoreError } from 'ministore-ts'
import { describe, expect, test } from 'vitest'
import { type Ledger, ledger, writeNotes } from './ledger.ts'
import { start } from './processes.ts'
import { filesBeside, linesOf, tempJournal } from './temp-journal.ts'

describe('one writer', () => {
  test('in this process: a second is refused with locked, naming this very process', async () => {
    const path = tempJournal()
    const store = await ledger.open(path)
    const before = filesBeside(path)
    const error = await ledger.open(path).catch((reason) => reason)
    expect(error).toBeInstanceOf(StoreError)
    expect(error.code).toBe('locked')
    expect(error.message).toContain(`process ${process.pid} on ${hostname()}`)
    expect(error.message).toContain('readOnly')
    expect(filesBeside(path)).toEqual(before)
    await store.dispatch('note', 'undisturbed')
    await store.close()
    const next = await ledger.open(path)
    expect(next.state.notes).toEqual(['undisturbed'])
    await next.close()
  })

  test('of many that open at once: all but one are refused', async () => {
    const path = tempJournal()
    const all = await Promise.allSettled(Array.from({ length: 20 }, () => ledger.open(path)))
    const opened = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    const codes = all.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []))
    expect(opened).toHaveLength(1)
    expect(codes).toEqual(Array.from({ length: 19 }, () => 'locked'))
    await opened[0]?.close()
    expect(linesOf(path)).toHaveLength(1)
  })

  test('in another process: this one is refused, and gets in at once when that is killed', async () => {
    const path = tempJournal()
    const child = start('hold', path)
    expect(await child.next()).toEqual({ seq: 0 })
    const error = await ledger.open(path).catch((reason) => reason)
    expect(error).toMatchObject({ code: 'locked' })
    expect(error.message).toContain(`process ${child.process.pid} on`)
    child.process.kill('SIGKILL')
    expect(await child.ended).toBe('SIGKILL')
    const store = await ledger.open(path)
    await store.dispatch('note', 'mine')
    await store.close()
  })

  test('here: another process is refused, and gets in once this closed', async () => {
    const path = tempJournal()
    const store = await ledger.open(path)
    const refused = start('dispatch', path)
    const said = await refused.next()
    expect(said).toMatchObject({ code: 'locked' })
    expect(said?.['message']).toContain(`process ${process.pid} on`)
    expect(await refused.ended).toBe(0)
    await store.close()
    expect(await start('dispatch', path).next()).toMatchObject({ ok: true, seq: 1 })
  })

  test('also where its lock file was removed by hand: the next takes a new one', async () => {
    const path = tempJournal()
    await (await ledger.open(path)).close()
    unlinkSync(`${path}.lock`)
    const store = await ledger.open(path)
    expect(JSON.parse(readFileSync(`${path}.lock`, 'utf8'))).toMatchObject({ pid: process.pid })
    await expect(ledger.open(path)).rejects.toMatchObject({ code: 'locked' })
    await store.close()
  })
})

describe('a second writer that finds another lock file', () => {
  test.each<[string, (path: string, other: string) => string]>([
    [
      'as the first one was removed',
      (path) => {
        unlinkSync(`${path}.lock`)
        return path
      },
    ],
    [
      'as it comes by a hard link',
      (path, other) => {
        linkSync(path, other)
        return other
      },
    ],
    [
      'as the journal was renamed',
      (path, other) => {
        renameSync(path, other)
        return other
      },
    ],
  ])('%s: is refused with locked, as the journal itself is locked', async (_, change) => {
    const path = tempJournal()
    const store = await ledger.open(path)
    await store.dispatch('note', 'of the first')
    const found = change(path, tempJournal())
    const error = await ledger.open(found).catch((reason) => reason)
    expect(error).toMatchObject({ code: 'locked' })
    expect(error.message).toContain('readOnly')
    expect((await ledger.replay(found)).state.notes).toEqual(['of the first'])
    await store.close()
    const next = await ledger.open(found)
    expect(next.seq).toBe(1)
    await next.close()
  })
})

describe('two writers that no lock kept apart', () => {
  const WAYS: Record<string, (path: string) => Promise<[Ledger, Ledger]>> = {
    'as both said lock: false': async (path) => [
      await ledger.open(path, { lock: false }),
      await ledger.open(path, { lock: false }),
    ],
  }
  for (const [why, openBoth] of Object.entries(WAYS)) {
    test(`${why}: the one that comes late is refused, and writes over nothing`, async () => {
      const path = tempJournal()
      const [first, second] = await openBoth(path)
      await writeNotes(first, ['of the first', 'of the first'])
      const late = second.dispatch('note', 'of the second')
      await expect(late).rejects.toMatchObject({ code: 'io' })
      await expect(late).rejects.toThrow('another writer')
      await writeNotes(first, ['of the first'])
      await Promise.all([first.close(), second.close()])
      expect((await ledger.replay(path)).state.notes).toEqual(Array(3).fill('of the first'))
    })
  }
})

describe('the lock file', () => {
  test('names its holder, and stays when the store closes', async () => {
    const path = tempJournal()
    const store = await ledger.open(path)
    const { pid, host, since } = JSON.parse(readFileSync(`${path}.lock`, 'utf8'))
    expect({ pid, host }).toEqual({ pid: process.pid, host: hostname() })
    expect(new Date(since).toISOString()).toBe(since)
    const { ino } = statSync(`${path}.lock`)
    await store.close()
    const again = await ledger.open(path)
    expect(statSync(`${path}.lock`).ino).toBe(ino)
    await again.close()
  })

  test('says who holds it now, also where the one before had a longer name', async () => {
    const path = tempJournal()
    const long = { pid: 4194304, host: 'x'.repeat(200), since: '2026-11-22T12:00:00.000Z' }
    writeFileSync(`${path}.lock`, `${JSON.stringify(long)}\n`)
    const store = await ledger.open(path)
    expect(JSON.parse(readFileSync(`${path}.lock`, 'utf8'))).toMatchObject({ host: hostname() })
    await store.close()
  })

  test('holds whatever is in it', async () => {
    const path = tempJournal()
    for (const content of ['', 'half {"pid"', '\0\0\0', '{"pid":', '{}', 'null']) {
      writeFileSync(`${path}.lock`, content)
      const store = await ledger.open(path)
      await expect(ledger.open(path)).rejects.toMatchObject({ code: 'locked' })
      await store.close()
    }
  })

  test('of that name that is somebody else’s keeps its content', async () => {
    const path = tempJournal('yarn')
    writeFileSync(`${path}.lock`, '# yarn lockfile v1\n')
    const store = await ledger.open(path)
    await expect(ledger.open(path)).rejects.toMatchObject({ code: 'locked' })
    await store.close()
    expect(readFileSync(`${path}.lock`, 'utf8')).toBe('# yarn lockfile v1\n')
  })

  test('is not made where lock is false, and no second writer is kept out', async () => {
    const path = tempJournal()
    const store = await ledger.open(path, { lock: false })
    await store.dispatch('note', 'a')
    expect(existsSync(`${path}.lock`)).toBe(false)
    const second = await ledger.open(path, { lock: false })
    expect(second.state.notes).toEqual(['a'])
    await Promise.all([store.close(), second.close()])
  })
})

describe('journals beside each other', () => {
  test('keep all they have, though one is named like another’s lock or its beginnings', async () => {
    const path = tempJournal('ledger')
    for (const name of [`${path}.lock`, `${path}.new`, `${path}.torn-1`]) {
      const store = await ledger.open(name)
      await writeNotes(store, [name])
      await store.close()
    }
    const store = await ledger.open(path)
    await writeNotes(store, ['mine'])
    await store.close()
    writeFileSync(path, readFileSync(path).subarray(0, -20))
    const torn = await ledger.open(path)
    expect(torn.recovery.found?.savedTo).toBe(`${path}.torn-1.2`)
    await torn.close()
    for (const name of [`${path}.lock`, `${path}.new`, `${path}.torn-1`]) {
      expect((await ledger.replay(name)).state.notes).toEqual([name])
    }
  })
})

describe('a journal that moved', () => {
  test('is no longer locked under its old name, where a new one begins', async () => {
    const path = tempJournal()
    const old = await ledger.open(path)
    await old.dispatch('note', 'a')
    await old.close()
    renameSync(path, `${path}.old`)
    const store = await ledger.open(path)
    expect(store.recovery).toEqual({ created: true, records: 0 })
    await store.close()
    expect((await ledger.replay(`${path}.old`)).state.notes).toEqual(['a'])
  })
})
