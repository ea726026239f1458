// What a partition does while nothing goes wrong.
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  filesIn,
  lastPath,
  message,
  open,
  refusal,
  segmentNames,
  tempDirectory,
  textsOf,
  visit,
  watchedDisk,
} from './temp-partition.ts'

/** Comparing a MiB takes vitest seconds. */
const brief = <M extends { readonly body: Buffer }>({ body, ...others }: M) => ({
  ...others,
  body: `${body.length} bytes, ${createHash('sha256').update(body).digest('hex')}`,
})

describe('what is appended', () => {
  const SIZES = [0, 1, 2, 255, 256, 4095, 65_535, 65_536, 65_537, 2 ** 20 - 10, 2 ** 20]

  test.each([undefined, Buffer.alloc(32, 7)])(
    'is read as it was, from 0 B to 1 MiB, now and after reopening (encryption key: %s)',
    async (encryptionKey) => {
      const directory = tempDirectory()
      const partition = await open(directory, { encryptionKey, now: () => 1234.5 })
      const keys = [undefined, '', 'k', 'ключ 🔑', 'a\0b']
      const messages = SIZES.map((size, index) => ({
        key: size < 2 ** 19 ? keys[index % keys.length] : undefined,
        body: randomBytes(size),
      }))
      for (const [index, each] of messages.entries())
        expect(await partition.append([each])).toBe(index)
      const expected = messages.map((each, offset) => ({ offset, ts: 1234, ...brief(each) }))
      const all = { bytes: 2 ** 30 }
      expect((await partition.read(0, all)).map(brief)).toEqual(expected)
      await partition.close()
      await visit(
        directory,
        async (again) => {
          expect(again).toMatchObject({ start: 0, end: SIZES.length, repairs: [] })
          expect((await again.read(0, all)).map(brief)).toEqual(expected)
          for (const each of expected)
            expect((await again.read(each.offset, { messages: 1 })).map(brief)).toEqual([each])
        },
        { encryptionKey },
      )
    },
  )

  test('is taken as it was at the call, also where the caller uses its buffer again', async () => {
    const partition = await open(tempDirectory())
    const body = Buffer.from('first')
    const appended = [partition.append([{ body }]), partition.append([{ body }])]
    body.write('xxxxx')
    await Promise.all(appended)
    expect(await textsOf(partition)).toEqual(['first', 'first'])
  })

  test('of no messages changes nothing', async () => {
    const partition = await open(tempDirectory())
    await partition.append([message('a')])
    expect(await partition.append([])).toBe(1)
    expect(partition.end).toBe(1)
  })

  test('is refused where key and body are over the limit, all of that append', async () => {
    const partition = await open(tempDirectory(), { maxMessageBytes: 10 })
    await partition.append([message('x'.repeat(10)), message('x'.repeat(7), 'key')])
    const over = partition.append([message('small'), message('x'.repeat(8), 'key')])
    expect(await refusal(over)).toMatchObject({
      code: 'too_large',
      details: { bytes: 11, limit: 10 },
    })
    expect(partition.end).toBe(2)
  })

  test('has a key of at most 65,535 bytes', async () => {
    const partition = await open(tempDirectory())
    await partition.append([message('', 'k'.repeat(65_535))])
    expect((await partition.read(0))[0]?.key).toHaveLength(65_535)
    const over = partition.append([message('', 'k'.repeat(65_536))])
    expect((await refusal(over)).code).toBe('too_large')
    expect((await refusal(partition.append([message('', '\ud800')]))).code).toBe('invalid')
  })

  test('before a lower limit was set is still read', async () => {
    const directory = tempDirectory()
    await visit(directory, (partition) => partition.append([message('x'.repeat(1000))]))
    const partition = await open(directory, { maxMessageBytes: 10 })
    expect(await textsOf(partition)).toEqual(['x'.repeat(1000)])
  })
})

