import { getEventListeners } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { postgresJournal } from 'ministore-ts/postgres'
import { Client } from 'pg'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { startProxy, type TestProxy } from '../servers/proxy.ts'
import {
  engineOn,
  entry,
  failureOf,
  followAll,
  freshName,
  ledger,
  notes,
  readAll,
  serverOfThisFile,
} from './journals.ts'

const server = await serverOfThisFile()

async function proxied(): Promise<TestProxy> {
  const proxy = await startProxy(server.port)
  onTestFinished(() => proxy.close())
  return proxy
}

function through(proxy: TestProxy, name = freshName(), timeout = 10_000) {
  const url = new URL(server.url)
  url.host = `${proxy.host}:${proxy.port}`
  return engineOn(url.href, name, timeout)
}

/** Holds the journal's row, so that an append waits, until the function that it resolves to is called. */
async function block(name: string): Promise<() => Promise<void>> {
  const client = new Client(server.url)
  client.on('error', () => undefined)
  await client.connect()
  onTestFinished(() => client.end())
  await client.query('BEGIN')
  await client.query('SELECT FROM ministore_journals WHERE name = $1 FOR UPDATE', [name])
  return async () => void (await client.query('COMMIT'))
}

/** The process of the server in which a statement waits: for a lock, for a standby. */
async function waiting(on: string): Promise<number> {
  const find = `SELECT pid FROM pg_stat_activity
    WHERE query LIKE '%ministore_%' AND (wait_event_type = $1 OR wait_event = $1)`
  const pid = async () => Number((await server.query(find, [on]))[0]?.['pid'] ?? 0)
  await expect.poll(pid, { interval: 10, timeout: 5000 }).toBeGreaterThan(0)
  return pid()
}

describe.skipIf(!server.isOwn)('a network that fails', () => {
  test('no connection: unavailable, for every call, and it comes back', async () => {
    const proxy = await proxied()
    const engine = through(proxy)
    await engine.open('ledger')
    await engine.append(notes(2), 0)
    proxy.isDown = true
    proxy.cut()
    const calls = {
      append: () => engine.append(notes(1), 2),
      read: () => readAll(engine),
      truncate: () => engine.truncate(1),
      open: () => through(proxy).open('ledger'),
    }
    await setTimeout(20)
    for (const [call, run] of Object.entries(calls)) {
      expect(await failureOf(run(), server.password), call).toMatchObject({ code: 'unavailable' })
    }
    proxy.isDown = false
    expect(await engine.append(notes(1), 2)).toEqual({ ok: true, seq: 3 })
    expect(await readAll(engine)).toHaveLength(3)
  })

  test('an answer that is lost: unknown in time, and it is there', async () => {
    const proxy = await proxied()
    const engine = through(proxy, freshName(), 2000)
    await engine.open('ledger')
    const batch = notes(2)
    proxy.traffic = 'lose_answers'
    const before = performance.now()
    const error = await failureOf(engine.append(batch, 0), server.password)
    expect(error.code).toBe('unknown')
    expect(performance.now() - before).toBeLessThan(2000)
    proxy.traffic = 'pass'
    expect((await readAll(engine)).map(({ id }) => id)).toEqual(batch.map(({ id }) => id))
    expect(await engine.append(batch, 0)).toEqual({ ok: false, head: 2 })
  })

  test('a request that is lost: unknown in time, and it is not there', async () => {
    const proxy = await proxied()
    const engine = through(proxy, freshName(), 2000)
    await engine.open('ledger')
    proxy.traffic = 'lose_requests'
    const batch = notes(2)
    expect(await failureOf(engine.append(batch, 0), server.password)).toMatchObject({
      code: 'unknown',
    })
    expect(await failureOf(readAll(engine))).toMatchObject({ code: 'unavailable' })
    proxy.traffic = 'pass'
    expect(await readAll(engine)).toEqual([])
    expect(await engine.append(batch, 0)).toEqual({ ok: true, seq: 2 })
  })

  test('a connection that breaks while the server still works on it: unknown, and reading waits until it is known', async () => {
    const proxy = await proxied()
    const name = freshName()
    const engine = through(proxy, name)
    await engine.open('ledger')
    const release = await block(name)
    const batch = notes(1)
    const failed = failureOf(engine.append(batch, 0), server.password)
    await waiting('Lock')
    proxy.cut()
    expect(await failed).toMatchObject({ code: 'unknown' })
    const read = readAll(engine)
    await setTimeout(100)
    await release()
    expect((await read).map(({ id }) => id)).toEqual(batch.map(({ id }) => id))
  })

  test('closing while a call hangs ends it, at once', async () => {
    const proxy = await proxied()
    const engine = through(proxy)
    await engine.open('ledger')
    const { done } = followAll(engine)
    proxy.traffic = 'hold'
    const [append, read] = [failureOf(engine.append(notes(1), 0)), failureOf(readAll(engine))]
    await setTimeout(20)
    const before = performance.now()
    await engine.close()
    expect((await append).code).toBe('unknown')
    expect((await read).code).toBe('closed')
    await done
    const opening = failureOf(engine.open('ledger'))
    await setTimeout(20)
    await engine.close()
    expect((await opening).code).toBe('closed')
    expect(performance.now() - before).toBeLessThan(1500)
  })
})

