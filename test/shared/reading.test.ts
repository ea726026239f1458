// A store that only reads a shared journal: it needs no right to write, and follows.
import { memoryJournal } from 'ministore-ts'
import { fileJournal } from 'ministore-ts/file'
import { type Engine, sharedJournal } from 'ministore-ts/shared'
import { describe, expect, test } from 'vitest'
import { tempJournal } from '../file/temp-journal.ts'
import { names, opened } from './names.ts'
import { Server } from './simulated-engine.ts'

/** An engine with a right to read only: all else fails loudly. */
function reader(server: Server): Engine {
  const forbidden = (what: string) => () => Promise.reject(new Error(`${what} writes`))
  const writing = {
    open: forbidden('open'),
    append: forbidden('append'),
    truncate: forbidden('truncate'),
  }
  return { ...server.engine(), ...writing }
}

describe('a store that is opened with readOnly', () => {
  test('follows what others append, and its refresh is no older than the call', async () => {
    const server = new Server()
    const writer = await opened(server)
    await writer.dispatch('take', { name: 'x', by: 'a' })
    const store = await names.open(sharedJournal(reader(server)), { readOnly: true })
    expect(store.state.taken).toEqual({ x: 'a' })
    expect(store.recovery.created).toBe(false)
    const heard: number[] = []
    store.subscribe((_, __, [record]) => void heard.push(record?.seq ?? 0))
    await writer.dispatch('take', { name: 'y', by: 'a' })
    expect((await store.refresh()).taken).toEqual({ x: 'a', y: 'a' })
    await writer.dispatch('take', { name: 'z', by: 'a' })
    await expect.poll(() => heard).toEqual([2, 3])
    await Promise.all([writer.close(), store.close()])
  })

  test('refuses each dispatch as read_only, and goes on', async () => {
    const server = new Server()
    const writer = await opened(server)
    const stops: unknown[] = []
    const store = await names.open(sharedJournal(reader(server)), {
      ...{ readOnly: true, onStop: (error: unknown) => void stops.push(error) },
    })
    const input = { name: 'x', by: 'b' }
    const refused = [
      () => store.dispatch('take', input),
      () => store.dispatch('take', input, { key: 'k' }).safe(),
      () => store.dispatchAll([{ type: 'take', payload: input }]),
      () => store.execute('takeAs', input),
      () => store.transaction((tx) => void tx.dispatch('take', input)),
    ]
    for (const dispatch of refused)
      await expect(dispatch()).rejects.toMatchObject({ code: 'read_only' })
    await writer.dispatch('take', { name: 'x', by: 'a' })
    await expect.poll(() => store.state.taken).toEqual({ x: 'a' })
    expect(stops).toEqual([])
    expect(server.head).toBe(1)
    await Promise.all([writer.close(), store.close()])
  })

  test('belongs to the definition: that of another store gets wrong_store', async () => {
    const server = new Server()
    server.store = 'others'
    const opening = names.open(sharedJournal(reader(server)), { readOnly: true })
    await expect(opening).rejects.toMatchObject({ code: 'wrong_store' })
  })

  test('waits for a server that is away, as a writer does', async () => {
    const server = new Server()
    await (await opened(server)).close()
    const engine = reader(server)
    let away = 3
    const look: Engine['look'] = async () => {
      if (away-- > 0)
        return server.engine({ fate: () => 'fine', delay: () => 0, isAway: () => true }).look()
      return engine.look()
    }
    const store = await names.open(sharedJournal({ ...engine, look }), { readOnly: true })
    expect(store.seq).toBe(0)
    await store.close()
  })
})

describe('a name without a journal', () => {
  test('is io, says so, and creates nothing', async () => {
    const server = new Server()
    const journal = () => sharedJournal(server.engine())
    for (const read of [
      () => names.open(journal(), { readOnly: true }),
      () => names.replay(journal()),
      () => names.replayCheck(journal()),
    ])
      await expect(read()).rejects.toMatchObject({
        code: 'io',
        message: expect.stringMatching(/does not exist/),
      })
    expect(server.store).toBeUndefined()
  })
})

test('replay and the check need no right to write, and may come again with the same journal', async () => {
  const server = new Server()
  const writer = await opened(server)
  await writer.dispatch('take', { name: 'x', by: 'a' })
  await writer.close()
  const journal = sharedJournal(reader(server))
  expect(await names.replay(journal)).toMatchObject({ seq: 1, state: { taken: { x: 'a' } } })
  expect(await names.replayCheck(journal)).toMatchObject({ ok: true, records: 1 })
})

describe('a journal that a store has open', () => {
  const file = () => fileJournal(tempJournal())
  const shared = () => sharedJournal(new Server().engine())

  test.each([
    ['a shared journal', shared],
    ['a file', file],
  ])('stays open when it is read through the same object: %s', async (_, make) => {
    const journal = make()
    const store = await names.open(journal)
    await expect(names.replay(journal)).rejects.toMatchObject({ code: 'locked' })
    const check = names
      .replayCheck(journal)
      .then(({ findings }) => JSON.stringify(findings), String)
    expect(await check).toMatch(/open already/)
    expect(await store.dispatch('take', { name: 'x', by: 'a' })).toMatchObject({ seq: 1 })
    await store.close()
  })
})

test('a journal that cannot be opened with readOnly is refused, not opened to be written', async () => {
  await expect(names.open(memoryJournal(), { readOnly: true })).rejects.toThrow(TypeError)
})