describe('group commit', () => {
  test('100 appends at the same time take one sync, and keep their order', async () => {
    const watched = watchedDisk()
    const partition = await open(tempDirectory(), { disk: watched.disk })
    watched.calls.length = 0
    const texts = Array.from({ length: 100 }, (_, index) => `${index}`)
    const offsets = await Promise.all(texts.map((text) => partition.append([message(text)])))
    expect(offsets).toEqual([...texts.keys()])
    expect(watched.count('datasync')).toBe(1)
    expect(watched.count('write')).toBe(1)
    expect(await textsOf(partition)).toEqual(texts)
  })

  test('what comes during a sync shares the next one', async () => {
    const watched = watchedDisk()
    const partition = await open(tempDirectory(), { disk: watched.disk })
    const first = partition.append([message('first')])
    watched.calls.length = 0
    while (watched.syncing === 0) await new Promise(setImmediate)
    const others = Array.from({ length: 50 }, () => partition.append([message('other')]))
    expect(partition.end).toBe(0)
    await Promise.all([first, ...others])
    expect(watched.count('datasync')).toBe(2)
  })

  test('a large write is not made larger: what does not fit takes the next one', async () => {
    const watched = watchedDisk()
    const partition = await open(tempDirectory(), { disk: watched.disk })
    watched.calls.length = 0
    const body = Buffer.alloc(2 ** 20)
    await Promise.all(Array.from({ length: 10 }, () => partition.append([{ body }])))
    expect(watched.count('datasync')).toBe(3)
  })

  test('nothing is shown before it is durable', async () => {
    const watched = watchedDisk()
    const partition = await open(tempDirectory(), { disk: watched.disk })
    const appended = partition.append([message('a')])
    while (watched.syncing === 0) await new Promise(setImmediate)
    expect(partition.end).toBe(0)
    expect(await partition.read(0)).toEqual([])
    await appended
    expect(await partition.read(0)).toHaveLength(1)
  })
})

describe('a read', () => {
  test('stops where it has as many messages or bytes as were asked for, but gives one', async () => {
    const partition = await open(tempDirectory())
    await partition.append(Array.from({ length: 300 }, () => message('x'.repeat(1000))))
    expect(await partition.read(0)).toHaveLength(100)
    expect(await partition.read(250)).toHaveLength(50)
    expect(await partition.read(0, { messages: 7 })).toHaveLength(7)
    expect(await partition.read(0, { bytes: 2500 })).toHaveLength(3)
    expect(await partition.read(0, { bytes: 1 })).toHaveLength(1)
    expect(await partition.read(300)).toEqual([])
  })

  test('begins anywhere, also far from what the index knows', async () => {
    const partition = await open(tempDirectory(), { segmentBytes: 300_000 })
    for (let batch = 0; batch < 20; batch++)
      await partition.append(
        Array.from({ length: 100 }, (_, index) => message(`${batch * 100 + index}`.padEnd(500))),
      )
    expect(partition.segments().length).toBeGreaterThan(2)
    for (let from = 0; from < 2000; from += 37) {
      const [first] = await partition.read(from, { messages: 1 })
      expect(first).toMatchObject({ offset: from, body: Buffer.from(`${from}`.padEnd(500)) })
    }
    const across = await partition.read(0, { messages: 2000, bytes: 2 ** 30 })
    expect(across.map(({ offset }) => offset)).toEqual([...Array(2000).keys()])
  })

  test.each([-1, 3, 0.5, Number.NaN])('of offset %d of 2 is refused', async (from) => {
    const partition = await open(tempDirectory())
    await partition.append([message('a'), message('b')])
    expect((await refusal(partition.read(from))).code).toBe('out_of_range')
  })

  test('finds what was changed on the disk since opening', async () => {
    const directory = tempDirectory()
    const partition = await open(directory)
    await partition.append([message('aaaa'), message('bbbb')])
    const bytes = readFileSync(lastPath(directory))
    const at = bytes.indexOf('bbbb')
    writeFileSync(lastPath(directory), bytes.fill('c', at, at + 1))
    expect(await partition.read(0, { messages: 1 })).toHaveLength(1)
    const error = await refusal(partition.read(1))
    expect(error).toMatchObject({ code: 'corrupt', path: lastPath(directory) })
    expect(error.details).toEqual({ offset: bytes.length / 2 })
  })
})