describe.skipIf(!server.isOwn)('a server that fails', () => {
  test('a statement that it cancels is certain: unavailable, and nothing is there', async () => {
    const name = freshName()
    const engine = engineOn(server.url, name)
    await engine.open('ledger')
    const release = await block(name)
    const failed = failureOf(engine.append(notes(1), 0), server.password)
    await server.query('SELECT pg_cancel_backend($1)', [await waiting('Lock')])
    expect(await failed).toMatchObject({ code: 'unavailable', cause: { code: '57014' } })
    await release()
    expect(await readAll(engine)).toEqual([])
  })

  test('a lock that is not free in time: unavailable, since the server gives up first', async () => {
    const name = freshName()
    const engine = engineOn(server.url, name, 3000)
    await engine.open('ledger')
    const release = await block(name)
    expect(await failureOf(engine.append(notes(1), 0))).toMatchObject({ code: 'unavailable' })
    await release()
    expect(await engine.append(notes(1), 0)).toEqual({ ok: true, seq: 1 })
  })

  test('FATAL in the middle is not certain: unknown', async () => {
    const name = freshName()
    const engine = engineOn(server.url, name)
    await engine.open('ledger')
    const release = await block(name)
    const failed = failureOf(engine.append(notes(1), 0), server.password)
    await server.query('SELECT pg_terminate_backend($1)', [await waiting('Lock')])
    expect(await failed).toMatchObject({ code: 'unknown', cause: { code: '57P01' } })
    await release()
    expect(await readAll(engine)).toEqual([])
  })

  test('one that stands still hangs no call, and goes on', async () => {
    const engine = engineOn(server.url, freshName(), 2000)
    await engine.open('ledger')
    await readAll(engine)
    await server.kill('SIGSTOP')
    const before = performance.now()
    const codes = await Promise.all(
      [
        engine.append(notes(1), 0),
        readAll(engine),
        engineOn(server.url, freshName(), 2000).open('ledger'),
      ].map(async (work) => (await failureOf(work, server.password)).code),
    )
    const took = performance.now() - before
    await server.kill('SIGCONT')
    expect(codes).toEqual(['unknown', 'unavailable', 'unavailable'])
    expect(took).toBeLessThan(2500)
    // It may be there by now, or not.
    const { length } = await readAll(engine)
    expect(await engine.append(notes(1), length)).toEqual({ ok: true, seq: length + 1 })
  })

  test('one that is killed and comes back: followers have every record once, and what was acknowledged is there', async () => {
    const name = freshName()
    const writer = engineOn(server.url, name)
    await writer.open('ledger')
    const reader = engineOn(server.url, name)
    await reader.open('ledger')
    const { all, done, end } = followAll(reader)
    await writer.append(notes(3), 0)
    await expect.poll(() => all.length, { interval: 10 }).toBe(3)
    await server.kill('SIGKILL')
    expect((await failureOf(writer.append(notes(1), 3))).code).toMatch(/^(unavailable|unknown)$/)
    await server.restart()
    const { length } = await readAll(writer)
    expect(length).toBe(3)
    expect(await writer.append(notes(2, 4), 3)).toEqual({ ok: true, seq: 5 })
    await expect.poll(() => all.length, { interval: 10 }).toBe(5)
    expect(all.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5])
    end()
    await done
  })
})

