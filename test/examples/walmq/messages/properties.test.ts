// Whatever happens in whatever order: against a list that does the same, and under power cuts.
import { dirname } from 'node:path'
import * as fc from 'fast-check'
import {
  type Fault,
  type Random,
  random,
  type SimulatedDisk,
  simulatedDisk,
} from 'ministore-ts/testing'
import { expect, test, vi } from 'vitest'
import type { Disk } from '../../../../examples/walmq/messages/disk.ts'
import { openPartition } from '../../../../examples/walmq/messages/partition.ts'
import type { Partition } from '../../../../examples/walmq/messages/types.ts'
import { tempDirectory, textsOf } from './temp-partition.ts'

vi.setConfig({ testTimeout: 120_000 })

const body = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.integer({ min: 0, max: 100_000 }).map((size) => new Uint8Array(size)),
)
const key = fc.option(fc.string({ maxLength: 5, unit: 'grapheme' }), { nil: undefined })
const append = fc.record({
  what: fc.constant('append' as const),
  messages: fc.array(fc.record({ key, body }), { maxLength: 4 }),
})
const reopen = fc.record({ what: fc.constant('reopen' as const) })
const trim = fc.record({
  what: fc.constant('trim' as const),
  part: fc.double({ min: 0, max: 1, noNaN: true }),
})
const read = fc.record({
  what: fc.constant('read' as const),
  part: fc.double({ min: 0, max: 1, noNaN: true }),
  messages: fc.integer({ min: 1, max: 10 }),
})
const step = fc.oneof(
  { weight: 5, arbitrary: append },
  { weight: 1, arbitrary: reopen },
  { weight: 1, arbitrary: trim },
  { weight: 2, arbitrary: read },
)

test.each([undefined, Buffer.alloc(32, 1)])(
  'a partition is a list that forgets its begin (encryption key: %s)',
  async (encryptionKey) => {
    const run = async (
      steps: readonly (typeof step extends fc.Arbitrary<infer S> ? S : never)[],
      segmentBytes: number,
    ) => {
      const directory = tempDirectory()
      const list: { key: string | undefined; body: string }[] = []
      let logStart = 0
      const options = () => ({ segmentBytes, encryptionKey, logStart })
      let partition = await openPartition(directory, options())
      const within = (part: number) =>
        partition.start + Math.floor(part * (partition.end - partition.start))
      const expectRead = async (from: number, messages: number) => {
        const found = await partition.read(from, { messages, bytes: 2 ** 30 })
        expect(
          found.map(({ offset, key, body }) => ({ offset, key, body: body.toString('latin1') })),
        ).toEqual(
          list
            .slice(from, from + messages)
            .map((each, index) => ({ offset: from + index, ...each })),
        )
      }
      for (const each of steps) {
        if (each.what === 'append') {
          expect(await partition.append(each.messages)).toBe(list.length)
          for (const { key, body } of each.messages)
            list.push({ key, body: Buffer.from(body).toString('latin1') })
        } else if (each.what === 'reopen') {
          await partition.close()
          partition = await openPartition(directory, options())
          expect(partition.repairs).toEqual([])
        } else if (each.what === 'trim') {
          logStart = within(each.part)
          await partition.trim(logStart)
        } else await expectRead(within(each.part), each.messages)
        expect(partition).toMatchObject({ start: logStart, end: list.length })
      }
      await expectRead(partition.start, list.length + 1)
      await partition.close()
    }
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 20 }),
        fc.constantFrom(1, 100, 5000, 200_000),
        run,
      ),
      { numRuns: 60 },
    )
  },
)

const DIRECTORY = '/topics/1-logs/p0'

const withListing = (disk: SimulatedDisk): Disk => ({
  ...disk,
  list: (directory) =>
    disk
      .paths()
      .filter((path) => dirname(path) === directory)
      .map((path) => path.slice(directory.length + 1)),
})

/** Most of the time a disk does something else: `aim` gets the number of each sync behind a write. */
function aimAtSyncs(disk: SimulatedDisk, aim: (operation: number) => void): Disk {
  const open: Disk['open'] = async (path, flags) => {
    const file = await disk.open(path, flags)
    return {
      ...file,
      datasync() {
        aim(disk.operations)
        return file.datasync()
      },
    }
  }
  return { ...withListing(disk), open }
}

