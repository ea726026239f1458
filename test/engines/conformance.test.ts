// The contract of a journal, kept by every engine; memory and file have theirs in test/testing. And what
// two stores on one journal do for each other.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sharedJournal } from 'ministore-ts/shared'
import { journalContract } from 'ministore-ts/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { names } from '../shared/names.ts'
import { Server } from '../shared/simulated-engine.ts'
import { ENGINES, newName, startEngine } from './engines.ts'

describe('the contract of a shared journal on a simulated engine', () => {
  const create = () => {
    const server = new Server()
    return { journal: () => sharedJournal(server.engine()) }
  }
  for (const { name, run } of journalContract({ create, shared: true })) test(name, run)
})

for (const label of ENGINES) {
  const engine = await startEngine(label)
  describe.skipIf(!engine)(`the contract of a shared journal on ${label}`, () => {
    const create = () => {
      const name = newName()
      return { journal: () => engine?.journal(name) ?? expect.unreachable() }
    }
    for (const { name, run } of journalContract({ create, shared: true })) test(name, run)
  })

  const on = (name: string, snapshot?: string) =>
    engine?.journal(name, { snapshot }) ?? expect.unreachable()
  describe.skipIf(!engine)(`two stores on ${label}`, () => {
    test('keep one history: keys, batches, expectSeq, refresh, followers of states and records', async () => {
      const name = newName()
      const [a, b] = [await names.open(on(name)), await names.open(on(name))]
      const heard: number[] = []
      b.subscribe((_, __, records) => void heard.push(...records.map(({ seq }) => seq)))
      const followed: string[] = []
      const following = (async () => {
        for await (const { seq, payload } of b.records({ follow: true, until: 3 }))
          followed.push(`${seq} ${payload.name}`)
      })()
      const payload = { name: 'x', by: 'somebody' }
      const both = [a, b].map((store) => store.dispatch('take', payload, { key: 'k' }))
      expect((await Promise.all(both)).map(({ seq }) => seq)).toEqual([1, 1])
      const batch = ['y', 'z'].map((each) => ({
        ...{ type: 'take' as const, payload: { name: each, by: 'a' } },
      }))
      expect(await a.dispatchAll(batch, { expectSeq: 1 })).toMatchObject({ seq: 2 })
      const late = await b.dispatch('take', { name: 'w', by: 'b' }, { expectSeq: 1 }).safe()
      expect(late).toMatchObject({ code: 'conflict', details: { expected: 1, actual: 2 } })
      const taken = await b.dispatch('take', { name: 'y', by: 'b' }).safe()
      expect(taken).toMatchObject({ code: 'taken', details: { by: 'a' } })
      await b.execute('takeFree', { by: 'b' })
      expect((await a.refresh()).taken).toEqual({ x: 'somebody', y: 'a', z: 'a', n3: 'b' })
      expect(a.state).toEqual(b.state)
      await following
      expect(followed).toEqual(['1 x', '2 y', '2 z', '3 n3'])
      expect(heard).toEqual([1, 2, 2, 3])
      await a.close()
      await b.close()
    })

    test('one of which only reads: it follows, refuses to dispatch, and creates nothing', async () => {
      const name = newName()
      const options = { readOnly: true } as const
      for (const open of [
        () => names.open(on(name), options),
        () => names.open(engine?.url(name) ?? '', options),
        () => names.replay(on(name)),
        () => names.replay(engine?.url(name) ?? ''),
        () => names.replayCheck(on(name)),
        () => names.replayCheck(engine?.url(name) ?? ''),
      ])
        await expect(open()).rejects.toMatchObject({
          ...{ code: 'io', message: expect.stringContaining('does not exist') },
        })
      expect(await on(name).look()).toBeUndefined()
      const writer = await names.open(on(name))
      await writer.dispatch('take', { name: 'x', by: 'a' })
      for (const source of [on(name), engine?.url(name) ?? '']) {
        const reader = await names.open(source, options)
        expect(reader.recovery).toMatchObject({ created: false })
        const refused = [
          () => reader.dispatch('take', { name: 'y', by: 'b' }),
          () => reader.execute('takeFree', { by: 'b' }),
          () => reader.transaction(() => undefined),
        ]
        for (const dispatch of refused)
          await expect(dispatch()).rejects.toMatchObject({ code: 'read_only' })
        const { seq } = writer
        await writer.dispatch('take', { name: `n${seq + 1}`, by: 'a' })
        expect(await reader.refresh()).toEqual(writer.state)
        await writer.dispatch('take', { name: `n${seq + 2}`, by: 'a' })
        await expect.poll(() => reader.seq, { interval: 10, timeout: 3000 }).toBe(seq + 2)
        await reader.close()
      }
      expect((await names.replay(on(name))).seq).toBe(writer.seq)
      expect(await names.replayCheck(on(name))).toMatchObject({ ok: true, records: writer.seq })
      const other = names.open(on(name), options)
      await (await other).close()
      await writer.close()
    })

    test('open from a snapshot of their own where the records before it were truncated', async () => {
      const directory = mkdtempSync(join(tmpdir(), 'ministore-'))
      onTestFinished(() => rmSync(directory, { recursive: true }))
      const [name, snapshot] = [newName(), join(directory, 'names.snapshot')]
      const journal = on(name, snapshot)
      const store = await names.open(journal)
      for (const each of ['x', 'y', 'z']) await store.dispatch('take', { name: each, by: 'a' })
      await store.snapshot()
      await store.dispatch('take', { name: 'w', by: 'a' })
      await journal.truncate(2)
      await store.close()
      await expect(names.open(on(name))).rejects.toMatchObject({ code: 'compacted' })
      const again = await names.open(on(name, snapshot))
      expect(again.recovery).toMatchObject({ records: 1, snapshot: { used: true, seq: 3 } })
      expect(again.state).toEqual(store.state)
      await again.close()
    })
  })
}