describe.skipIf(!server.isHere)('following', () => {
  async function pair() {
    const name = freshName()
    const [writer, reader] = [engineOn(server.url, name), engineOn(server.url, name)]
    await writer.open('ledger')
    await reader.open('ledger')
    return { writer, reader }
  }

  test('hears of a record at once, and not at the next look', async () => {
    const { writer, reader } = await pair()
    const { all } = followAll(reader)
    await writer.append(notes(1), 0)
    await expect.poll(() => all.length, { interval: 2 }).toBe(1)
    await setTimeout(100)
    const took: number[] = []
    for (let head = 1; head < 12; head++) {
      const before = performance.now()
      await writer.append(notes(1), head)
      while (all.length <= head) await setTimeout(1)
      took.push(performance.now() - before)
    }
    expect(took.toSorted((a, b) => a - b)[5]).toBeLessThan(200)
  })

  test('keeps one listener on its signal while it is idle', async () => {
    const any = vi.spyOn(AbortSignal, 'any')
    const { reader } = await pair()
    const { end, done } = followAll(reader)
    await setTimeout(3300)
    const signals = any.mock.results.flatMap(({ value }) => (value ? [value as AbortSignal] : []))
    any.mockRestore()
    const counts = signals.map((signal) => getEventListeners(signal, 'abort').length)
    expect(counts).toEqual([1])
    end()
    await done
  })

  test('hears of what came while its reader was busy', async () => {
    const { writer, reader } = await pair()
    const follower = reader.follow(0, new AbortController().signal)[Symbol.asyncIterator]()
    for (let head = 0; head < 3; head++) {
      await writer.append(notes(1), head)
      await setTimeout(100)
      const before = performance.now()
      expect((await follower.next()).value).toMatchObject([{ seq: head + 1 }])
      expect(performance.now() - before).toBeLessThan(500)
    }
  })

  test('begins where it is told, has all that was there, and its own', async () => {
    const { writer } = await pair()
    await writer.append(notes(3000), 0)
    const { all, done, end } = followAll(writer, 100)
    await expect.poll(() => all.length, { interval: 10, timeout: 10_000 }).toBe(2900)
    await writer.append(notes(1), 3000)
    await expect.poll(() => all.at(-1)?.seq, { interval: 5, timeout: 10_000 }).toBe(3001)
    end()
    await done
  })

  test('goes on when its listening connection is lost, and listens again', async () => {
    const { writer, reader } = await pair()
    const { all } = followAll(reader)
    await writer.append(notes(1), 0)
    await expect.poll(() => all.length, { interval: 10, timeout: 10_000 }).toBe(1)
    const listeners = "FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
    const count = () => server.query(`SELECT pid ${listeners}`)
    await expect.poll(count, { interval: 10, timeout: 10_000 }).toHaveLength(1)
    await server.query(`SELECT pg_terminate_backend(pid) ${listeners}`)
    await writer.append(notes(1), 1)
    await expect.poll(() => all.length, { interval: 10, timeout: 10_000 }).toBe(2)
    await expect.poll(count, { interval: 10, timeout: 10_000 }).toHaveLength(1)
    await writer.append(notes(1), 2)
    await expect.poll(() => all.length, { interval: 10, timeout: 10_000 }).toBe(3)
  })

  test('says that records were truncated before it had them', async () => {
    const { writer, reader } = await pair()
    await writer.append(notes(5), 0)
    await writer.truncate(3)
    expect(await failureOf(followAll(reader).done)).toMatchObject({ code: 'compacted', seq: 1 })
    expect(await failureOf(followAll(reader, 2).done)).toMatchObject({ code: 'compacted' })
  })
})

