import { chmodSync, readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ledger } from './ledger.ts'
import { start } from './processes.ts'
import { filesBeside, tempJournal } from './temp-journal.ts'

describe('a process', () => {
  test('with an open, idle store ends by itself, and nothing acknowledged is lost', async () => {
    const path = tempJournal()
    const child = start('forget', path)
    for (const seq of [1, 2, 3]) expect(await child.next()).toMatchObject({ ok: true, seq })
    expect(await child.next()).toBeUndefined()
    expect(await child.ended).toBe(0)
    const store = await ledger.open(path)
    expect(store.state.notes).toEqual(['a', 'b', 'c'])
    expect(store.recovery).toEqual({ created: false, records: 3 })
    await store.close()
  })

  test('that is killed in the middle of writing loses nothing that it acknowledged', async () => {
    const path = tempJournal()
    for (let life = 0; life < 2; life++) {
      const child = start('write', path)
      let acknowledged = 0
      for (let groups = 0; groups < 20 + life * 60; groups++) {
        acknowledged = Number((await child.next())?.['seq'])
      }
      child.process.kill('SIGKILL')
      for (let said = await child.next(); said; said = await child.next()) {
        acknowledged = Number(said['seq'])
      }
      expect(await child.ended).toBe('SIGKILL')
      const { state, seq } = await ledger.replay(path)
      expect(seq).toBeGreaterThanOrEqual(acknowledged)
      expect(state.notes).toHaveLength(seq)
      expect(state.notes.every((text) => /^\d+x+$/.test(text) && text.length === 200)).toBe(true)
    }
  })
})

describe('a file that may not be written', () => {
  // Root may write everything, so the child is somebody else.
  const isRoot = process.getuid?.() === 0
  if (!isRoot) console.log('skipped, as only root can start a process of another user: permissions')
  const NOBODY = 65534

  test.skipIf(!isRoot)('is refused with io, can be read, and stays as it is', async () => {
    const path = tempJournal()
    const store = await ledger.open(path)
    await store.dispatch('note', 'a')
    await store.close()
    chmodSync(path, 0o444)
    chmodSync(`${path}.lock`, 0o666)
    chmodSync(dirname(path), 0o777)
    const before = filesBeside(path)
    const refused = await start('dispatch', path, { user: NOBODY }).next()
    expect(refused).toMatchObject({ code: 'io' })
    expect(refused?.['message']).toMatch(/EACCES/)
    expect(await start('read', path, { user: NOBODY }).next()).toEqual({ seq: 1 })
    const { [`ledger.journal.lock`]: _, ...files } = filesBeside(path)
    expect(files).toEqual({ 'ledger.journal': before['ledger.journal'] })
    const again = await ledger.open(path)
    await again.close()
  })

  test.skipIf(!isRoot)(
    'in a directory that may not be written is refused with its reason',
    async () => {
      const path = tempJournal()
      chmodSync(dirname(path), 0o755)
      const created = await start('dispatch', path, { user: NOBODY }).next()
      expect(created).toMatchObject({ code: 'io' })
      expect(created?.['message']).toMatch(/EACCES/)
      expect(readdirSync(dirname(path))).toEqual([])
    },
  )
})
