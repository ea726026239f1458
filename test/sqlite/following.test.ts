// What it costs to wait for other processes, and what happens if the system does not tell of their appends.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SqliteDriver, SqliteStatement } from 'ministore-ts/sqlite'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { engineOn, followAll, freshFile, notes } from './databases.ts'
import { DRIVERS } from './drivers.ts'

/** Counts how often the database is asked whether another process has committed. */
function counting(driver: SqliteDriver) {
  const state = { looks: 0 }
  class Counting extends driver {
    override prepare(sql: string): SqliteStatement {
      const statement = super.prepare(sql)
      if (!sql.includes('data_version')) return statement
      return {
        get: () => {
          state.looks += 1
          return statement.get()
        },
        all: () => statement.all(),
        run: () => statement.run(),
      }
    }
  }
  return { state, Counting }
}

describe.each(DRIVERS)('a follower by %s', (_, driver) => {
  test('looks less and less often while nothing is appended, and at once when something is', async () => {
    const file = freshFile()
    const writer = engineOn(file, driver)
    await writer.open('ledger')
    const { state, Counting } = counting(driver)
    const reader = engineOn(file, Counting)
    await reader.look()
    const { all } = followAll(reader)
    await sleep(300)
    // After 1, 2, 4 … milliseconds, and then once a second.
    expect(state.looks).toBeLessThan(20)
    await writer.append(notes(1), 0)
    await vi.waitFor(() => expect(all).toHaveLength(1), { interval: 1 })
    await sleep(300)
    expect(state.looks).toBeLessThan(50)
  })

  test('finds what was appended although the system has no watcher left', async () => {
    const { watch } = fs
    onTestFinished(() => {
      fs.watch = watch
      syncBuiltinESMExports()
    })
    fs.watch = (() => {
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    }) as never
    syncBuiltinESMExports()
    const file = freshFile()
    const writer = engineOn(file, driver)
    await writer.open('ledger')
    const reader = engineOn(file, driver)
    await reader.look()
    const { all } = followAll(reader)
    for (let seq = 0; seq < 3; seq++) {
      await sleep(20)
      await writer.append(notes(1), seq)
    }
    await vi.waitFor(() => expect(all).toHaveLength(3), { timeout: 5_000 })
  })
})
