// Who did it, and why: what "log --where", "blame" and "trace" say of records' metadata.
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileJournal } from 'ministore-ts/file'
import { sqliteJournal } from 'ministore-ts/sqlite'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Causes } from '../../src/inspect/causes.ts'
import { NOON } from '../store/broker.ts'
import { home } from './build.ts'
import { damagedAt } from './damaged.ts'
import { ministoreHere } from './here.ts'
import { ministores } from './run.ts'
import { audited } from './stores.ts'

const directory = mkdtempSync(join(tmpdir(), 'ministore-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const path = join(directory, 'audited.jsonl')
const url = `sqlite:${join(directory, 'audited.db')}#audited`

beforeAll(async () => {
  const store = await audited.open(path, { now: () => NOON })
  const ann = store.with({ metadata: { actor: 'ann' } })
  await ann.dispatch('rename', { to: 'a' }, { metadata: { reason: 'a typo', ticket: { id: 7 } } })
  await ann.dispatch('rename', { to: 'b' }, { metadata: { causationId: 1 } })
  const bob = store.with({ metadata: { actor: 'bob\u009b31m', roles: ['ops', 'root'] } })
  await bob.dispatchAll([{ type: 'rename', payload: { to: 'c' } }, { type: 'reset' }], {
    metadata: { causationId: 1, correlationId: 'order-7' },
  })
  await bob.dispatch('rename', { to: 'd' }, { metadata: { causationId: 2 } })
  await bob.dispatch('rename', { to: 'e' }, { metadata: { correlationId: 'order-7' }, key: 'k' })
  await ann.execute('restore', undefined, {
    metadata: { causationId: 'msg-1', correlationId: 'order-7' },
  })
  await ann.dispatch('rename', { to: 'g' }, { metadata: { causationId: 40 } })
  await ann.dispatch('rename', { to: 'h' })
  await store.close()
  const file = fileJournal(path, { readOnly: true })
  await file.open('audited')
  const shared = sqliteJournal({ file: join(directory, 'audited.db'), name: 'audited' })
  await shared.open('audited')
  for await (const entries of file.read(0)) await shared.append(entries, 0)
  await shared.close()
  await file.close()
})

const lines = async (...args: string[]) => {
  const { stdout, status } = await ministoreHere(...args)
  return { status, lines: stdout.split('\n').slice(0, -1) }
}
const seqs = async (journal: string, ...args: string[]) => {
  const where = args.flatMap((each) => ['--where', each])
  const { lines: found } = await lines('log', journal, '--format', 'json', ...where)
  return found.map((line) => JSON.parse(line).seq)
}

describe('ministore log', () => {
  test('prints the metadata, without what a terminal would obey', async () => {
    const { lines: printed } = await lines('log', path, '--until', '3')
    expect(printed).toEqual([
      `1  2026-11-22T12:00:00.000Z  actor=ann reason="a typo" ticket={"id":7}  rename  {"to":"a"}`,
      `2  2026-11-22T12:00:00.000Z  actor=ann causationId=1  rename  {"to":"b"}`,
      ...['1/2', '2/2'].map(
        (part, index) =>
          `3  2026-11-22T12:00:00.000Z  ${part}  actor="bob\\u009b31m" causationId=1 correlationId=order-7 roles=["ops","root"]  ${['rename  {"to":"c"}', 'reset'][index]}`,
      ),
    ])
  })

  test('shows with --where the records that say so, of a file and of a URL', async () => {
    for (const journal of [path, url]) {
      expect(await seqs(journal, 'actor=ann')).toEqual([1, 2, 6, 7, 8])
      expect(await seqs(journal, 'actor=ann', 'causationId=1')).toEqual([2])
      expect(await seqs(journal, 'ticket.id=7')).toEqual([1])
      expect(await seqs(journal, 'roles=root')).toEqual([3, 4, 5])
      expect(await seqs(journal, 'command=restore')).toEqual([6])
      expect(await seqs(journal, 'key=k')).toEqual([5])
      expect(await seqs(journal, 'payload.to=c')).toEqual([3])
      expect(await seqs(journal, 'type=reset', 'payload.to=c')).toEqual([])
      expect(await seqs(journal, 'metadata.actor=ann', 'reason=a typo')).toEqual([1])
      expect(await seqs(journal, 'actor=an')).toEqual([])
    }
  })

  test('counts with --last only what --where asks for', async () => {
    for (const journal of [path, url]) {
      const args = ['log', journal, '--where', 'actor=ann', '--last', '2', '--format', 'json']
      expect((await lines(...args)).lines.map((line) => JSON.parse(line).seq)).toEqual([7, 8])
    }
  })

  test('says which field no record has, and refuses what is no condition', async () => {
    const { stderr, status } = await ministoreHere('log', path, '--where', 'acotr=ann')
    expect(stderr).toContain('no record has "acotr" in its metadata; did you mean "actor"?')
    expect(status).toBe(0)
    const refused = await ministores(
      ['log', path, '--where', 'ann'],
      ['log', path, '--where', '=ann'],
    )
    expect(refused.map(({ status }) => status)).toEqual([2, 2])
  })
})

describe('ministore blame', () => {
  test('names the person and the reason', async () => {
    const store = ['--store', join(home(), 'test/cli/stores.js#audited')]
    const { lines: printed } = await lines('blame', path, '/name', '--all', ...store)
    expect(printed.slice(0, 4)).toEqual([
      'seq 1  2026-11-22T12:00:00.000Z  rename',
      '  by actor=ann reason="a typo" ticket={"id":7}',
      '  payload {"to":"a"}',
      '  /name: "" → "a"',
    ])
    const { lines: json } = await lines('blame', path, '/name', '--format', 'json', ...store)
    expect(JSON.parse(json[0] ?? '')).toMatchObject({ seq: 8, metadata: { actor: 'ann' } })
  })
})

describe('ministore trace', () => {
  const at = '2026-11-22T12:00:00.000Z'
  const bob = 'actor="bob\\u009b31m"'
  const roles = 'roles=["ops","root"]'
  const tree = [
    'correlation "order-7"',
    `1  ${at}  actor=ann reason="a typo" ticket={"id":7}  rename`,
    `├─ 2  ${at}  actor=ann causationId=1  rename`,
    `│  └─ 4  ${at}  ${bob} causationId=2 ${roles}  rename`,
    `└─ 3  ${at}  ${bob} causationId=1 correlationId=order-7 ${roles}  rename, reset (2 mutations)  ←`,
    `5  ${at}  key=k  ${bob} correlationId=order-7 ${roles}  rename`,
    '"msg-1"  (not in this journal)',
    `└─ 6  ${at}  command=restore  actor=ann causationId=msg-1 correlationId=order-7  reset`,
  ]

  test('shows the tree of causes, and all trees of one correlation, of a file and of a URL', async () => {
    for (const journal of [path, url])
      expect(await lines('trace', journal, '3')).toEqual({ status: 0, lines: tree })
  })

  test('shows the causes of a record without a correlation, and itself alone without any', async () => {
    const { lines: printed } = await lines('trace', path, '4')
    expect(
      printed.map((line) =>
        line
          .replace(/\d{4}-.*Z/, '')
          .replace(/ {2,}/g, ' ')
          .slice(0, 8),
      ),
    ).toEqual(['1 actor=', '├─ 2 act', '│ └─ 4 a', '└─ 3 act'])
    expect((await lines('trace', path, '8')).lines).toEqual([`8  ${at}  actor=ann  rename  ←`])
  })

  test('takes a cause that comes later for none', async () => {
    expect((await lines('trace', path, '7')).lines).toHaveLength(1)
  })

  test('prints a record a line as JSON, with its depth', async () => {
    for (const journal of [path, url]) {
      const { lines: printed } = await lines('trace', journal, '3', '--format', 'json')
      const nodes = printed.map((line) => JSON.parse(line))
      expect(nodes.map(({ depth, seq, causationId }) => [depth, seq ?? causationId])).toEqual([
        [0, 1],
        [1, 2],
        [2, 4],
        [1, 3],
        [0, 5],
        [0, 'msg-1'],
        [1, 6],
      ])
      expect(nodes[3]).toMatchObject({ asked: true, metadata: { causationId: 1 }, at })
    }
  })

  test('refuses a record that is not there, and what is no seq', async () => {
    const { stderr, status } = await ministoreHere('trace', path, '9')
    expect(stderr).toContain('has no record 9: its last one is 8')
    expect(status).toBe(1)
    const refused = await ministores(['trace', path, '0'], ['trace', path, '1.5'])
    expect(refused.map((each) => each.status)).toEqual([2, 2])
  })

  test('shows what is before damage, with exit code 1', async () => {
    const damaged = join(directory, 'damaged.jsonl')
    copyFileSync(path, damaged)
    damagedAt(damaged, 5)
    const { status, lines: printed } = await lines('trace', damaged, '2')
    expect(printed).toHaveLength(4)
    expect(status).toBe(1)
  })

  test('looks at each link of a chain once, however many of its records have one correlation', () => {
    const causes = new Causes()
    const looked = vi.spyOn(Map.prototype, 'get')
    const count = 2000
    for (let seq = 1; seq <= count; seq++)
      causes.add(seq, { correlationId: 'c', causationId: seq - 1 || 'request-1' })
    const nodes = [...causes.tree(count)]
    const looks = looked.mock.calls.length
    looked.mockRestore()
    expect(nodes).toHaveLength(count + 1)
    expect(looks).toBeLessThan(10 * count)
  })

  test('draws a chain as long as the journal without recursion, and names a cause that was compacted away', async () => {
    const long = join(directory, 'long.jsonl')
    const count = 12_000
    const store = await audited.open(long, { durability: 'os' })
    await Promise.all(
      Array.from({ length: count }, (_, index) =>
        store.dispatch('reset', undefined, {
          metadata: { actor: 'ann', ...(index > 0 && { causationId: index }) },
        }),
      ),
    )
    const { lines: printed } = await lines('trace', long, String(count))
    expect(printed).toHaveLength(count)
    expect(printed.at(-1)).toContain('(depth 11999) 12000  ')
    await store.compact()
    await store.dispatch('reset', undefined, { metadata: { actor: 'ann', causationId: 7 } })
    await store.close()
    const { lines: rest } = await lines('trace', long, '12001')
    expect(rest[0]).toBe('7  (not in this journal)')
    expect(rest).toHaveLength(2)
  })
})