describe('segments', () => {
  test('a new one begins when the last is over the limit, and is durable before anything in it', async () => {
    const directory = tempDirectory()
    const watched = watchedDisk()
    const partition = await open(directory, { segmentBytes: 100, disk: watched.disk })
    await partition.append([message('x'.repeat(100))])
    watched.calls.length = 0
    await partition.append([message('y')])
    expect(segmentNames(directory)).toEqual([
      '00000000000000000000.wal',
      '00000000000000000001.wal',
    ])
    const operations = watched.calls.map(({ operation }) => operation)
    expect(operations.indexOf('syncDir')).toBeLessThan(operations.indexOf('write'))
    expect(partition.segments()).toMatchObject([
      { base: 0, end: 1, isClosed: true },
      { base: 1, end: 2, isClosed: false },
    ])
    expect(partition.bytes).toBe(partition.segments().reduce((sum, { bytes }) => sum + bytes, 0))
    expect(await textsOf(partition)).toEqual(['x'.repeat(100), 'y'])
  })

  test('know when their last message was published, also after reopening', async () => {
    const directory = tempDirectory()
    let now = 100
    const options = { segmentBytes: 50, now: () => now++ }
    const partition = await open(directory, options)
    for (const text of ['a', 'b', 'c']) await partition.append([message(text.repeat(50))])
    const times = [100, 101, 102].map((ts) => expect.objectContaining({ lastTs: ts + 1 }))
    expect(partition.segments()).toEqual(times)
    await partition.close()
    expect((await open(directory, options)).segments()).toEqual(times)
  })

  test('only their owner can read them', async () => {
    const directory = tempDirectory()
    await open(directory)
    const modes = [
      directory,
      dirname(directory),
      lastPath(directory),
      `${directory}/partition`,
    ].map((path) => statSync(path).mode & 0o777)
    expect(modes).toEqual([0o700, 0o700, 0o600, 0o600])
  })
})

