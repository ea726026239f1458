// Journals moved between files and real servers, also with faults in the middle.
import { copyFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Entry, Journal } from 'ministore-ts'
import { fileJournal } from 'ministore-ts/file'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startEngine } from '../engines/engines.ts'
import { filesBeside, tempJournal } from '../file/temp-journal.ts'
import { flip, journalOf } from '../format/forge.ts'
import { startProxy, type TestProxy } from '../servers/proxy.ts'
import { broker } from '../store/broker.ts'
import { home } from './build.ts'
import { ministoreHere } from './here.ts'
import { type Running, start, writeLarge } from './run.ts'

const postgres = await startEngine('PostgreSQL')
const nats = await startEngine('NATS R1')
const has = postgres !== undefined && nats !== undefined
const onPostgres = () => postgres ?? expect.unreachable()
const onNats = () => nats ?? expect.unreachable()

let store = ''
beforeAll(() => {
  store = join(home(), 'test/store/broker.js#broker')
})

async function recordsOf(journal: Journal, of: string): Promise<Entry[]> {
  await journal.open(of)
  const found: Entry[] = []
  for await (const entries of journal.read(0)) found.push(...entries)
  await journal.close()
  return found
}
const inFile = (path: string, of = 'ledger') => recordsOf(fileJournal(path, { readOnly: true }), of)
const textsOf = (entries: readonly Entry[]) => entries.map(({ text }) => text)

async function brokerFile(...names: string[]): Promise<string> {
  const path = tempJournal()
  const open = await broker.open(path)
  for (const name of names) await open.dispatch('addTopic', { name }, { key: name })
  await open.execute('createTopics', { names: ['zażółć', '\u2028'] })
  await open.close()
  return path
}

const written = (bytes: Buffer): string => {
  const path = tempJournal()
  writeFileSync(path, bytes)
  return path
}

