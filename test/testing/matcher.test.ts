import 'ministore-ts/vitest'
import { appendFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { defineStore, memoryJournal } from 'ministore-ts'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { tempJournal } from '../file/temp-journal.ts'
import { atNoon, broker } from '../store/broker.ts'
import { keeps } from '../types/helpers.ts'

/** The broker, with names as they are allowed today. */
const strict = defineStore({
  name: 'broker',
  state: { topics: [] as string[] },
  mutations: {
    addTopic: {
      payload: z.object({ name: z.string().regex(/^[a-z]+$/), partitions: z.number() }),
      apply: (draft, { name }) => void draft.topics.push(name),
    },
  },
})

/** A journal in a file, with a topic whose name `strict` does not allow. */
async function writeJournal(): Promise<string> {
  const path = tempJournal('broker.jsonl')
  const store = await broker.open(path, atNoon)
  await store.dispatch('addTopic', { name: 'orders' })
  await store.dispatch('addTopic', { name: 'Zürich' })
  await store.close()
  return path
}

/** What vitest says about an assertion that does not hold. */
async function messageOf(assertion: Promise<void>): Promise<string> {
  const error = await assertion.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(Error)
  return (error as Error).message
}

describe('toReplay', () => {
  test('holds for a journal that fits, by path, file URL or Journal', async () => {
    const path = await writeJournal()
    await expect(broker).toReplay(path)
    await expect(broker).toReplay(pathToFileURL(path))
    const { digest } = await broker.replay(path)
    await expect(broker).toReplay(path, { digest })
    const texts = ['{"at":"2026-11-22T12:00:00.000Z","type":"reset"}']
    await expect(broker).toReplay(memoryJournal(texts))
  })

  test('says what was found, and where', async () => {
    const path = await writeJournal()
    const message = await messageOf(expect(strict).toReplay(path))
    expect(message).toContain(`expected broker to replay ${path}:\n\n`)
    expect(message).toContain('error invalid_payload')
    expect(message).toMatch(/seq 2 +addTopic\n.*name/)
  })

  test('takes the digest to expect', async () => {
    const path = await writeJournal()
    const message = await messageOf(expect(broker).toReplay(path, { digest: 'sha256:0' }))
    expect(message).toContain('error digest_mismatch')
  })

  test('does not hold for what cannot be read', async () => {
    const path = await writeJournal()
    appendFileSync(path, 'not a record\n')
    expect(await messageOf(expect(broker).toReplay(path))).toContain(`${path}:4`)
    expect(await messageOf(expect(broker).toReplay('/nowhere/broker.jsonl'))).toContain(
      'error unreadable  /nowhere/broker.jsonl',
    )
  })

  test('can be negated', async () => {
    const path = await writeJournal()
    await expect(strict).not.toReplay(path)
    const message = await messageOf(expect(broker).not.toReplay(path))
    expect(message).toBe(
      `expected broker to replay ${path} with errors, and it has none in 2 records`,
    )
  })

  test('is only for definitions', async () => {
    const path = await writeJournal()
    const store = await broker.open(path)
    for (const wrong of [store, undefined, 'broker', {}]) {
      const refused = new TypeError(
        'expect(…).toReplay(journal): expect takes what defineStore returned',
      )
      await expect(expect(wrong).toReplay(path)).rejects.toThrow(refused)
      await expect(expect(wrong).not.toReplay(path)).rejects.toThrow(refused)
    }
    await store.close()
  })
})

keeps('the matcher is typed', () => {
  // @ts-expect-error a journal is needed
  expect(broker).toReplay()
  // @ts-expect-error a digest is text
  expect(broker).toReplay('broker.jsonl', { digest: 1 })
})
