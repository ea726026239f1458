import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ministoreHere as ministore } from '../cli/here.ts'
import { tempJournal } from '../file/temp-journal.ts'
import { broker } from '../store/broker.ts'
import { put, sha256, take } from './forger.ts'

/** A sealed journal, and its keys. */
async function sealed(records = 6, sealsAt: readonly number[] = [records]) {
  const path = tempJournal('broker.jsonl')
  const key = `${path}.key`
  await ministore('seal', '--new-key', key)
  const store = await broker.open(path, { chain: true })
  for (let n = 1; n <= records; n++) {
    await store.dispatch('addTopic', { name: `topic ${n}` })
    if (sealsAt.includes(n)) expect((await ministore('seal', path, '--key', key)).stderr).toBe('')
  }
  await store.close()
  return { path, key, seals: `${path}.seals` }
}

const verify = (path: string, ...more: string[]) =>
  ministore('verify', path, '--seals', '--public-key', `${path}.key.pub`, ...more)

/** Edits the journal as somebody does who knows the format but not the key. */
function forge(path: string, edit: (journal: ReturnType<typeof take>) => void): void {
  const journal = take(readFileSync(path))
  edit(journal)
  writeFileSync(path, put(journal))
}

describe('ministore seal and verify', () => {
  test('a sealed journal is whole, also after more records', async () => {
    const { path, key } = await sealed()
    const { status, stdout } = await verify(path)
    expect(stdout).toContain('1 seal')
    expect(stdout).toContain('nothing up to record 6 was changed')
    expect(status).toBe(0)
    const store = await broker.open(path)
    await store.dispatch('addTopic', { name: 'later' })
    await store.close()
    expect((await verify(path)).status).toBe(0)
    await ministore('seal', path, '--key', key)
    expect((await verify(path, '--expect-seq', '7')).status).toBe(0)
  })

  test('the private key is for this user alone, and is refused if it is not', async () => {
    const { path, key } = await sealed()
    expect(statSync(key).mode & 0o777).toBe(0o600)
    chmodSync(key, 0o640)
    const { status, stderr } = await ministore('seal', path, '--key', key)
    expect(stderr).toContain('other users may read or write this private key (mode 0640)')
    expect(status).toBe(2)
    expect((await ministore('seal', '--new-key', key)).stderr).toContain('exists')
  })

  test('find a signature that is spelled in another way', async () => {
    const { path, seals } = await sealed()
    const [, last = ''] = /(.)=="}\n$/.exec(readFileSync(seals, 'utf8')) ?? []
    const other = { A: 'B', Q: 'R', g: 'h', w: 'x' }[last]
    expect(other).toBeDefined()
    writeFileSync(seals, readFileSync(seals, 'utf8').replace(/.=="}\n$/, `${other}=="}\n`))
    const { stdout, status } = await verify(path)
    expect(stdout).toContain('this is not a seal, or it was edited')
    expect(status).toBe(1)
  })

  const ATTACKS: Record<string, (journal: ReturnType<typeof take>) => void> = {
    'edits a record': (journal) => edit(journal, 2, 'topic 3', 'topic X'),
    'edits a record and computes the chain again': (journal) => {
      edit(journal, 2, 'topic 3', 'topic X')
      rechain(journal)
    },
    'removes a record': (journal) => {
      journal.records = renumbered(journal.records.filter(({ seq }) => seq !== 3))
    },
    'removes the last record': (journal) => {
      journal.records = journal.records.slice(0, -1)
    },
    'swaps two records': (journal) => {
      const [one, two, ...rest] = journal.records
      journal.records = renumbered([two, one, ...rest].filter((each) => each !== undefined))
    },
    'inserts a record': (journal) => {
      const [one, ...rest] = journal.records
      journal.records = renumbered([one, one, ...rest].filter((each) => each !== undefined))
    },
    'joins two group commits': (journal) => {
      journal.records = journal.records.map((each) => ({ ...each, b: each.seq - 1 }))
    },
    'edits when it was created': ({ header }) => {
      header['created'] = '2020-01-01T00:00:00.000Z'
    },
    'edits its identity': ({ header }) => {
      header['journal'] = '00000000-0000-4000-8000-000000000000'
    },
    'adds a field to the header': ({ header }) => {
      header['note'] = 'x'
    },
    'begins another chain': (journal) => {
      journal.header['chain'] = sha256('other')
      rechain(journal)
    },
  }

  test.each(Object.keys(ATTACKS))('find that somebody %s', async (name) => {
    const { path } = await sealed()
    forge(path, (journal) => ATTACKS[name]?.(journal))
    const { status, stdout } = await verify(path)
    expect(stdout).toContain('failed')
    expect(status).toBe(1)
  })

  const EDITS: Record<string, (seals: string) => string> = {
    'a field after the signature': (seals) => seals.replace(/\}\n$/, ',"note":"x"}\n'),
    'the same signature in another spelling': (seals) => seals.replace(/=="\}\n$/, '"}\n'),
    'other bits after the signature': (seals) =>
      seals.replace(/.(?===")/, (last) => String.fromCharCode(last.charCodeAt(0) + 1)),
    'characters that are no base64': (seals) => seals.replace(/"\}\n$/, '!"}\n'),
    'other line ends': (seals) => seals.replaceAll('\n', '\r\n'),
    'no end of the last line': (seals) => seals.slice(0, -1),
  }

  test.each(Object.keys(EDITS))('find a seal with %s, also the last one', async (name) => {
    const { path, key, seals } = await sealed(2)
    const edited = EDITS[name]?.(readFileSync(seals, 'utf8')) ?? ''
    expect(edited).not.toBe(readFileSync(seals, 'utf8'))
    writeFileSync(seals, edited)
    const { status, stdout } = await verify(path)
    expect(stdout).toContain('edited')
    expect(status).toBe(1)
    expect((await ministore('seal', path, '--key', key)).status).toBe(1)
  })
})

type Journal = ReturnType<typeof take>

function edit(journal: Journal, at: number, from: string, to: string): void {
  journal.records = journal.records.map((record, index) =>
    index === at ? { ...record, text: record.text.replace(from, to) } : record,
  )
}

function rechain(journal: Journal): void {
  journal.records = journal.records.map(({ hash: _, ...record }) => record)
}

const renumbered = (records: Journal['records']): Journal['records'] =>
  records.map(({ hash: _, ...record }, index) => ({ ...record, seq: index + 1 }))
