// `meta.at` never decreases within a journal, whatever the clocks show.
import { readFileSync, writeFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { defineStore, memoryJournal } from 'ministore-ts'
import { sharedJournal } from 'ministore-ts/shared'
import { scenarios } from 'ministore-ts/testing'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { tempJournal } from '../file/temp-journal.ts'
import { perfect, Server } from '../shared/simulated-engine.ts'

/** Keeps every time that a guard, a reducer or a command has seen. */
const times = defineStore({
  name: 'times',
  state: { seen: [] as string[] },
  mutations: {
    note: {
      payload: z.object({ at: z.string().optional() }),
      apply: (draft, { at }, meta) => {
        draft.seen.push(meta.at)
        if (at !== undefined && at !== meta.at) throw new Error('the command had another time')
      },
    },
  },
  commands: {
    noteTwice: {
      run(tx) {
        tx.dispatch('note', { at: tx.at })
        tx.dispatch('note', { at: tx.at })
      },
    },
  },
})

const HOUR = 3_600_000
const NOON = Date.parse('2026-11-22T12:00:00.000Z')
const text = (ms: number) => new Date(ms).toISOString()
const at = (ms: number) => ({ now: () => ms })

/** Whether each is at or after the one before it. */
const neverDecreases = (all: readonly string[]) =>
  all.every((time, index) => index === 0 || Date.parse(time) >= Date.parse(all[index - 1] ?? ''))

describe('the time of a record', () => {
  test('never decreases, in dispatches, batches and commands, and is the same on every replay', async () => {
    const step = fc.record({
      jump: fc.integer({ min: -2 * HOUR, max: 2 * HOUR }),
      how: fc.constantFrom('dispatch', 'dispatchAll', 'execute', 'transaction'),
      isAwaited: fc.boolean(),
    })
    const run = async (steps: { jump: number; how: string; isAwaited: boolean }[]) => {
      const clock = { ms: NOON }
      const journal = memoryJournal()
      const store = await times.open(journal, { now: () => clock.ms })
      const receipts: Promise<{ at: string }>[] = []
      for (const { jump, how, isAwaited } of steps) {
        clock.ms += jump
        const note = { type: 'note' as const, payload: {} }
        if (how === 'dispatch') receipts.push(store.dispatch('note', {}))
        else if (how === 'dispatchAll') receipts.push(store.dispatchAll([note, note]))
        else if (how === 'execute') receipts.push(store.execute('noteTwice'))
        else receipts.push(store.transaction((tx) => void tx.dispatch('note', { at: tx.at })))
        if (isAwaited) await receipts.at(-1)
      }
      const received = (await Promise.all(receipts)).map((receipt) => receipt.at)
      expect(neverDecreases(received)).toBe(true)
      expect(neverDecreases(store.state.seen)).toBe(true)
      expect(journal.entries.map((entry) => JSON.parse(entry.text).at)).toEqual(received)
      // It follows the clock wherever the clock is ahead.
      let latest = 0
      let ms = NOON
      const expected = steps.map(({ jump }) => {
        ms += jump
        latest = Math.max(latest, ms)
        return text(latest)
      })
      expect(received).toEqual(expected)
      const texts = journal.entries.map((entry) => entry.text)
      expect((await times.replay(memoryJournal(texts))).state).toEqual(store.state)
      expect(await times.replayCheck(memoryJournal(texts))).toMatchObject({ ok: true })
    }
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), run), {
      numRuns: 40,
    })
  })

  test('never decreases when a journal is opened by a machine whose clock is behind', async () => {
    const path = tempJournal()
    const first = await times.open(path, at(NOON))
    await first.dispatch('note', {})
    await first.close()
    const second = await times.open(path, at(NOON - HOUR))
    expect(await second.dispatch('note', {})).toMatchObject({ at: text(NOON) })
    await second.close()
    const third = await times.open(path, at(NOON + 1))
    expect(await third.dispatch('note', {})).toMatchObject({ at: text(NOON + 1) })
    await third.close()
    expect((await times.replay(path)).state).toEqual(third.state)
  })

  test.each(['snapshot', 'compact'] as const)(
    'never decreases after %s, also if no record follows it',
    async (keep) => {
      const path = tempJournal()
      const first = await times.open(path, at(NOON))
      await first.dispatch('note', {})
      await first[keep]()
      expect(await first.dispatch('note', {})).toMatchObject({ at: text(NOON) })
      await first[keep]()
      await first.close()
      const behind = await times.open(path, at(NOON - HOUR))
      expect(behind.recovery.records).toBe(0)
      expect(await behind.dispatch('note', {})).toMatchObject({ seq: 3, at: text(NOON) })
      await behind[keep]()
      await behind.close()
      // What stands in a file's header is taken over by the next compaction and the next snapshot.
      const again = await times.open(path, at(NOON - 2 * HOUR))
      expect(again.recovery.records).toBe(0)
      expect(await again.dispatch('note', {})).toMatchObject({ seq: 4, at: text(NOON) })
      await again.close()
      expect(again.state.seen).toEqual(Array(4).fill(text(NOON)))
      expect((await times.replay(path)).state).toEqual(again.state)
    },
  )

  test('never decreases between the processes that share a journal, also when one decides again', async () => {
    const server = new Server()
    const behind = await times.open(sharedJournal(server.engine()), at(NOON - HOUR))
    const ahead = await times.open(sharedJournal(server.engine()), at(NOON))
    // `behind` decides before it knows of the record of `ahead`, hears the conflict, and decides again.
    const note = { type: 'note' as const, payload: {} }
    const both = await Promise.all([
      ahead.dispatch('note', {}),
      behind.dispatchAll([note, note]),
      behind.execute('noteTwice'),
    ])
    expect(both.map((receipt) => receipt.seq)).toEqual([1, 2, 3])
    expect(both.map((receipt) => receipt.at)).toEqual(Array(3).fill(text(NOON)))
    await ahead.refresh()
    expect(behind.state).toEqual(ahead.state)
    const recorded = server.entries.map((entry) => entry.text)
    expect((await times.replay(memoryJournal(recorded))).state).toEqual(behind.state)
    await behind.close()
    await ahead.close()
  })

  test('never decreases when a shared journal is opened from a snapshot of this process', async () => {
    const server = new Server()
    const snapshot = tempJournal('times.snapshot')
    const open = (ms: number) =>
      times.open(sharedJournal(server.engine(perfect), { snapshot }), at(ms))
    const first = await open(NOON)
    await first.dispatch('note', {})
    await first.snapshot()
    await first.close()
    const second = await open(NOON - HOUR)
    expect(second.recovery).toMatchObject({ records: 0, snapshot: { used: true, seq: 1 } })
    expect(await second.dispatch('note', {})).toMatchObject({ seq: 2, at: text(NOON) })
    await second.close()
  })

  test('is not that of a record that was never written', async () => {
    const journal = memoryJournal()
    const clock = { ms: NOON + HOUR }
    const store = await times.open(journal, { now: () => clock.ms })
    await store.transaction((tx) => void tx.at)
    clock.ms = NOON
    expect(await store.dispatch('note', {})).toMatchObject({ at: text(NOON) })
  })

  test('goes on from the last record of an older journal, whose times decrease or have nanoseconds', async () => {
    const record = (time: string) => `{"at":"${time}","type":"note","payload":{}}`
    const old = ['2026-11-22T15:00:00.000Z', '2026-11-22T12:00:00.000123456Z'].map(record)
    const journal = memoryJournal(old)
    const store = await times.open(journal, at(NOON))
    expect(await store.dispatch('note', {})).toMatchObject({ at: '2026-11-22T12:00:00.000123456Z' })
    expect(await times.replayCheck(memoryJournal(old))).toMatchObject({ ok: true })
  })

  test('never decreases in the history of a scenario', async () => {
    let ms = NOON
    const { given } = scenarios(times, {
      now: () => {
        ms -= 1
        return ms
      },
    })
    const note = { type: 'note' as const, payload: {} }
    await given([note, note])
      .when('note', {})
      .thenState({ seen: Array(3).fill(text(NOON - 1)) })
  })
})

