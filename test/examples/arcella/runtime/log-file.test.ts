// The log: bounded, readable from its end, and one line for one line.
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { LogFile } from '../../../../examples/arcella/runtime/log-file.ts'

let directory: string
let path: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'arcella-log-'))
  path = join(directory, 'arcella.log')
})
afterEach(() => rmSync(directory, { recursive: true }))

const open = (maxBytes = 1_000_000, level: 'warn' | 'info' = 'info') =>
  new LogFile(path, { level, maxBytes })
const texts = (lines: readonly string[]) => lines.map((line) => line.split(': ')[1])

test('the newest lines come first, also those that are not written yet', () => {
  const log = open()
  for (let n = 0; n < 5; n += 1) log.add('info', 'a.0', `line ${n}`)
  expect(texts(log.tail(3))).toEqual(['line 4', 'line 3', 'line 2'])
  expect(log.tail(3)[0]).toMatch(/^\d{4}-.*Z info a\.0: line 4$/)
  log.close()
})

test('it never takes more than twice its limit, and lines are found behind the change', () => {
  const log = open(5000)
  for (let n = 0; n < 1000; n += 1) {
    log.add('info', 'a.0', `line ${n}`)
    log.flush()
  }
  expect(statSync(path).size).toBeLessThanOrEqual(5000)
  expect(statSync(`${path}.1`).size).toBeLessThanOrEqual(5000)
  expect(existsSync(`${path}.2`)).toBe(false)
  const there = texts(log.tail(10_000))
  expect(there.length).toBeGreaterThan(120)
  expect(there).toEqual(there.map((_, n) => `line ${999 - n}`))
  log.close()
})

test('what is less important than its level is not written', () => {
  const log = open(5000, 'warn')
  log.add('info', 'a.0', 'info')
  log.add('error', 'a.0', 'error')
  expect(texts(log.tail(10))).toEqual(['error'])
  log.close()
})

test('nothing that a module writes becomes a line of its own, or moves a cursor', () => {
  const log = open()
  log.add('info', 'a.0', 'one\n2026-01-01T00:00:00.000Z error arcella: forged\u001b[2J\u202e')
  expect(log.tail(10)).toHaveLength(1)
  expect(log.tail(10)[0]).toContain('one\\u000a2026')
  expect(readFileSync(path, 'utf8')).toMatch(/^[\x20-\x7e]+\n$/)
  log.close()
})

test('a line that a crash cut off does not swallow the next', () => {
  open().close()
  appendFileSync(path, 'torn')
  const log = open()
  log.add('info', 'a.0', 'whole')
  expect(log.tail(2)[1]).toBe('torn')
  expect(texts(log.tail(1))).toEqual(['whole'])
  log.close()
})

test('only its end is read, however long it is', () => {
  appendFileSync(path, `${'x'.repeat(100)}\n`.repeat(20_000))
  const log = open(1_000_000_000)
  const lines = log.tail(10_000)
  expect(lines.length).toBeLessThanOrEqual(65_536 / 101)
  expect(new Set(lines)).toEqual(new Set(['x'.repeat(100)]))
  log.close()
})
