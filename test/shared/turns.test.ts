// Writers of one journal take turns: who tries when. Who is first is the engine's to decide.
import { setImmediate as turn } from 'node:timers/promises'
import { type Engine, sharedJournal } from 'ministore-ts/shared'
import { describe, expect, test } from 'vitest'
import { names, opened } from './names.ts'
import { perfect, Server } from './simulated-engine.ts'

const near = { ...perfect, delay: () => 1 }

/** Its appends take so long to the server that a writer near to it is always the first. */
function openFar(server: Server): ReturnType<typeof names.open> {
  const engine = server.engine(near)
  const append: Engine['append'] = async (batch, expected) => {
    for (let turns = 10; turns > 0; turns--) await turn()
    return engine.append(batch, expected)
  }
  return names.open(sharedJournal({ ...engine, append }, { timeout: 10_000 }))
}

/** Dispatches one after the other, until `isEnough`. Resolves to how many there were. */
async function writing(
  store: Awaited<ReturnType<typeof opened>>,
  by: string,
  isEnough: (count: number) => boolean,
): Promise<number> {
  let count = 0
  while (!isEnough(count)) {
    await store.dispatch('take', { name: `${by} ${count}`, by })
    count += 1
  }
  return count
}

describe('a writer that is slower than another one that never stops', () => {
  test('has its turn all the same, although the other one does not know of it', async () => {
    const server = new Server()
    const [fast, slow] = [await opened(server, near), await openFar(server)]
    let isDone = false
    const others = writing(fast, 'fast', () => isDone)
    await slow.dispatch('take', { name: 'x', by: 'slow' }).finally(() => {
      isDone = true
    })
    expect(await others).toBeGreaterThan(10)
    expect((await fast.refresh()).taken['x']).toBe('slow')
    await Promise.all([fast.close(), slow.close()])
  })

  test('has one turn after the other, as each of several', async () => {
    const server = new Server()
    const fast = await opened(server, near)
    const slow = [await openFar(server), await openFar(server)]
    let isDone = false
    const others = writing(fast, 'fast', () => isDone)
    const counts = slow.map((store, at) => writing(store, `slow ${at}`, (count) => count === 4))
    await Promise.all(counts).finally(() => {
      isDone = true
    })
    await others
    const all = [fast, ...slow]
    await Promise.all(all.map((store) => store.refresh()))
    expect(slow.map(({ state }) => state)).toEqual([fast.state, fast.state])
    await Promise.all(all.map((store) => store.close()))
  })
})

test('the records of a journal say by which writer they are, each with an id of its own', async () => {
  const server = new Server()
  const text = '{"at":"2026-01-01T00:00:00.000Z","type":"take","payload":{"by":"a","name":"x"}}'
  const [a, b] = [sharedJournal(server.engine()), sharedJournal(server.engine())]
  for (const journal of [a, b]) await journal.open(names.name)
  await a.append([{ text }, { text }, { text, id: 'a copy keeps its id' }], 0)
  await b.append([{ text }], 3)
  const ids = server.entries.map(({ id }) => id)
  expect(new Set(ids).size).toBe(4)
  expect(ids[2]).toBe('a copy keeps its id')
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
  for (const id of [ids[0], ids[1], ids[3]]) expect(id).toMatch(uuid)
  const writers = ids.map((id) => id.slice(0, 13))
  expect(writers[0]).toBe(writers[1])
  expect(writers[0]).not.toBe(writers[3])
  for (const journal of [a, b]) await journal.close()
})
