// What the settings of a server and of a role, and a full disk, mean for a journal that is open.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { postgresJournal } from 'ministore-ts/postgres'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  engineOn,
  followAll,
  freshDatabase,
  freshName,
  ledger,
  notes,
  serverOfThisFile,
} from './journals.ts'

const server = await serverOfThisFile()

describe.skipIf(!server.isOwn)('an open journal, and what an administrator does', () => {
  test.each(['idle_session_timeout', 'idle_in_transaction_session_timeout'])(
    '%s: it connects again, and every record is there once',
    async (setting) => {
      const role = `role_${freshName().replace('-', '_')}`
      await server.query(`CREATE ROLE ${role} SUPERUSER LOGIN PASSWORD 'x'`)
      await server.query(`ALTER ROLE ${role} SET ${setting} = '100ms'`)
      const url = Object.assign(new URL(server.url), { username: role, password: 'x' })
      const engine = engineOn(url.href, freshName())
      await engine.open('ledger')
      const { all } = followAll(engine)
      for (let seq = 0; seq < 3; seq++) {
        // Longer than any session of it may be idle.
        await setTimeout(250)
        expect(await engine.append(notes(1, seq + 1), seq)).toEqual({ ok: true, seq: seq + 1 })
      }
      await expect.poll(() => all.map((each) => each.seq)).toEqual([1, 2, 3])
    },
  )

  test('a disk that is full: unavailable, and it goes on when there is room', async () => {
    const disk = smallDisk()
    if (!disk) return
    const url = await freshDatabase(server)
    const store = await ledger.open(postgresJournal({ connection: url, name: 'a', timeout: 1_000 }))
    onTestFinished(() => store.close())
    const space = freshName().replace('-', '_')
    await server.query(`CREATE TABLESPACE ${space} LOCATION '${disk.path}'`)
    await server.query(`ALTER TABLE ministore_entries SET TABLESPACE ${space}`, [], url)
    // Text that cannot be compressed.
    const add = () =>
      store.dispatchAll(
        Array.from({ length: 5_000 }, () => ({
          type: 'add' as const,
          payload: Math.floor(Math.random() * 2 ** 38),
        })),
      )
    let acknowledged = 0
    const failed = await (async () => {
      for (; ; acknowledged++) await add()
    })().catch((error: unknown) => error)
    expect(failed).toMatchObject({
      ...{ code: 'unavailable', message: expect.stringContaining('(53100)') },
    })
    expect(store.seq).toBe(acknowledged)
    disk.grow()
    await add()
    const again = await ledger.open(postgresJournal({ connection: url, name: 'a' }))
    expect(again.state).toEqual(store.state)
    expect(again.seq).toBe(acknowledged + 1)
    await again.close()
  })
})

/** A file system of 1 MB that every user may write to; undefined if this process may not mount one. */
function smallDisk(): { readonly path: string; grow(): void } | undefined {
  const path = mkdtempSync(join(tmpdir(), 'ministore-disk-'))
  const mount = (size: string) =>
    execFileSync('mount', ['-t', 'tmpfs', '-o', `${size},mode=0777`, 'tmpfs', path], {
      stdio: 'ignore',
    })
  try {
    mount('size=1m')
  } catch {
    rmSync(path, { recursive: true })
    return undefined
  }
  onTestFinished(() => {
    execFileSync('umount', ['-l', path])
    rmSync(path, { recursive: true, force: true })
  })
  const inside = join(path, 'space')
  execFileSync('install', ['-d', '-o', 'postgres', '-m', '0700', inside])
  return {
    path: inside,
    grow: () => void execFileSync('mount', ['-o', 'remount,size=200m', path]),
  }
}
