// What platforms get for which the native addon has no build (Alpine, 32-bit ARM, RISC-V, FreeBSD).
// `node --no-addons` refuses to load it, and an empty PATH has no flock(1).
import { existsSync, linkSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ledger } from './ledger.ts'
import { contend, start } from './processes.ts'
import { tempJournal } from './temp-journal.ts'

const WITH_ADDON = {}
const WITH_FLOCK = { node: ['--no-addons'] }
const WITH_NEITHER = { node: ['--no-addons'], env: { PATH: '/nonexistent' } }
const KINDS = { 'flock(1)': WITH_FLOCK, 'the process table': WITH_NEITHER }

describe.each(Object.entries(KINDS))('without the addon, by %s', (_, options) => {
  test('a second writer is refused by name, and gets in once the first has closed', async () => {
    const path = tempJournal()
    const holder = start('hold', path, options)
    expect(await holder.next()).toEqual({ seq: 0 })
    const refused = await start('dispatch', path, options).next()
    expect(refused).toMatchObject({ code: 'locked' })
    expect(refused?.['message']).toContain(`process ${holder.process.pid} on ${hostname()}`)
    holder.process.stdin?.end()
    expect(await holder.ended).toBe(0)
    const next = start('dispatch', path, options)
    expect(await next.next()).toMatchObject({ seq: 1 })
    expect(await next.ended).toBe(0)
    expect(existsSync(`${path}.lock.d`)).toBe(false)
  })

  test('the journal of a process that was killed opens at once', async () => {
    const path = tempJournal()
    const holder = start('hold', path, options)
    await holder.next()
    holder.process.kill('SIGKILL')
    await holder.ended
    expect(await start('dispatch', path, options).next()).toMatchObject({ seq: 1 })
  })

  test('a writer with the addon and one without refuse each other', async () => {
    const path = tempJournal()
    const holder = start('hold', path, options)
    await holder.next()
    const error = await ledger.open(path).catch((reason) => reason)
    expect(error).toMatchObject({ code: 'locked' })
    expect(error.message).toContain(`process ${holder.process.pid} on`)
    holder.process.kill('SIGKILL')
    await holder.ended
    const store = await ledger.open(path)
    const refused = await start('dispatch', path, options).next()
    expect(refused).toMatchObject({ code: 'locked' })
    expect(refused?.['message']).toContain(`process ${process.pid} on`)
    await store.close()
    expect(await start('dispatch', path, options).next()).toMatchObject({ seq: 1 })
  })

  test('one without opens after one with the addon was killed', async () => {
    const path = tempJournal()
    const holder = start('hold', path, WITH_ADDON)
    await holder.next()
    holder.process.kill('SIGKILL')
    await holder.ended
    expect(await start('dispatch', path, options).next()).toMatchObject({ seq: 1 })
  })

  test('a worker thread that was terminated no longer holds the journal', async () => {
    expect(await start('terminated', tempJournal(), options).next()).toEqual({ seq: 0 })
  })
})

describe.skipIf(process.platform !== 'linux')(
  'under another name, which has another lock file',
  () => {
    test.each([
      ['the addon', 'flock(1)', WITH_ADDON, WITH_FLOCK],
      ['flock(1)', 'the addon', WITH_FLOCK, WITH_ADDON],
      ['flock(1)', 'flock(1)', WITH_FLOCK, WITH_FLOCK],
      ['the addon', 'the process table', WITH_ADDON, WITH_NEITHER],
      ['flock(1)', 'the process table', WITH_FLOCK, WITH_NEITHER],
    ])('a writer with %s keeps out one with %s', async (_, __, first, second) => {
      const path = tempJournal()
      const other = `${path}.other`
      await (await ledger.open(path)).close()
      linkSync(path, other)
      const holder = start('hold', path, first)
      expect(await holder.next()).toEqual({ seq: 0 })
      expect(await start('dispatch', other, second).next()).toMatchObject({ code: 'locked' })
      holder.process.kill('SIGKILL')
      await holder.ended
      expect(await start('dispatch', other, second).next()).toMatchObject({ seq: 1 })
    })
  },
)

test('of many processes that take, hold and die with the lock, never two hold it', async () => {
  const path = tempJournal()
  const kinds = [WITH_ADDON, WITH_FLOCK, WITH_NEITHER]
  const children = kinds.flatMap((kind) => [contend(path, 15, kind), contend(path, 15, kind)])
  const ends = await Promise.all(children.map(({ ended }) => ended))
  for (const end of ends) expect([0, 'SIGKILL']).toContain(end)
})

describe.skipIf(process.platform !== 'linux')('a claim that a process left', () => {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  const namespace = readlinkSync('/proc/self/ns/pid')
  // This process, which runs.
  const stat = readFileSync('/proc/self/stat', 'latin1')
  const start22 = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  const me = {
    ...{ pid: process.pid, host: hostname(), since: '2026-11-22T12:00:00.000Z' },
    ...{ start: start22, boot, namespace, by: 'pid' },
  }
  const leave = (path: string, claim: object | string): string => {
    mkdirSync(`${path}.lock.d`)
    const file = join(`${path}.lock.d`, '0mx3pc4s5-32619e6a1781')
    writeFileSync(file, typeof claim === 'string' ? claim : `${JSON.stringify(claim)}\n`)
    return file
  }

  test.each([
    ['whose pid another process has by now', { ...me, start: '1' }],
    ['whose pid no process has', { ...me, pid: 2 ** 22 + 1 }],
    ['before this machine was started again', { ...me, boot: 'an earlier one' }],
    ['by a lock that the kernel has released', { ...me, by: 'flock' }],
  ])('%s is ignored and deleted', async (_, claim) => {
    const path = tempJournal()
    const file = leave(path, claim)
    await (await ledger.open(path)).close()
    expect(existsSync(file)).toBe(false)
  })

  test.each([
    ['in another container', { ...me, namespace: 'pid:[1]' }],
    ['on another host', { ...me, boot: 'of that host', host: 'elsewhere' }],
    ['with a text that nobody can read', '{"pid":1,'],
  ])('%s is obeyed, and the message says which file to delete', async (_, claim) => {
    const path = tempJournal()
    const file = leave(path, claim)
    const error = await ledger.open(path).catch((reason) => reason)
    expect(error).toMatchObject({ code: 'locked' })
    expect(error.message).toContain(`If it has ended, delete ${file}`)
    const refused = await start('dispatch', path, WITH_NEITHER).next()
    expect(refused?.['message']).toContain(`If it has ended, delete ${file}`)
  })
})
