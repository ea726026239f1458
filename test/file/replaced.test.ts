import { execFileSync } from 'node:child_process'
import { copyFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { fileJournal } from 'ministore-ts/file'
import { describe, expect, test } from 'vitest'
import { broker } from '../store/broker.ts'
import { tempJournal } from './temp-journal.ts'

describe('a journal that goes away under an open store', () => {
  test.each<[string, (path: string) => void]>([
    ['removed', (path) => rmSync(path)],
    ['renamed', (path) => renameSync(path, `${path}.old`)],
    [
      'replaced by a copy',
      (path) => {
        copyFileSync(path, `${path}.copy`)
        renameSync(`${path}.copy`, path)
      },
    ],
    [
      'replaced by something else',
      (path) => {
        rmSync(path)
        writeFileSync(path, 'something else\n')
      },
    ],
  ])('%s: the next dispatch is refused, and reads go on', async (_, change) => {
    const path = tempJournal()
    const store = await broker.open(path)
    await store.dispatch('addTopic', { name: 'a' })
    change(path)
    const error = await store.dispatch('addTopic', { name: 'b' }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'io' })
    expect(String(error)).toContain('removed or replaced')
    await expect(store.dispatch('addTopic', { name: 'c' })).rejects.toMatchObject({ code: 'io' })
    expect(Object.keys(store.state.topics)).toEqual(['a'])
    await store.close()
  })
})

describe('one journal object', () => {
  test('opens once: a second open is refused, and the first store goes on', async () => {
    const journal = fileJournal(tempJournal())
    const store = await broker.open(journal)
    await expect(broker.open(journal)).rejects.toMatchObject({ code: 'locked' })
    expect(await store.dispatch('addTopic', { name: 'a' })).toMatchObject({ seq: 1 })
    await store.close()
  })
})

test('a path that is a pipe is refused at once', async () => {
  const path = tempJournal()
  execFileSync('mkfifo', [path])
  await expect(broker.open(path)).rejects.toThrow(/is not a regular file/)
})
