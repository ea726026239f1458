import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StoreError } from 'ministore-ts'
import { expect, test } from 'vitest'
import { opened } from '../shared/names.ts'
import { Server } from '../shared/simulated-engine.ts'
import { broker } from '../store/broker.ts'
import { gatedJournal, settle } from '../store/gated-journal.ts'

test('an open store tells its seq, its last record and its snapshot, as plain JSON', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'ministore-health-')), 'broker.jsonl')
  const store = await broker.open(path)
  expect(store.health()).toEqual({ open: true, seq: 0, pending: 0 })
  const { at } = await store.dispatch('addTopic', { name: 'a' })
  await store.snapshot()
  const { at: last } = await store.dispatch('addTopic', { name: 'b' })
  const health = {
    ...{ open: true, seq: 2, pending: 0, lastRecordAt: last },
    snapshot: { seq: 1, at, records: 1 },
  }
  expect(store.health()).toEqual(health)
  expect(JSON.parse(JSON.stringify(store.health()))).toEqual(health)
  await store.close()
  expect(store.health()).toMatchObject({ open: false, stopped: { code: 'closed' } })

  const again = await broker.open(path)
  expect(again.health()).toEqual(health)
  // A view has the health of its store, also of what happens later.
  const view = again.with({ metadata: { correlationId: 'r1' } })
  await again.compact()
  expect(view.health()).toMatchObject({ snapshot: { seq: 2, at: last, records: 0 } })
  await again.close()

  const compacted = await broker.open(path)
  await compacted.dispatch('reset')
  expect(compacted.health()).toMatchObject({ seq: 3, snapshot: { seq: 2, records: 1 } })
  await compacted.close()
})

test('a store whose journal broke tells what waits, and then what stopped it', async () => {
  const journal = gatedJournal()
  const store = await broker.open(journal)
  const lost = [store.dispatch('reset'), store.dispatch('reset')].map((each) => each.catch(String))
  await settle()
  expect(store.health()).toMatchObject({ open: true, seq: 0, pending: 2 })
  journal.appends[0]?.fail(new StoreError('io', 'the disk is full'))
  await Promise.all(lost)
  const { stopped, ...health } = store.health()
  expect(health).toEqual({ open: false, seq: 0, pending: 0 })
  expect(stopped).toMatchObject({ code: 'io', message: expect.stringContaining('disk is full') })
})

test('a store on a shared journal tells how late it follows', async () => {
  const server = new Server()
  const [a, b] = [await opened(server), await opened(server)]
  expect(b.health()).toEqual({ open: true, seq: 0, pending: 0, follow: { caughtUp: true } })
  await a.dispatch('take', { name: 'x', by: 'a' })
  await expect.poll(() => b.health().seq).toBe(1)
  expect(b.health().follow).toEqual({ caughtUp: true, lag: expect.any(Number) })
  // Its own records are not late.
  expect(a.health().follow).toEqual({ caughtUp: true })
  const refreshed = b.refresh()
  expect(b.health().follow).toMatchObject({ caughtUp: false })
  await refreshed
  expect(b.health().follow).toMatchObject({ caughtUp: true })
  await a.close()
  await b.close()
})
