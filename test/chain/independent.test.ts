// The verifier of docs/guides/tamper-evidence.md, which knows the format and none of this code.
import { spawnSync } from 'node:child_process'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ministoreHere as ministore } from '../cli/here.ts'
import { tempJournal } from '../file/temp-journal.ts'
import { broker } from '../store/broker.ts'
import { type Forged, put, take } from './forger.ts'

const guide = readFileSync('docs/guides/tamper-evidence.md', 'utf8')
const [, source = ''] = /```python\n([\s\S]*?)```/.exec(guide) ?? []
const canRun =
  spawnSync('python3', ['--version']).status === 0 && spawnSync('openssl', ['version']).status === 0

describe.runIf(canRun)('the independent verifier', async () => {
  /** A journal with a batch, a key, group commits, a compaction and two seals. */
  async function sealed() {
    const path = tempJournal('broker.jsonl')
    await ministore('seal', '--new-key', `${path}.key`)
    const store = await broker.open(path, { chain: true })
    await store.execute('createTopics', { names: ['a', 'b'] })
    await store.dispatch('addTopic', { name: 'Zürich 😀' }, { key: 'request' })
    await ministore('seal', path, '--key', `${path}.key`)
    await store.compact()
    const names = ['c', 'd', 'e']
    await Promise.all(names.map((name) => store.dispatch('addTopic', { name })))
    await store.close()
    await ministore('seal', path, '--key', `${path}.key`)
    return path
  }

  function both(path: string) {
    const program = join(`${path}.py`)
    writeFileSync(program, source)
    const args = [program, path, `${path}.seals`, `${path}.key.pub`]
    const { status, stdout, stderr } = spawnSync('python3', args, { encoding: 'utf8' })
    return { status, stdout, stderr }
  }
  const ours = (path: string) =>
    ministore('verify', path, '--seals', '--public-key', `${path}.key.pub`)

  test('is short', () => {
    expect(source.split('\n').filter((line) => line.trim() !== '').length).toBeLessThan(50)
  })

  test('agrees on a whole journal', async () => {
    const path = await sealed()
    const { stdout, stderr, status } = both(path)
    expect(stderr).toBe('')
    expect(stdout).toBe('ok: 2 seals, 5 records\n')
    expect(status).toBe(0)
    expect((await ours(path)).status).toBe(0)
  })

  const ATTACKS: Record<string, (journal: Forged) => void> = {
    'an edited record': (journal) => {
      journal.records = journal.records.map((each) => ({
        ...each,
        text: each.text.replace('"d"', '"x"'),
      }))
    },
    'an edited record, chained again': (journal) => {
      journal.records = journal.records.map(({ hash: _, ...each }) => ({
        ...each,
        text: each.text.replace('"d"', '"x"'),
      }))
    },
    'an edited group index': (journal) => {
      journal.records = journal.records.map((each) => ({ ...each, b: 0 }))
    },
    'an edited state': (journal) => {
      journal.state = journal.state.map((line) => line.replace('"total":3', '"total":4'))
    },
    'a missing record': (journal) => {
      journal.records = journal.records.slice(0, -1)
    },
    'an edited header': ({ header }) => {
      header['created'] = '2020-01-01T00:00:00.000Z'
    },
  }

  test('agrees on manipulated journals', async () => {
    const path = await sealed()
    for (const [name, attack] of Object.entries(ATTACKS)) {
      const forged = take(readFileSync(path))
      attack(forged)
      const copy = tempJournal('broker.jsonl')
      writeFileSync(copy, put(forged))
      expect(readFileSync(copy).equals(readFileSync(path)), name).toBe(false)
      for (const more of ['.seals', '.key.pub']) copyFileSync(`${path}${more}`, `${copy}${more}`)
      expect(both(copy).status, name).toBe(1)
      expect((await ours(copy)).status, name).toBe(1)
    }
  })

  test('agrees on edited and removed seals', async () => {
    const path = await sealed()
    const [one = '', two = ''] = readFileSync(`${path}.seals`, 'utf8').split('\n')
    const edited = [
      `${two}\n`,
      `${one.replace('"seq":2', '"seq":1')}\n${two}\n`,
      `${one}\n${two.slice(0, -1)},"note":"x"}\n`,
      `${one}\n${two.replace('=="}', '"}')}\n`,
      `${one}\n${two.replace('"}', '!"}')}\n`,
      `${one}\r\n${two}\r\n`,
      `${one}\n${two}`,
      '',
    ]
    for (const seals of edited) {
      writeFileSync(`${path}.seals`, seals)
      expect(both(path).status).toBe(1)
      expect((await ours(path)).status).toBe(1)
    }
  })
})
