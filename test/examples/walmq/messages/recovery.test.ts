// What opening makes of files that a crash or somebody else left.
import {
  appendFileSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { describe, expect, test, vi } from 'vitest'
import { encodeFrame } from '../../../../examples/walmq/messages/frame.ts'
import {
  copyOf,
  filesIn,
  lastPath,
  message,
  open,
  refusal,
  tempDirectory,
  textsOf,
  visit,
  watchedDisk,
} from './temp-partition.ts'

// Thousands of openings, each with its syncs.
vi.setConfig({ testTimeout: 120_000 })

/** One append after the other; where each of them begins, and the end, in bytes. */
async function written(texts: readonly string[]): Promise<{ directory: string; at: number[] }> {
  const directory = tempDirectory()
  const partition = await open(directory)
  const at = [0]
  for (const [index, text] of texts.entries()) {
    await partition.append([message(text, index % 2 === 0 ? undefined : `key ${index}`)])
    at.push(partition.bytes)
  }
  await partition.close()
  return { directory, at }
}

const TEXTS = ['first', '', 'the third', 'x'.repeat(40), 'the last one']
const BEFORE_LAST = TEXTS.slice(0, -1)

/** What is there, and that it goes on: with another append, and after another opening. */
async function expectGoingOn(directory: string, texts: readonly string[]): Promise<void> {
  await visit(directory, async (partition) => {
    expect(await textsOf(partition)).toEqual(texts)
    expect(await partition.append([message('next')])).toBe(texts.length)
  })
  await visit(directory, async (partition) => {
    expect(partition.repairs).toEqual([])
    expect(await textsOf(partition)).toEqual([...texts, 'next'])
  })
}

describe('W6: a tail that is cut off anywhere in the last message', () => {
  test('at every byte: all before it is there, and appending goes on', async () => {
    const { directory, at } = await written(TEXTS)
    const [begin = 0, end = 0] = at.slice(-2)
    expect(end - begin).toBeGreaterThan(30)
    for (let size = begin; size < end; size++) {
      const copy = copyOf(directory)
      const path = lastPath(copy)
      truncateSync(path, size)
      await visit(copy, async (partition) => {
        const repair = { path, offset: begin, bytes: size - begin }
        expect(partition.repairs).toEqual(size === begin ? [] : [repair])
        expect(statSync(path).size).toBe(begin)
      })
      await expectGoingOn(copy, BEFORE_LAST)
    }
  })

  test('of an append of several messages: none of them is there', async () => {
    const { directory, at } = await written(['alone'])
    await visit(directory, (partition) => partition.append(['a', 'b', 'c'].map((a) => message(a))))
    const [, begin = 0] = at
    for (let size = begin; size < statSync(lastPath(directory)).size; size++) {
      const copy = copyOf(directory)
      truncateSync(lastPath(copy), size)
      await expectGoingOn(copy, ['alone'])
    }
  })

  test('of several appends that shared a write: those that are whole are there', async () => {
    const directory = tempDirectory()
    await visit(directory, (partition) =>
      Promise.all(['a', 'b', 'c'].map((text) => partition.append([message(text)]))),
    )
    const size = statSync(lastPath(directory)).size / 3
    truncateSync(lastPath(directory), size * 3 - 1)
    await expectGoingOn(directory, ['a', 'b'])
  })

  test('is cut off and synced before anything is shown', async () => {
    const { directory } = await written(TEXTS)
    truncateSync(lastPath(directory), statSync(lastPath(directory)).size - 1)
    const watched = watchedDisk()
    await open(directory, { disk: watched.disk })
    const operations = watched.calls
      .filter(({ path }) => path === lastPath(directory))
      .map(({ operation }) => operation)
    expect(operations.indexOf('truncate')).toBeLessThan(operations.indexOf('sync'))
    expect(operations).not.toContain('datasync')
  })
})

describe('W7: a zero-filled tail', () => {
  const LENGTHS = [1, 2, 3, 4, 5, 19, 20, 21, 511, 512, 4096, 65_535, 65_536, 65_537, 3_000_000]

  test.each(LENGTHS)('of %d bytes behind whole messages is cut off', async (length) => {
    const { directory, at } = await written(TEXTS)
    appendFileSync(lastPath(directory), Buffer.alloc(length))
    await visit(directory, async ({ repairs }) => {
      expect(repairs).toEqual([{ path: lastPath(directory), offset: at.at(-1), bytes: length }])
    })
    await expectGoingOn(directory, TEXTS)
  })

  test.each(LENGTHS)('of %d bytes behind half a message is cut off with it', async (length) => {
    const { directory, at } = await written(TEXTS)
    const begin = at.at(-2) ?? 0
    for (const half of [1, 4, 5, 12, 25]) {
      const copy = copyOf(directory)
      truncateSync(lastPath(copy), begin + half)
      appendFileSync(lastPath(copy), Buffer.alloc(length))
      await expectGoingOn(copy, BEFORE_LAST)
    }
  })

  test('that is all there is leaves an empty segment', async () => {
    const { directory } = await written([])
    writeFileSync(lastPath(directory), Buffer.alloc(10_000))
    await expectGoingOn(directory, [])
  })
})

describe('W8: a changed byte', () => {
  test.each([0x01, 0x80])(
    'anywhere (by %d) is refused, and the file stays; in the last message it is cut off',
    async (mask) => {
      const { directory, at } = await written(TEXTS)
      const bytes = readFileSync(lastPath(directory))
      const begin = at.at(-2) ?? 0
      for (let changed = 0; changed < bytes.length; changed++) {
        const copy = copyOf(directory)
        const damagedBytes = Buffer.from(bytes)
        damagedBytes.writeUInt8((bytes[changed] ?? 0) ^ mask, changed)
        writeFileSync(lastPath(copy), damagedBytes)
        if (changed >= begin) {
          await expectGoingOn(copy, BEFORE_LAST)
          continue
        }
        const error = await refusal(open(copy))
        const offset = at.findLast((each) => each <= changed)
        const path = lastPath(copy)
        expect(error, `byte ${changed}`).toMatchObject({
          code: 'corrupt',
          path,
          details: { offset },
        })
        expect(readFileSync(path)).toEqual(damagedBytes)
      }
    },
  )

  test('in messages that shared a write is refused, too', async () => {
    const directory = tempDirectory()
    await visit(directory, (partition) =>
      Promise.all(TEXTS.map((text) => partition.append([message(text)]))),
    )
    const bytes = readFileSync(lastPath(directory))
    for (let changed = 0; changed < bytes.length - 40; changed++) {
      const damagedBytes = Buffer.from(bytes)
      damagedBytes.writeUInt8((bytes[changed] ?? 0) ^ 0x10, changed)
      writeFileSync(lastPath(directory), damagedBytes)
      expect((await refusal(open(directory))).code, `byte ${changed}`).toBe('corrupt')
      expect(readFileSync(lastPath(directory))).toEqual(damagedBytes)
    }
  })

  test('anywhere in a closed segment is refused, and so is a closed segment that was cut', async () => {
    const directory = tempDirectory()
    const partition = await open(directory, { segmentBytes: 30 })
    for (const text of TEXTS) await partition.append([message(text)])
    const closed = partition.segments().filter(({ isClosed }) => isClosed)
    await partition.close()
    expect(closed.length).toBeGreaterThan(1)
    for (const { path } of closed) {
      const bytes = readFileSync(path)
      for (let changed = 0; changed < bytes.length; changed++) {
        const damagedBytes = Buffer.from(bytes)
        damagedBytes.writeUInt8((bytes[changed] ?? 0) ^ 0x04, changed)
        for (const wrong of [damagedBytes, bytes.subarray(0, changed)]) {
          writeFileSync(path, wrong)
          const before = filesIn(directory)
          expect((await refusal(open(directory))).code, `byte ${changed}`).toBe('corrupt')
          expect(filesIn(directory)).toEqual(before)
        }
      }
      writeFileSync(path, bytes)
    }
    expect(await textsOf(await open(directory))).toEqual(TEXTS)
  })

  test('in a body, far before the end of a large file, is refused', async () => {
    const directory = tempDirectory()
    await visit(directory, async (partition) => {
      for (let index = 0; index < 30; index++)
        await partition.append([message(`${index}`.repeat(20_000))])
    })
    const bytes = readFileSync(lastPath(directory))
    bytes.writeUInt8(0, 100_000)
    writeFileSync(lastPath(directory), bytes)
    expect((await refusal(open(directory))).code).toBe('corrupt')
  })

  test('anywhere in the file that says who the partition is, is refused', async () => {
    const { directory } = await written(TEXTS)
    const path = join(directory, 'partition')
    const bytes = readFileSync(path)
    for (let changed = 0; changed < bytes.length; changed++) {
      const damagedBytes = Buffer.from(bytes)
      damagedBytes.writeUInt8((bytes[changed] ?? 0) ^ 0x02, changed)
      writeFileSync(path, damagedBytes)
      const before = filesIn(directory)
      expect((await refusal(open(directory))).code, `byte ${changed}`).toBe('corrupt')
      expect(filesIn(directory)).toEqual(before)
    }
  })
})

describe('what was written with a power cut in between', () => {
  /** Three appends of 1,000 bytes that shared a write, behind one that was durable before. */
  async function shared(): Promise<{ directory: string; bytes: Buffer }> {
    const directory = tempDirectory()
    await visit(directory, async (partition) => {
      await partition.append([message('durable')])
      const texts = ['a', 'b', 'c'].map((text) => text.repeat(1000))
      await Promise.all(texts.map((text) => partition.append([message(text)])))
    })
    return { directory, bytes: readFileSync(lastPath(directory)) }
  }

  test('may lack a sector with whole messages of the same write behind it: all behind it is cut off', async () => {
    const { directory, bytes } = await shared()
    writeFileSync(lastPath(directory), bytes.fill(0, 512, 1024))
    await expectGoingOn(directory, ['durable'])
  })

  test('is refused where less than a sector is lost, or a message of a later write is there', async () => {
    const { directory, bytes } = await shared()
    const lost = Buffer.from(bytes).fill(0, 512, 1024)
    writeFileSync(lastPath(directory), Buffer.from(bytes).fill(0, 513, 1024))
    expect((await refusal(open(directory))).code).toBe('corrupt')
    writeFileSync(lastPath(directory), bytes)
    await visit(directory, (partition) => partition.append([message('later')]))
    const later = readFileSync(lastPath(directory)).subarray(bytes.length)
    writeFileSync(lastPath(directory), Buffer.concat([lost, later]))
    expect((await refusal(open(directory))).code).toBe('corrupt')
  })
})

describe('bytes that are no messages of this partition', () => {
  test('in a torn message whose body holds messages of another partition: it is cut off', async () => {
    const foreign = await written(TEXTS)
    const body = readFileSync(lastPath(foreign.directory))
    const { directory } = await written(TEXTS)
    await visit(directory, (partition) => partition.append([{ body }]))
    truncateSync(lastPath(directory), statSync(lastPath(directory)).size - 1)
    await expectGoingOn(directory, TEXTS)
  })

  test('a segment of another partition is never shown', async () => {
    const foreign = await written(TEXTS)
    const { directory } = await written(TEXTS)
    renameSync(lastPath(foreign.directory), lastPath(directory))
    await visit(directory, async (partition) => expect(await textsOf(partition)).toEqual([]))
  })

  test('a message of a later version is refused, not cut off', async () => {
    const { directory } = await written(TEXTS)
    const flags = { isEncrypted: false, isJoined: false, goesOn: false }
    const frame = encodeFrame({ ts: 1, key: undefined, body: Buffer.from('x'), ...flags }, 0)
    const seed = crc32(readFileSync(join(directory, 'partition')).toString('latin1', 20, 56))
    for (const [at, value] of [
      [4, 2],
      [5, 16],
    ] as const) {
      const later = Buffer.from(frame)
      later.writeUInt8(value, at)
      later.writeUInt32LE(crc32(later.subarray(10), crc32(later.subarray(4, 6), seed)), 6)
      const copy = copyOf(directory)
      appendFileSync(lastPath(copy), later)
      const before = filesIn(copy)
      expect((await refusal(open(copy))).message).toContain('is not known here')
      expect(filesIn(copy)).toEqual(before)
    }
  })

  test('files with other names are left alone', async () => {
    const { directory } = await written(TEXTS)
    writeFileSync(join(directory, 'notes.txt'), 'mine')
    writeFileSync(join(directory, '1.wal'), 'mine')
    await expectGoingOn(directory, TEXTS)
    expect(filesIn(directory)).toMatchObject({ 'notes.txt': 'mine', '1.wal': 'mine' })
  })
})

describe('a crash while a partition is made', () => {
  test('leaves nothing, or half a file that is made anew', async () => {
    const { directory } = await written([])
    unlinkSync(lastPath(directory))
    renameSync(join(directory, 'partition'), join(directory, 'partition.new'))
    truncateSync(join(directory, 'partition.new'), 10)
    await expectGoingOn(directory, [])
    unlinkSync(lastPath(directory))
    await expectGoingOn(directory, [])
  })

  test('does not explain segments without the file that says how to read them', async () => {
    const { directory } = await written(TEXTS)
    unlinkSync(join(directory, 'partition'))
    const before = filesIn(directory)
    expect((await refusal(open(directory))).code).toBe('corrupt')
    expect(filesIn(directory)).toEqual(before)
  })
})
