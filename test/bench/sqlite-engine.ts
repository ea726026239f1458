// SQLite for the benchmark of engines, and what a program without ministore would do with the same database.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { watch } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type SqliteConnection, type SqliteDriver, sqliteJournal } from 'ministore-ts/sqlite'
import { DATA_VERSION, INSERT, LOOK, READ } from '../../src/journals/sqlite/statements.ts'
import { DRIVERS } from '../sqlite/drivers.ts'
import type { Bare, Engine, Where } from './engine.ts'
import { orders } from './orders.ts'

export function sqlite(where: Extract<Where, { kind: 'sqlite' }>): Engine {
  const { file } = where
  const [, driver] = DRIVERS[0] ?? []
  if (!driver) throw new Error('there is no driver of SQLite')
  return {
    where,
    label: 'SQLite',
    journal: (name) => sqliteJournal({ file, name, driver }),
    async bare(name) {
      const opened = await orders.open(sqliteJournal({ file, name, driver }))
      await opened.close()
      return bareOn(driver, file, name)
    },
  }
}

/** The same transactions, and a follower that is woken by the log's file. */
function bareOn(driver: SqliteDriver, file: string, name: string): Bare {
  const database = new driver(file, { timeout: 0 })
  database.exec('PRAGMA synchronous = EXTRA')
  const [look, insert, read, version] = [LOOK, INSERT, READ, DATA_VERSION].map((each) =>
    database.prepare(each),
  )
  let watcher: ReturnType<typeof watch> | undefined
  let seen = 0
  const readFrom = (after: number): number =>
    read?.all(2 ** 24, name, after, Number.MAX_SAFE_INTEGER, 2048).length ?? 0
  return {
    async append(texts, expected) {
      if (!(await locked(database))) return false
      const row = look?.get(expected, name) as { head: number }
      const isFirst = row.head === expected
      if (isFirst)
        for (const [at, text] of texts.entries())
          insert?.run(name, expected + 1 + at, randomUUID(), text)
      database.exec('COMMIT')
      return isFirst
    },
    read: async (after) => readFrom(after),
    async next() {
      watcher ??= watch(`${file}-wal`)
      const before = JSON.stringify(version?.get())
      await once(watcher, 'change')
      while (JSON.stringify(version?.get()) === before) await sleep(1)
      seen += readFrom(seen)
    },
    async close() {
      watcher?.close()
      database.close()
    },
  }
}

/** As a program would wait for the lock. Returns false if it took too long: somebody else was the first. */
async function locked(database: SqliteConnection): Promise<boolean> {
  for (let attempt = 0; attempt < 1000; attempt++) {
    try {
      database.exec('BEGIN IMMEDIATE')
      return true
    } catch (error) {
      if (!/locked|busy/i.test(String(error))) throw error
    }
    await sleep(1)
  }
  return false
}