describe('trim', () => {
  async function threeSegments(directory: string) {
    const partition = await open(directory, { segmentBytes: 50 })
    for (const text of ['a', 'b', 'c'])
      await partition.append([message(text.repeat(50)), message(text)])
    return partition
  }

  test('removes closed segments that end at or below, and nothing else', async () => {
    const directory = tempDirectory()
    const partition = await threeSegments(directory)
    const sizes = partition.segments().map(({ bytes }) => bytes)
    expect(await partition.trim(1)).toBe(0)
    expect(partition.start).toBe(1)
    expect(segmentNames(directory)).toHaveLength(3)
    expect(await partition.trim(2)).toBe(sizes[0])
    expect(partition).toMatchObject({ start: 2, end: 6 })
    expect(await partition.trim(6)).toBe(sizes[1])
    expect(partition).toMatchObject({ start: 6, end: 6 })
    expect(segmentNames(directory)).toEqual(['00000000000000000004.wal'])
    expect((await refusal(partition.read(5))).code).toBe('out_of_range')
    expect(await partition.append([message('d')])).toBe(6)
    expect(await textsOf(partition)).toEqual(['d'])
  })

  test('never goes back, nor behind the end', async () => {
    const partition = await threeSegments(tempDirectory())
    await partition.trim(3)
    expect(await partition.trim(1)).toBe(0)
    expect(partition.start).toBe(3)
    expect((await refusal(partition.trim(7))).code).toBe('out_of_range')
  })

  test.each([
    [2, ['00000000000000000000.wal']],
    [4, ['00000000000000000000.wal', '00000000000000000002.wal']],
    [4, ['00000000000000000000.wal']],
    [4, ['00000000000000000002.wal']],
    [6, []],
  ])(
    'to %d that a crash interrupted is finished by opening; gone by then: %j',
    async (logStart, gone) => {
      const directory = tempDirectory()
      await (await threeSegments(directory)).close()
      for (const name of gone) unlinkSync(`${directory}/${name}`)
      const partition = await open(directory, { logStart })
      expect(partition).toMatchObject({ start: logStart, end: 6 })
      const base = Math.min(logStart, 4)
      expect(segmentNames(directory)[0]).toBe(`${`${base}`.padStart(20, '0')}.wal`)
      const texts = ['aa', 'a', 'bb', 'b', 'cc', 'c'].slice(logStart).map(([first]) => first)
      expect((await textsOf(partition)).map(([first]) => first)).toEqual(texts)
    },
  )

  test('at which the disk fails is finished by opening', async () => {
    const directory = tempDirectory()
    const watched = watchedDisk()
    await (await threeSegments(directory)).close()
    const partition = await open(directory, { disk: watched.disk })
    watched.fault = ({ operation, path }) =>
      operation === 'unlink' && path.includes('2.wal') ? new Error('EIO') : undefined
    expect((await refusal(partition.trim(4))).code).toBe('storage')
    expect(partition.start).toBe(4)
    await partition.close()
    expect(segmentNames(directory)).toHaveLength(2)
    expect(await textsOf(await open(directory, { logStart: 4 }))).toEqual(['c'.repeat(50), 'c'])
    expect(segmentNames(directory)).toHaveLength(1)
  })

  test('does not disturb a read of what it removes', async () => {
    const partition = await threeSegments(tempDirectory())
    const reading = partition.read(0)
    await partition.trim(4)
    const outcome = await reading.catch((error) => error.code)
    expect([6, 'out_of_range']).toContain(Array.isArray(outcome) ? outcome.length : outcome)
  })
})

describe('messages that the metadata knows of and that are not there', () => {
  async function refused(logStart: number, gone: readonly string[]): Promise<unknown> {
    const directory = tempDirectory()
    const partition = await open(directory, { segmentBytes: 50 })
    for (const text of ['a', 'b', 'c']) await partition.append([message(text.repeat(60))])
    await partition.close()
    for (const base of gone) unlinkSync(`${directory}/${base.padStart(20, '0')}.wal`)
    const before = filesIn(directory)
    const { code } = await refusal(open(directory, { logStart }))
    expect(filesIn(directory)).toEqual(before)
    return code
  }

  test('are data loss, or damage where there is a hole, and nothing is touched', async () => {
    expect(await refused(0, ['0'])).toBe('data_loss')
    expect(await refused(1, ['0', '1'])).toBe('data_loss')
    expect(await refused(4, [])).toBe('data_loss')
    expect(await refused(2, ['0', '1', '2'])).toBe('data_loss')
    expect(await refused(0, ['1'])).toBe('corrupt')
  })
})

describe('a closed partition', () => {
  test('has waited for its appends, and takes and gives nothing more', async () => {
    const directory = tempDirectory()
    const partition = await open(directory)
    const appended = partition.append([message('a')])
    await partition.close()
    expect(await appended).toBe(0)
    for (const run of [partition.append([message('b')]), partition.read(0), partition.trim(0)])
      expect((await refusal(run)).code).toBe('closed')
    await partition.close()
    expect(await textsOf(await open(directory))).toEqual(['a'])
  })
})

test('a directory that cannot be used is a storage error', async () => {
  const directory = tempDirectory()
  await visit(directory, (partition) => partition.append([message('a')]))
  writeFileSync(`${directory}/file`, '')
  expect((await refusal(open(`${directory}/file`))).code).toBe('storage')
})