interface Life {
  /** The appends that were acknowledged, in order of their offsets. */
  readonly acknowledged: Map<number, readonly string[]>
  /** All that were asked for: each at most once. */
  readonly asked: (readonly string[])[]
  logStart: number
}

/** Appends, alone and together, and trims, until the disk's process ends. */
async function live(life: Life, partition: Partition, numbers: Random): Promise<void> {
  for (let round = 0; round < 6; round++) {
    const appends = Array.from({ length: 1 + numbers.below(4) }, async () => {
      const texts = Array.from({ length: 1 + numbers.below(3) }, (_, part) =>
        `${life.asked.length}/${part} `.padEnd(numbers.below(2) * 1500 + numbers.below(300), '.'),
      )
      life.asked.push(texts)
      const offset = await partition.append(texts.map((text) => ({ body: Buffer.from(text) })))
      life.acknowledged.set(offset, texts)
    })
    await Promise.allSettled(appends)
    if (numbers.below(4) > 0) continue
    // The metadata knows it first.
    life.logStart = partition.start + numbers.below(partition.end - partition.start + 1)
    await partition.trim(life.logStart).catch(() => undefined)
  }
  await partition.close()
}

/** Everything acknowledged is there at its offset; every append is whole, or absent, and there once. */
async function expectPromises(life: Life, partition: Partition): Promise<void> {
  expect(partition.start).toBe(life.logStart)
  const texts = await textsOf(partition)
  const at = (offset: number) => texts[offset - partition.start]
  for (const [offset, expected] of life.acknowledged) {
    for (const [part, text] of expected.entries())
      if (offset + part >= partition.start) expect(at(offset + part)).toBe(text)
  }
  for (const expected of life.asked) {
    const found = expected.filter((text) => texts.includes(text)).length
    // Perhaps only its begin was trimmed away.
    const isTrimmed = found > 0 && texts[found - 1] === expected.at(-1)
    if (!isTrimmed) expect([0, expected.length]).toContain(found)
  }
  expect(new Set(texts).size).toBe(texts.length)
}

test.each(['kill', 'power cut', 'error, then a kill', 'error, then a power cut'] as const)(
  'a partition opens after a %s at any operation, with all that was acknowledged',
  async (how) => {
    const cause = how.endsWith('kill') ? 'kill' : 'power cut'
    const tally = { lives: 0, acknowledged: 0, asked: 0, repairs: 0 }
    for (let seed = 1; seed <= 120; seed++) {
      const numbers = random(seed)
      const life: Life = { acknowledged: new Map(), asked: [], logStart: 0 }
      let disk = simulatedDisk({ seed })
      for (let crash = 0; crash < 3; crash++) {
        // The first comes while the partition is made, or soon after.
        const last = disk.operations + numbers.below(crash === 0 ? 30 : 200)
        const faults = new Map<number, Fault>([[last, cause]])
        disk = disk.restart({ faults })
        const aimed = aimAtSyncs(disk, (operation) => {
          if (numbers.below(8) > 0) return
          if (how.startsWith('error')) faults.set(operation, { errno: 'EIO' })
          faults.set(operation + (how.startsWith('error') ? 1 + numbers.below(3) : 0), cause)
        })
        const options = () => ({
          disk: withListing(disk),
          segmentBytes: 3000,
          logStart: life.logStart,
        })
        const living = openPartition(DIRECTORY, { ...options(), disk: aimed }).then(
          (partition) => live(life, partition, numbers),
          (error) => expect(error).toMatchObject({ code: 'storage' }),
        )
        await Promise.race([living, disk.ended])
        disk.end(cause)
        disk = disk.restart()
        const partition = await openPartition(DIRECTORY, options())
        tally.lives += 1
        tally.repairs += partition.repairs.length
        await expectPromises(life, partition)
        const shown = await textsOf(partition)
        disk.end('power cut')
        disk = disk.restart()
        const again = await openPartition(DIRECTORY, options())
        expect(again.repairs).toEqual([])
        expect(await textsOf(again)).toEqual(shown)
      }
      tally.acknowledged += life.acknowledged.size
      tally.asked += life.asked.length
    }
    console.log(`${how}:`, JSON.stringify(tally))
    expect(tally.acknowledged).toBeGreaterThan(500)
    expect(tally.asked).toBeGreaterThan(tally.acknowledged)
    if (cause === 'power cut') expect(tally.repairs).toBeGreaterThan(10)
  },
)
