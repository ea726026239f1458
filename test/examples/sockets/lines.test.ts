import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LineReader } from '../../../examples/sockets/lines.ts'

const LIMIT = 8
const lines = fc.array(fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 2 * LIMIT }))

test('lines are the same, however their bytes arrive; a long one is told once, and skipped', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 })
  fc.assert(
    fc.property(lines, sizes, (given, sizes) => {
      const bytes = Buffer.from(given.map((line) => `${line}\n`).join(''))
      const reader = new LineReader(LIMIT)
      const read: string[] = []
      for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
        const size = sizes[turn % sizes.length] ?? 1
        for (const line of reader.read(bytes.subarray(at, at + size))) read.push(line.toString())
        at += size
      }
      expect(read).toEqual(given.map((line) => (line.length > LIMIT ? 'too_long' : line)))
      expect(reader.bytes).toBe(0)
    }),
  )
})

test('a line that has no end yet is told to be too long as soon as it is, and its bytes are counted', () => {
  const reader = new LineReader(LIMIT)
  expect([...reader.read(Buffer.alloc(LIMIT, 'a'))]).toEqual([])
  expect([...reader.read(Buffer.from('a'))]).toEqual(['too_long'])
  expect([...reader.read(Buffer.alloc(100, 'a'))]).toEqual([])
  expect(reader.bytes).toBe(LIMIT + 101)
  expect([...reader.read(Buffer.from('\nb\n'))]).toEqual([Buffer.from('b')])
})

test('a limit that is changed counts from the next line on', () => {
  const reader = new LineReader(LIMIT)
  const long = 'a'.repeat(2 * LIMIT)
  const read = reader.read(Buffer.from(`a\n${long}\n`))
  expect(read.next().value).toEqual(Buffer.from('a'))
  reader.limit = 2 * LIMIT
  expect(read.next().value).toEqual(Buffer.from(long))
})
