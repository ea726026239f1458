import { execFileSync } from 'node:child_process'
import { dirname } from 'node:path'
import { sharedJournal } from 'ministore-ts/shared'
import { random } from 'ministore-ts/testing'
import { describe, expect, test } from 'vitest'
import { ministoreHere as ministore } from '../cli/here.ts'
import { ENGINES, newName, startEngine } from '../engines/engines.ts'
import { tempJournal } from '../file/temp-journal.ts'
import { names } from '../shared/names.ts'
import { type Fate, type Network, perfect, Server } from '../shared/simulated-engine.ts'
import { DRIVERS } from '../sqlite/drivers.ts'
import { broker } from '../store/broker.ts'
import { chained } from './forger.ts'

/** Throws unless each record that the server has continues the chain. */
function expectChain({ entries, features }: Server): void {
  let last = JSON.parse(features).chain
  for (const { seq, text } of entries) {
    const [, own = '', hash] = /^(.*),"hash":"([0-9a-f]{64})"\}$/.exec(text) ?? []
    last = chained(last, seq, `${own}}`)
    expect(hash, `record ${seq}`).toBe(last)
  }
}

const FATES: readonly Fate[] = ['fine', 'fine', 'fine', 'refused', 'lost', 'unanswered', 'late']

describe('the hash chain of a shared journal', () => {
  test.each(Array.from({ length: 15 }, (_, seed) => seed))(
    'stays right whatever becomes of appends and whoever else appends, by seed %i',
    async (seed) => {
      const numbers = random(seed)
      const server = new Server()
      server.maxBatch = 1 + numbers.below(3)
      const network: Network = {
        fate: () => numbers.pick(FATES),
        delay: () => numbers.below(3),
        isAway: () => numbers.chance(0.05),
        lag: () => (numbers.chance(0.1) ? 1 : 0),
      }
      const options = { timeout: 3000, chain: true }
      const opened = Array.from({ length: 3 }, () =>
        names.open(sharedJournal(server.engine(network), options)),
      )
      const stores = await Promise.all(opened)
      await Promise.all(
        stores.flatMap((store, by) =>
          Array.from({ length: 5 }, (_, n) =>
            store
              .dispatch('take', { name: `${numbers.below(8)}-${n}`, by: `${by}` })
              .catch(() => undefined),
          ),
        ),
      )
      await Promise.all(stores.map((store) => store.close()))
      expect(server.head).toBeGreaterThan(0)
      expectChain(server)
    },
  )

  test('goes on from the last record after a snapshot, which is all that was read', async () => {
    const server = new Server()
    const snapshot = tempJournal('names.snapshot')
    const open = () => names.open(sharedJournal(server.engine(), { chain: true, snapshot }))
    const first = await open()
    await first.dispatch('take', { name: 'x', by: 'a' })
    await first.snapshot()
    await first.close()
    const second = await open()
    await second.dispatch('take', { name: 'y', by: 'a' })
    await second.close()
    expect(server.head).toBe(2)
    expectChain(server)
  })

  test('refuses a record that somebody else wrote without it, or edited', async () => {
    const server = new Server()
    const journal = () => sharedJournal(server.engine(), { chain: true })
    const store = await names.open(journal())
    await store.dispatch('take', { name: 'x', by: 'a' })
    await store.close()
    const whole = server.entries
    server.entries = whole.map((entry) => ({ ...entry, text: entry.text.replace('"x"', '"y"') }))
    await expect(names.open(journal())).rejects.toMatchObject({ code: 'corrupt', seq: 1 })
    server.entries = whole
    const text = '{"at":"2026-01-01T00:00:00.000Z","type":"take","payload":{"by":"b","name":"z"}}'
    server.append([{ id: 'another', text }], 1)
    await expect(names.open(journal())).rejects.toThrow('record 2: it has no hash')
  })

  test('is refused where there is none, and where a reader must know more than it does', async () => {
    const server = new Server()
    const store = await names.open(sharedJournal(server.engine()))
    await store.close()
    const asked = names.open(sharedJournal(server.engine(), { chain: true }))
    await expect(asked).rejects.toMatchObject({ code: 'config' })
    for (const features of ['{"needs":["more"]}', 'more']) {
      server.features = features
      const opening = names.open(sharedJournal(server.engine({ ...perfect })))
      await expect(opening).rejects.toMatchObject({ code: 'newer_format' })
    }
  })
})

