import { copyFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
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