describe('what an older version wrote, without the time of its last record', () => {
  /** Removes `at` from the first line of a file, and gives that line its checksum again. */
  const withoutTime = (path: string, of: (header: Record<string, unknown>) => object) => {
    const [line = '', ...rest] = readFileSync(path, 'utf8').split('\n')
    const { crc: _, ...header } = JSON.parse(line)
    Reflect.deleteProperty(of(header), 'at')
    const text = JSON.stringify(header).slice(0, -1)
    const sum = crc32(text, crc32(header.journal)).toString(16).padStart(8, '0')
    writeFileSync(path, [`${text},"crc":"${sum}"}`, ...rest].join('\n'))
  }

  test('is a compacted journal that opens, with the clock as its only time', async () => {
    const path = tempJournal()
    const first = await times.open(path, at(NOON))
    await first.dispatch('note', {})
    await first.compact()
    await first.close()
    withoutTime(path, ({ base }) => base as object)
    const again = await times.open(path, at(NOON - HOUR))
    expect(again.state).toEqual(first.state)
    expect(await again.dispatch('note', {})).toMatchObject({ seq: 2, at: text(NOON - HOUR) })
    await again.close()
  })

  test('is a snapshot that is not used', async () => {
    const path = tempJournal()
    const first = await times.open(path, at(NOON))
    await first.dispatch('note', {})
    await first.snapshot()
    await first.close()
    withoutTime(`${path}.snapshot`, (header) => header)
    const again = await times.open(path, at(NOON - HOUR))
    expect(again.recovery).toMatchObject({ records: 1, snapshot: { used: false } })
    expect(await again.dispatch('note', {})).toMatchObject({ seq: 2, at: text(NOON) })
    await again.close()
  })
})

test.each<[string, unknown]>([
  ['no number', Number.NaN],
  ['null', null],
  ['a text', '5'],
  ['beyond the year 9999', 8.64e15],
])('a clock that gives %s is told by its option, and nothing is written', async (_, given) => {
  const journal = memoryJournal()
  const clock = { time: given as number }
  const store = await times.open(journal, { now: () => clock.time })
  const told = { name: 'TypeError', message: expect.stringMatching(/^now: must return/) }
  await expect(store.dispatch('note', {})).rejects.toMatchObject(told)
  expect(journal.entries).toEqual([])
  clock.time = NOON
  expect(await store.dispatch('note', {})).toMatchObject({ seq: 1, at: text(NOON) })
})
