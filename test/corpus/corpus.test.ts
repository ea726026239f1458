// Journals that released versions wrote. Each later version opens them and gives the same state.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { vault } from 'ministore-ts/secrets'
import { testKeys } from 'ministore-ts/testing'
import { afterAll, describe, expect, test } from 'vitest'
import { ministoreHere } from '../cli/here.ts'
import { corpus } from './definition.ts'

const kept = fileURLToPath(new URL('v1', import.meta.url))
const expected: Record<string, { seq: number; digest: string }> = JSON.parse(
  readFileSync(join(kept, 'expected.json'), 'utf8'),
)
const directory = mkdtempSync(join(tmpdir(), 'ministore-'))
afterAll(() => rmSync(directory, { recursive: true }))
cpSync(kept, directory, { recursive: true })
const pathOf = (name: string) => join(directory, `${name}.jsonl`)

describe.each(Object.entries(expected))('the journal "%s" of format 1', (name, { seq, digest }) => {
  test('is verified, and gives the state that it gave', async () => {
    expect(await ministoreHere('verify', pathOf(name))).toMatchObject({ status: 0 })
    expect(await corpus.replay(pathOf(name))).toMatchObject({ seq, digest })
    const report = await corpus.replayCheck(pathOf(name))
    expect(report.findings.filter(({ severity }) => severity === 'error')).toEqual([])
    expect(report).toMatchObject({ ok: true, seq, digest })
  })

  test('is opened as it is, continued, and opened again', async () => {
    const path = pathOf(name)
    const before = readFileSync(path, 'utf8')
    const store = await corpus.open(path)
    expect(store.seq).toBe(seq)
    expect(readFileSync(path, 'utf8')).toBe(before)
    await store.dispatch('named', { name: 'of today' })
    await store.close()
    expect(readFileSync(path, 'utf8').startsWith(before)).toBe(true)
    const again = await corpus.open(path)
    expect(again.state.names.at(-1)).toBe('of today')
    await again.close()
  })
})

test('a repeat of a key in the corpus has the first answer', async () => {
  const store = await corpus.open(pathOf('asked'))
  const told = { duplicate: true, seq: 2, value: 2 }
  expect(await store.execute('nameAll', ['y', 'z'], { key: 'req-2' })).toMatchObject(told)
  const nothing = { duplicate: true, seq: 3, value: 0 }
  expect(await store.execute('nameAll', [], { key: 'req-3' })).toMatchObject(nothing)
  await store.close()
  for (const name of ['compacted', 'chained', 'compacted-chain', 'snapshot']) {
    const filled = await corpus.open(pathOf(name))
    const receipt = await filled.dispatch('named', { name: 'long '.repeat(100) }, { key: 'req-5' })
    expect(receipt).toMatchObject({ duplicate: true, seq: 6 })
    await filled.close()
  }
})

test('a secret in the corpus is revealed with its key, and redacted without it', async () => {
  const keys = testKeys()
  const secrets = vault(corpus, keys)
  // The key is made from its subject.
  await secrets.seal('emailed', { id: 'user-7', email: 'x@example.org' })
  const { state } = await corpus.replay(pathOf('secrets'))
  expect(await secrets.reveal(state.emails)).toEqual(['ann@example.org'])
  await secrets.forget('user-7')
  expect(await secrets.reveal(state.emails)).toEqual(['erased'])
})

test('the corpus has every field of a header, a record and a state that the format has', () => {
  const text = readdirSync(kept)
    .filter((name) => name.endsWith('.jsonl'))
    .map((name) => readFileSync(join(kept, name), 'utf8'))
    .join('')
  const ofHeader = ['format', 'version', 'journal', 'store', 'created', 'needs', 'chain', 'base']
  const ofRecord = ['seq', 'b', 'at', 'key', 'command', 'input', 'value', 'metadata', 'type', 'v']
  const others = ['payload', 'batch', 'hash', 'crc', 'put', 'push', 'tables', 'absent', 'bare']
  for (const field of [...ofHeader, ...ofRecord, ...others])
    expect(text, field).toContain(`"${field}":`)
})