describe.skipIf(!has)('ministore copy', () => {
  test('file → PostgreSQL → NATS → file: the same records, and the same state', async () => {
    const from = await brokerFile('a', 'b', 'c')
    const to = tempJournal()
    const { digest } = await broker.replay(from)
    const stops = [from, onPostgres().url('moved'), onNats().url('moved'), to]
    for (const [index, stop] of stops.slice(1).entries()) {
      const target = stop.replace('#', '?replicas=1#').replace(/(postgres:.*)\?replicas=1/, '$1')
      const args = [stops[index] ?? '', target, '--store', store, '--format', 'json']
      const { status, stdout, stderr } = await ministoreHere('copy', ...args)
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
      expect(JSON.parse(stdout)).toMatchObject({ records: 4, present: 0, seq: 4, digest })
    }
    expect(textsOf(await inFile(to, 'broker'))).toEqual(textsOf(await inFile(from, 'broker')))
    const [there, further] = [
      await recordsOf(onPostgres().journal('moved'), 'broker'),
      await recordsOf(onNats().journal('moved'), 'broker'),
    ]
    // With their ids.
    expect(there[0]).toHaveProperty('id')
    expect(further).toEqual(there)
    const [one, other] = [await broker.open(from), await broker.open(to)]
    expect(other.state).toEqual(one.state)
    expect(await other.dispatch('reset')).toMatchObject({ seq: 5 })
    await Promise.all([one.close(), other.close()])
  })

  test('goes on with a copy when its source has grown', async () => {
    const from = await brokerFile('a')
    const url = onPostgres().url('grown')
    const copied = async () => (await ministoreHere('copy', from, url)).stdout
    expect(await copied()).toContain('copied 2 records')
    expect(await copied()).toMatch(/copied 0 records[\s\S]*2 records were there already/)
    const open = await broker.open(from)
    await open.dispatch('addTopic', { name: 'b' })
    expect(await copied()).toMatch(
      /copied 1 record,[\s\S]*2 records were there[\s\S]*last seq of both is 3/,
    )
    await open.close()
  })

  test('makes an empty journal of an empty one', async () => {
    const from = written(journalOf(0))
    expect(
      await ministoreHere('copy', from, onNats().url('empty').replace('#', '?replicas=1#')),
    ).toMatchObject({ status: 0 })
    expect(await onNats().journal('empty').look()).toMatchObject({ store: 'ledger', head: 0 })
  })

  test('refuses what is no copy, names the first record that differs, and changes nothing', async () => {
    const from = written(journalOf(5))
    const url = onPostgres().url('refused')
    expect(await ministoreHere('copy', from, url)).toMatchObject({ status: 0 })
    const before = await recordsOf(onPostgres().journal('refused'), 'ledger')
    // Of the same length, and with another text.
    const other = tempJournal()
    const journal = fileJournal(other)
    await journal.open('ledger')
    const texts = textsOf(await inFile(from)).map((text, index) =>
      index === 2 ? text.replace('note 3', 'NOTE 3') : text,
    )
    await journal.append(
      texts.map((text) => ({ text })),
      0,
    )
    await journal.close()
    const refused = async (source: string, target: string, why: RegExp, status = 1) => {
      expect(await ministoreHere('copy', source, target)).toMatchObject({
        ...{ status, stdout: '', stderr: expect.stringMatching(why) },
      })
    }
    const files = filesBeside(other)
    await refused(other, url, /is no copy of .*: record 3 differs\n.*Nothing was changed/)
    await refused(url, other, /: record 3 differs/)
    await refused(written(journalOf(4)), url, /: record 5 is only in it, and 5 is its last one/)
    await refused(await brokerFile('a'), url, /it is of the store "ledger", not of "broker"/)
    expect(filesBeside(other)).toEqual(files)
    expect(await recordsOf(onPostgres().journal('refused'), 'ledger')).toEqual(before)
    // Of the source, all records are needed, and whole.
    const compacted = await brokerFile('a', 'b')
    const open = await broker.open(compacted)
    await open.compact()
    await open.close()
    const never = onPostgres().url('never')
    await refused(compacted, never, /was compacted to the state at seq 3/, 2)
    const damaged = written(flip(journalOf(5), journalOf(3).length - 30))
    await refused(damaged, never, /does not fit its checksum/)
    await refused(tempJournal(), never, /the journal does not exist/, 2)
    const shared = onPostgres().journal('refused')
    await shared.open('ledger')
    await shared.truncate(2)
    await refused(url, tempJournal(), /was truncated: its records begin with seq 3/, 2)
    await refused(from, url, /was truncated: its records begin with seq 3/, 2)
    // What no file could hold, as another program may have written it.
    for (const [at, text] of ['{"b":7,"at"', '{\n"at"'].entries()) {
      const foreign = onPostgres().journal(`foreign-${at}`)
      await foreign.open('ledger')
      await foreign.append([{ text: texts[0]?.replace('{"at"', text) ?? '' }], 0)
      await foreign.close()
      const what = /record 1 is not written as ministore writes it/
      await refused(onPostgres().url(`foreign-${at}`), tempJournal(), what)
    }
    await shared.close()
    expect(await onPostgres().journal('never').look()).toBeUndefined()
  })

  test('refuses a copy that a store has open', async () => {
    const from = await brokerFile('a')
    const to = tempJournal()
    copyFileSync(from, to)
    const open = await broker.open(from)
    await open.dispatch('reset')
    const busy = await broker.open(to)
    expect(await ministoreHere('copy', from, to)).toMatchObject({
      ...{ status: 1, stderr: expect.stringMatching(/another program writes to it/) },
    })
    await Promise.all([busy.close(), open.close()])
  })

  const COUNT = 6_000

  /** A copy of many records to PostgreSQL, stopped in the middle of them. */
  async function halfWay(name: string): Promise<[string, string, TestProxy, Running]> {
    const from = tempJournal()
    writeLarge(from, COUNT)
    const url = new URL(onPostgres().url(name))
    const proxy = await startProxy(Number(url.port))
    onTestFinished(() => proxy.close())
    url.port = String(proxy.port)
    const copy = start('copy', from, url.href)
    while (proxy.sent < 300_000) await sleep(1)
    proxy.traffic = 'hold'
    // The server finishes what it had received, before anybody else begins.
    let head = -1
    for (let next = 0; next !== head; next = await headOf(name)) {
      head = next
      await sleep(300)
    }
    return [from, onPostgres().url(name), proxy, copy]
  }

  async function headOf(name: string): Promise<number> {
    const journal = onPostgres().journal(name)
    const found = await journal.look()
    await journal.close()
    return found?.head ?? 0
  }

  test('killed with kill -9, there and back, it goes on where it was', async () => {
    const [from, url, , copy] = await halfWay('killed')
    copy.process.kill('SIGKILL')
    await copy.ended
    const head = await headOf('killed')
    expect(head).toBeGreaterThan(0)
    expect(head).toBeLessThan(COUNT)
    const { stdout, status } = await ministoreHere('copy', from, url, '--format', 'json')
    expect(status).toBe(0)
    const { records, present, seq } = JSON.parse(stdout)
    expect(present).toBeGreaterThanOrEqual(head)
    expect([records + present, seq]).toEqual([COUNT, COUNT])

    const to = tempJournal()
    const back = start('copy', url, to)
    const size = () => statSync(to, { throwIfNoEntry: false })?.size ?? 0
    while (size() < 300_000) await sleep(1)
    back.process.kill('SIGKILL')
    expect(await back.ended).toMatchObject({ status: null })
    const done = JSON.parse((await ministoreHere('copy', url, to, '--format', 'json')).stdout)
    expect(done.present).toBeGreaterThan(0)
    expect(done.records + done.present).toBe(COUNT)
    expect(textsOf(await inFile(to))).toEqual(textsOf(await inFile(from)))
  })

  test('ends after Ctrl-C with 130, and goes on where it was', async () => {
    const [from, url, proxy, copy] = await halfWay('interrupted')
    copy.process.kill('SIGINT')
    proxy.traffic = 'pass'
    expect(await copy.ended).toMatchObject({
      ...{ status: 130, stderr: expect.stringMatching(/interrupted: run it again to go on/) },
    })
    expect(await headOf('interrupted')).toBeLessThan(COUNT)
    expect(await ministoreHere('copy', from, url)).toMatchObject({ status: 0, stderr: '' })
    expect(await headOf('interrupted')).toBe(COUNT)
  })

  test('copies up to where its source was when it began, and says so', async () => {
    const [from, , proxy, copy] = await halfWay('growing')
    const source = fileJournal(from)
    await source.open('ledger')
    await source.append([{ text: '{"at":"2026-11-22T12:00:00.000Z","type":"note"}' }], COUNT)
    await source.close()
    proxy.traffic = 'pass'
    expect(await copy.ended).toMatchObject({
      ...{ status: 0, stderr: expect.stringMatching(/has grown since: .* after seq 6000/) },
    })
    expect(await headOf('growing')).toBe(COUNT)
  })

  test('two at once: one is told that somebody else writes, and no record is lost', async () => {
    const [from, url, proxy, copy] = await halfWay('twice')
    expect(await ministoreHere('copy', from, url)).toMatchObject({ status: 0 })
    proxy.traffic = 'pass'
    expect(await copy.ended).toMatchObject({
      ...{ status: 1, stderr: expect.stringMatching(/another program writes to/) },
    })
    const all = await recordsOf(onPostgres().journal('twice'), 'ledger')
    expect(textsOf(all)).toEqual(textsOf(await inFile(from)))
  })
})
