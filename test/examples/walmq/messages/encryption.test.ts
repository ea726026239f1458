// W21: what encryption promises to somebody who has lost the disk, and to somebody who gets it back.
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { expect, test } from 'vitest'
import {
  filesIn,
  lastPath,
  message,
  open,
  refusal,
  tempDirectory,
  textsOf,
  visit,
} from './temp-partition.ts'

const KEY = Buffer.alloc(32, 'key')
const OTHER = Buffer.alloc(32, 'other')
const options = { encryptionKey: KEY, now: () => 1000 }

/** Appends of one size, so that they can be swapped. */
async function sealed(texts: readonly string[], keys: readonly string[] = []): Promise<string> {
  const directory = tempDirectory()
  await visit(
    directory,
    async (partition) => {
      for (const [index, text] of texts.entries())
        await partition.append([message(text, keys[index])])
    },
    options,
  )
  return directory
}

test('W21: bodies are not readable in the file, and the same body is never the same bytes', async () => {
  const directory = await sealed(['a secret', 'a secret'])
  const bytes = readFileSync(lastPath(directory))
  expect(bytes.includes('secret')).toBe(false)
  const [first, second] = [bytes.subarray(0, bytes.length / 2), bytes.subarray(bytes.length / 2)]
  expect(first.subarray(20)).not.toEqual(second.subarray(20))
  expect(await textsOf(await open(directory, options))).toEqual(['a secret', 'a secret'])
})

test.each([
  ['another key', KEY, OTHER],
  ['no key', KEY, undefined],
  ['a key where nothing is encrypted', undefined, KEY],
])(
  'W21: %s is refused, also where there is no message yet, and nothing is touched',
  async (...args) => {
    const [, made, given] = args
    for (const texts of [[], ['a', 'b']]) {
      const directory = tempDirectory()
      const use = { encryptionKey: made }
      await visit(
        directory,
        (partition) => partition.append(texts.map((text) => message(text))),
        use,
      )
      const before = filesIn(directory)
      const error = await refusal(open(directory, { encryptionKey: given }))
      expect(error.code).toBe('wrong_key')
      expect(filesIn(directory)).toEqual(before)
      expect(await textsOf(await open(directory, use))).toEqual(texts)
    }
  },
)

test('W21: a key of another length is refused before anything is made', async () => {
  const directory = tempDirectory()
  const error = await refusal(open(directory, { encryptionKey: Buffer.alloc(31) }))
  expect(error.code).toBe('invalid')
  expect(filesIn(directory)).toEqual({})
})

test('W21: messages that were swapped are refused', async () => {
  const directory = await sealed(['one', 'two'])
  const bytes = readFileSync(lastPath(directory))
  const half = bytes.length / 2
  writeFileSync(lastPath(directory), Buffer.concat([bytes.subarray(half), bytes.subarray(0, half)]))
  const partition = await open(directory, options)
  expect((await refusal(partition.read(0))).code).toBe('corrupt')
  expect((await refusal(partition.read(1))).code).toBe('corrupt')
})

test('W21: a message that was removed, so that the next one takes its offset, is refused', async () => {
  const directory = await sealed(['one', 'two'])
  const bytes = readFileSync(lastPath(directory))
  writeFileSync(lastPath(directory), bytes.subarray(bytes.length / 2))
  const partition = await open(directory, options)
  expect((await refusal(partition.read(0))).code).toBe('corrupt')
})

/** With a checksum that fits in this partition: whoever forges a message can compute it. */
function sign(frame: Buffer, directory: string): Buffer {
  const id = readFileSync(join(directory, 'partition')).toString('latin1', 20, 56)
  const crc = crc32(frame.subarray(10), crc32(frame.subarray(4, 6), crc32(id)))
  frame.writeUInt32LE(crc, 6)
  return frame
}

test('W21: a message whose key or time was changed, with a fitting checksum, is refused', async () => {
  const directory = await sealed(['one'], ['alice'])
  const path = lastPath(directory)
  const bytes = readFileSync(path)
  const changes = [
    [bytes.indexOf('alice'), 'A'.charCodeAt(0)],
    [10, 7],
    // Not encrypted, it says.
    [5, (bytes[5] ?? 0) & ~1],
  ] as const
  for (const [at, value] of changes) {
    const forged = Buffer.from(bytes)
    forged.writeUInt8(value, at)
    writeFileSync(path, sign(forged, directory))
    const partition = await open(directory, options)
    expect(partition.end).toBe(1)
    expect((await refusal(partition.read(0))).code).toBe('corrupt')
  }
  writeFileSync(path, sign(Buffer.from(bytes), directory))
  expect(await textsOf(await open(directory, options))).toEqual(['one'])
})

test('W21: a message of another partition, with the same key, is never shown, also with a fitting checksum', async () => {
  const [one, two] = [await sealed(['one']), await sealed(['two'])]
  const foreign = readFileSync(lastPath(two))
  writeFileSync(lastPath(one), sign(Buffer.from(foreign), one))
  expect((await refusal((await open(one, options)).read(0))).code).toBe('corrupt')
  writeFileSync(lastPath(one), foreign)
  expect(await textsOf(await open(one, options))).toEqual([])
})

test('W21: the limit is for what was published, not for what encryption adds', async () => {
  const directory = tempDirectory()
  const partition = await open(directory, { ...options, maxMessageBytes: 10 })
  await partition.append([message('x'.repeat(10))])
  expect(statSync(lastPath(directory)).size).toBe(20 + 10 + 28)
})
