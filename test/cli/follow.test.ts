import { appendFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { tempJournal } from '../file/temp-journal.ts'
import { journalOf, note } from '../format/forge.ts'
import { broker } from '../store/broker.ts'
import { start } from './run.ts'

describe('ministore log --follow', () => {
  test('prints what a store appends while it has the journal, until Ctrl-C', async () => {
    const live = tempJournal()
    const store = await broker.open(live)
    for (const name of ['a', 'b', 'c']) await store.dispatch('addTopic', { name })
    const log = start(
      'log',
      live,
      '--follow',
      '--last',
      '2',
      '--format',
      'json',
      '--type',
      'addTopic',
    )
    const next = async () => JSON.parse((await log.next()) ?? 'null')
    expect(await next()).toMatchObject({ seq: 2, payload: { name: 'b' } })
    expect(await next()).toMatchObject({ seq: 3, payload: { name: 'c' } })
    await store.dispatch('reset')
    await Promise.all(['d', 'e'].map((name) => store.dispatch('addTopic', { name })))
    expect(await next()).toMatchObject({ seq: 5, payload: { name: 'd' } })
    expect(await next()).toMatchObject({ seq: 6, payload: { name: 'e' } })
    log.process.kill('SIGINT')
    expect(await log.ended).toEqual({ status: 130, stderr: '' })
    await store.close()
  })

  test('waits for the end of a line, and ends after --limit records', async () => {
    const live = tempJournal()
    writeFileSync(live, journalOf(1).subarray(0, -1))
    const log = start('log', live, '--follow', '--limit', '3')
    appendFileSync(live, '\n')
    expect(await log.next()).toContain('"note 1"')
    // Whatever part of it is there when it looks, it shows each record once, and whole.
    for (const byte of Buffer.concat([note(2), note(3)])) {
      appendFileSync(live, Buffer.from([byte]))
      await new Promise(setImmediate)
    }
    expect(await log.next()).toContain('"note 2"')
    expect(await log.next()).toContain('"note 3"')
    expect(await log.ended).toEqual({ status: 0, stderr: '' })
  })

  test.each<[string, (live: string) => void, RegExp]>([
    ['replaced', (live) => renameSync(`${live}.new`, live), /was removed or replaced/],
    ['cut', (live) => truncateSync(live, journalOf(1).length), /was cut off before .* record 2/],
    [
      'cut and written again',
      (live) => writeFileSync(live, Buffer.concat([journalOf(1), note(2, 'NOTE 2'), note(3)])),
      /was cut off before the end of record 2, which was shown/,
    ],
  ])('says that the journal was %s, and exits with 1', async (_, change, message) => {
    const live = tempJournal()
    writeFileSync(live, journalOf(2))
    writeFileSync(`${live}.new`, journalOf(3))
    const log = start('log', live, '--follow')
    expect(await log.next()).toContain('"note 1"')
    expect(await log.next()).toContain('"note 2"')
    change(live)
    expect(await log.next()).toBeUndefined()
    const { status, stderr } = await log.ended
    expect(stderr).toMatch(message)
    expect(status).toBe(1)
  })
})
