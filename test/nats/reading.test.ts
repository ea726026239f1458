// A journal in a stream, by a user with the documented permissions of a reader and no others.
import { readFileSync } from 'node:fs'
import type { NatsConnection } from '@nats-io/transport-node'
import { connect } from '@nats-io/transport-node'
import { natsJournal } from 'ministore-ts/nats'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { ADMIN, INSTALL, startNats } from '../servers/nats.ts'
import { names } from '../shared/names.ts'

const document = readFileSync(new URL('../../docs/engines/nats.md', import.meta.url), 'utf8')
const [, reading = ''] = /```text reading\n([\s\S]*?)```/.exec(document) ?? []
const READER = { user: 'reader', pass: 'reader-51c0ffee', permissions: reading }

const nats = await startNats({ users: [READER] })
if (!nats) console.warn(INSTALL)
afterAll(() => nats?.stop())

const withNats = test.skipIf(!nats)
const server = () => nats ?? expect.unreachable()
const inboxPrefix = '_INBOX_orders'
const { user, pass } = READER

/** Nothing was changed: which streams there are, and that none has a consumer. */
async function streams(): Promise<unknown> {
  const admin = await server().admin()
  const answer = await admin.request('$JS.API.STREAM.LIST')
  await admin.close()
  const { streams } = answer.json<{ streams: { config: object; state: object }[] | null }>()
  return streams?.map(({ config, state }) => ({ config, state }))
}

const writing = () =>
  names.open(natsJournal({ servers: server().urls, ...ADMIN, name: 'orders', replicas: 1 }))
/** Through a connection of its own, or one that is passed in. `replicas` is left out: readers need not know. */
const reader = (name = 'orders', connection?: NatsConnection) =>
  natsJournal(
    connection
      ? { connection, name, timeout: 500 }
      : { servers: server().urls, user, pass, inboxPrefix, name, timeout: 500 },
  )

describe('a reader', () => {
  withNats.each(['its own connection', 'a connection that is passed in'])(
    'follows what others append, with the right to read alone, by %s',
    async (whose) => {
      const store = await writing()
      const options = { servers: server().urls, user, pass, inboxPrefix }
      const connection = whose.startsWith('its') ? undefined : await connect(options)
      onTestFinished(() => connection?.close())
      const board = await names.open(reader('orders', connection), { readOnly: true })
      const name = `n${store.seq}`
      await store.dispatch('take', { name, by: 'a' })
      await expect.poll(() => board.state.taken[name]).toBe('a')
      const next = `n${store.seq}`
      await store.dispatch('take', { name: next, by: 'a' })
      expect((await board.refresh()).taken[next]).toBe('a')
      const before = await streams()
      const refused = board.dispatch('take', { name: 'x', by: 'b' })
      await expect(refused).rejects.toMatchObject({ code: 'read_only' })
      await Promise.all([store.close(), board.close()])
      expect(await streams()).toEqual(before)
    },
  )

  withNats('replays and checks', async () => {
    const store = await writing()
    const name = `n${store.seq}`
    const { seq } = await store.dispatch('take', { name, by: 'a' })
    await store.close()
    expect(await names.replay(reader())).toMatchObject({ seq, state: { taken: { [name]: 'a' } } })
    expect(await names.replayCheck(reader())).toMatchObject({ ok: true, records: seq })
  })
})

withNats('a mistyped name is told by whoever reads, and no stream is made for it', async () => {
  const admin = { servers: server().urls, ...ADMIN, replicas: 1, name: 'odrers' }
  const before = await streams()
  const url = new URL(server().urls[0] ?? '')
  Object.assign(url, { username: ADMIN.user, password: ADMIN.pass, hash: 'odrers' })
  for (const journal of [natsJournal(admin), url])
    for (const read of [
      () => names.open(journal, { readOnly: true }),
      () => names.replay(journal),
      () => names.replayCheck(journal),
    ]) {
      const said = await read().then(
        (report) => ('findings' in report ? JSON.stringify(report.findings) : 'it did not fail'),
        String,
      )
      expect(said).toMatch(/odrers.*does not exist/)
      expect(said).not.toContain(ADMIN.pass)
    }
  expect(await streams()).toEqual(before)
})