const [driver = ''] = DRIVERS[0] ?? []
const edits: Partial<Record<(typeof ENGINES)[number], (url: string, name: string) => void>> = {
  SQLite: (url, name) => {
    const script = `const [file, name, driver] = process.argv.slice(1)
      const { default: Database, DatabaseSync = Database } = await import(driver)
      new DatabaseSync(file).prepare("UPDATE ministore_entries SET data = replace(data, 'two', 'zwo') WHERE journal = ?").run(name)`
    const file = url.replace(/^sqlite:\/\//, '').replace(/#.*/, '')
    execFileSync(process.execPath, ['--input-type=module', '-e', script, file, name, driver])
  },
  PostgreSQL: (url, name) => {
    const script = `const [url, name] = process.argv.slice(1)
      const { default: pg } = await import('pg')
      const client = new pg.Client(url)
      await client.connect()
      await client.query("UPDATE ministore_entries SET data = replace(data, 'two', 'zwo') WHERE journal = $1", [name])
      await client.end()`
    execFileSync(process.execPath, [
      '--input-type=module',
      '-e',
      script,
      url.replace(/#.*/, ''),
      name,
    ])
  },
}

describe.each(ENGINES.filter((label) => label !== 'NATS R3'))('on %s', async (label) => {
  const engine = await startEngine(label)

  test.skipIf(!engine)(
    'a journal is sealed, verified, copied, truncated and found to be altered',
    async () => {
      if (!engine) return
      const [name, other] = [newName(), newName()]
      const seals = tempJournal('seals')
      const key = `${dirname(seals)}/key`
      await ministore('seal', '--new-key', key)
      const urlTo = (to: string) =>
        label === 'NATS R1' ? engine.url(to).replace('#', '?replicas=1#') : engine.url(to)
      const seal = () => ministore('seal', engine.url(name), '--key', key, '--out', seals)
      const verify = (url: string, ...more: string[]) =>
        ministore('verify', url, '--seals', seals, '--public-key', `${key}.pub`, ...more)
      const open = () => broker.open(engine.journal(name, { chain: true }))
      const stores = [await open(), await open()]
      for (const [at, text] of ['one', 'two', 'three', 'four'].entries())
        await stores[at % 2]?.dispatch('addTopic', { name: text })
      expect(await seal()).toMatchObject({ status: 0, stderr: '' })
      await stores[0]?.dispatch('addTopic', { name: 'five' })
      expect(await seal()).toMatchObject({ status: 0, stderr: '' })
      await Promise.all(stores.map((store) => store.close()))
      expect(await verify(engine.url(name))).toMatchObject({ status: 0 })
      expect((await ministore('copy', engine.url(name), urlTo(other))).stderr).toBe('')
      expect(await verify(engine.url(other), '--copied')).toMatchObject({ status: 0 })
      const copied = await verify(engine.url(other))
      expect(copied.stdout).toContain('If it is a copy of the sealed journal, add --copied')
      expect(copied.status).toBe(1)
      edits[label]?.(engine.url(other), other)
      if (edits[label])
        expect(await verify(engine.url(other), '--copied')).toMatchObject({ status: 1 })
      const journal = engine.journal(name)
      await journal.open('broker')
      // Before a record that no seal names: what comes first then is in no hash that is left.
      await journal.truncate(2)
      const unproved = await verify(engine.url(name))
      expect(unproved.stdout).toContain(
        'record 3, before which it was truncated, is not in any seal',
      )
      expect(unproved.status).toBe(1)
      expect(await seal()).toMatchObject({ status: 0 })
      expect(await verify(engine.url(name))).toMatchObject({ status: 0 })
      await journal.truncate(4)
      await journal.close()
      const { stdout, status } = await verify(engine.url(name))
      expect(stdout).toContain('3 seals')
      expect(status).toBe(0)
    },
    60_000,
  )
})