describe.skipIf(!server.isOwn)('a synchronous standby', () => {
  test('has what was acknowledged: waiting that is cut short is unknown, and a failover loses nothing', async () => {
    const name = freshName()
    const proxy = await proxied()
    const engine = through(proxy, name, 3000)
    await engine.open('ledger')
    await engine.append(notes(1), 0)
    const standby = await server.standby()
    onTestFinished(() => standby.stop())

    // A new journal is refused there: the address is wrong. One that was open waits for the failover.
    const refused = await failureOf(engineOn(standby.url, name).open('ledger'), server.password)
    expect(refused).toMatchObject({ code: 'config', message: expect.stringContaining('standby') })

    // It can be read, and says how late it is.
    const sums = freshName()
    const writer = await ledger.open(postgresJournal({ connection: server.url, name: sums }))
    await writer.dispatch('add', 1)
    const replayed = () =>
      ledger.replay(`${standby.url}#${sums}`).then(
        ({ seq }) => seq,
        () => 0,
      )
    await expect.poll(replayed, { interval: 10 }).toBe(1)
    const source = postgresJournal({ connection: standby.url, name: sums })
    const reader = await ledger.open(source, { readOnly: true })
    expect(reader.recovery.replica).toEqual({ lag: expect.any(Number) })
    await standby.query('SELECT pg_wal_replay_pause()')
    await writer.dispatch('add', 1)
    await setTimeout(300)
    expect([reader.seq, (await reader.refresh()).sum]).toEqual([1, 1])
    expect((await source.replica())?.lag).toBeGreaterThan(200)
    await expect(reader.dispatch('add', 1)).rejects.toMatchObject({ code: 'read_only' })
    await standby.query('SELECT pg_wal_replay_resume()')
    await expect.poll(() => reader.state, { interval: 10, timeout: 3000 }).toEqual({ sum: 2 })
    await expect.poll(() => source.replica(), { timeout: 3000 }).toEqual({ lag: 0 })
    await Promise.all([reader.close(), writer.close()])

    // The standby stands still. Somebody cancels the waiting: the record is there, but not on both.
    expect(await engine.append(notes(1), 99)).toEqual({ ok: false, head: 1 })
    await standby.kill('SIGSTOP')
    const batch = [entry('"not on both"')]
    const failed = failureOf(engine.append(batch, 1), server.password)
    await server.query('SELECT pg_cancel_backend($1)', [await waiting('SyncRep')])
    expect(await failed).toMatchObject({ code: 'unknown' })
    expect(await failureOf(readAll(engine))).toMatchObject({ code: 'unavailable' })
    expect((await failureOf(through(proxy, name, 1000).open('ledger'))).code).toBe('unavailable')
    await standby.kill('SIGCONT')
    expect((await readAll(engine, 1)).map(({ id }) => id)).toEqual([batch[0]?.id])

    // A crash ends the waiting too, and nobody warns: the record is there, but who reads waits for the standby.
    const other = through(proxy, name, 1000)
    await other.open('ledger')
    await standby.kill('SIGSTOP')
    const crashed = failureOf(engine.append(notes(1), 2))
    await waiting('SyncRep')
    await server.kill('SIGKILL')
    await server.restart()
    expect(await crashed).toMatchObject({ code: 'unknown' })
    const [first, second] = [failureOf(readAll(other, 2)), failureOf(readAll(other, 2))]
    expect(await Promise.all([first, second])).toMatchObject(Array(2).fill({ code: 'unavailable' }))
    expect((await failureOf(other.append(notes(1), 2))).code).toBe('unavailable')
    await standby.kill('SIGCONT')
    const found = () => readAll(other, 2).catch(() => [])
    await expect.poll(found, { timeout: 15_000 }).toHaveLength(1)

    // Failover.
    expect(await engine.append(notes(1), 3)).toEqual({ ok: true, seq: 4 })
    proxy.target = standby.port
    await server.kill('SIGKILL')
    await setTimeout(20)
    expect(await failureOf(engine.append(notes(1), 4))).toMatchObject({ code: 'unavailable' })
    await standby.promote()
    expect(await engine.append(notes(1), 4)).toEqual({ ok: true, seq: 5 })
    expect(await readAll(engine)).toHaveLength(5)
  })
})
