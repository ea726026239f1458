import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ministoreHere as ministore } from '../cli/here.ts'
import { tempJournal } from '../file/temp-journal.ts'
import { broker } from '../store/broker.ts'
import { put, take } from './forger.ts'

const verify = (path: string, ...more: string[]) =>
  ministore('verify', path, '--seals', '--public-key', `${path}.key.pub`, ...more)
const seal = (path: string) => ministore('seal', path, '--key', `${path}.key`)

/** Sealed at record 2, compacted at record 3, and not sealed since. */
async function compacted() {
  const path = tempJournal('broker.jsonl')
  await ministore('seal', '--new-key', `${path}.key`)
  const store = await broker.open(path, { chain: true })
  for (const name of ['one', 'two']) await store.dispatch('addTopic', { name })
  await seal(path)
  await store.dispatch('addTopic', { name: 'three' })
  await store.compact()
  await store.dispatch('addTopic', { name: 'four' })
  await store.close()
  const archive = readdirSync(dirname(path)).find((name) => name.endsWith('.archive')) ?? ''
  return { path, archive: join(dirname(path), archive) }
}

function forge(path: string, edit: (text: string) => string): void {
  const journal = take(readFileSync(path))
  journal.records = journal.records.map(({ hash: _, ...each }) => ({
    ...each,
    text: edit(each.text),
  }))
  writeFileSync(path, put(journal))
}

describe('a compacted journal and its seals', () => {
  test('is unproved until it is sealed again, since its state is in no hash', async () => {
    const { path } = await compacted()
    const unproved = await verify(path)
    expect(unproved.stdout).toContain(
      'the state at seq 3, to which it was compacted, is not in any seal',
    )
    expect(unproved.status).toBe(1)
    expect((await seal(path)).status).toBe(0)
    expect((await verify(path)).status).toBe(0)
  })

  test('finds an edited archive below the seals of it', async () => {
    const { path, archive } = await compacted()
    await seal(path)
    forge(archive, (text) => text.replace('two', 'zwo'))
    const { stdout, status } = await verify(path)
    expect(stdout).toContain(basename(archive))
    expect(stdout).toContain('is not what seal 1')
    expect(status).toBe(1)
  })

  test('says which seals could not be compared without an archive', async () => {
    const { path, archive } = await compacted()
    await seal(path)
    rmSync(archive)
    const { stdout, status } = await verify(path)
    expect(stdout).toContain('seal 1 (record 2) could not be compared')
    expect(status).toBe(0)
  })

  test('is not sealed if it contradicts an earlier seal', async () => {
    const { path, archive } = await compacted()
    forge(archive, (text) => text.replace('one', 'eno'))
    const seals = readFileSync(`${path}.seals`, 'utf8')
    const { stderr, status } = await seal(path)
    expect(stderr).toContain('It was not sealed')
    expect(status).toBe(1)
    expect(readFileSync(`${path}.seals`, 'utf8')).toBe(seals)
  })
})
