import { readFileSync, writeFileSync } from 'node:fs'
import { fileJournal } from 'ministore-ts/file'
import { describe, expect, test } from 'vitest'
import { ministoreHere as ministore } from '../cli/here.ts'
import { tempJournal } from '../file/temp-journal.ts'
import { header } from '../format/forge.ts'
import { broker } from '../store/broker.ts'
import { chained, put, take } from './forger.ts'

async function written(path: string, records = 3, chain = true): Promise<void> {
  const store = await broker.open(path, { chain })
  // In one group commit.
  await Promise.all(
    Array.from({ length: records }, (_, n) => store.dispatch('addTopic', { name: `topic ${n}` })),
  )
  await store.close()
}

describe('a journal with a hash chain', () => {
  test('has the hash of the one before and of its own text in each record', async () => {
    const path = tempJournal()
    await written(path)
    const { header, records } = take(readFileSync(path))
    expect(header['needs']).toEqual(['chain'])
    let last = header['chain']
    for (const { seq, text, hash } of records) {
      last = chained(last, seq, text)
      expect(hash).toBe(last)
    }
    expect(records.map(({ b }) => b)).toEqual([0, 1, 2])
  })

  test('keeps its chain without the option too, and through a compaction', async () => {
    const path = tempJournal()
    await written(path)
    const texts = take(readFileSync(path)).records.map(({ text }) => text)
    const store = await broker.open(path)
    await store.compact()
    await store.dispatch('addTopic', { name: 'later' })
    await store.close()
    const { header, records } = take(readFileSync(path))
    const base = texts.reduce((last, text, at) => chained(last, at + 1, text), header['chain'])
    expect(header['base'].hash).toBe(base)
    expect(records[0]?.hash).toBe(chained(base, 4, records[0]?.text ?? ''))
  })

  test('shows its records without their hashes', async () => {
    const path = tempJournal()
    await written(path, 1)
    const journal = fileJournal(path, { readOnly: true })
    await journal.open('broker')
    for await (const [entry] of journal.read(0)) expect(entry?.text).not.toContain('"hash"')
    await journal.close()
    expect((await ministore('log', path, '--format', 'json')).stdout).not.toContain('"hash"')
  })

  test('is refused if a record was edited and its checksum computed again', async () => {
    const path = tempJournal()
    await written(path)
    const journal = take(readFileSync(path))
    const records = journal.records.map((record) => ({
      ...record,
      text: record.text.replace('topic 1', 'topic X'),
    }))
    writeFileSync(path, put({ ...journal, records }))
    await expect(broker.open(path)).rejects.toMatchObject({ code: 'corrupt', seq: 2, line: 3 })
    await expect(broker.open(path)).rejects.toThrow('does not continue the hash chain')
    const { status, stdout } = await ministore('verify', path)
    expect(stdout).toContain('does not continue the hash chain')
    expect(status).toBe(1)
  })

  test('is refused if a record lost its hash', async () => {
    const path = tempJournal()
    await written(path, 1)
    const journal = take(readFileSync(path))
    const bare = { ...journal.header, needs: undefined, chain: undefined }
    writeFileSync(path, put({ ...journal, header: bare }))
    const { stdout } = await ministore('verify', path)
    expect(stdout).toContain('has a hash, although the journal has no hash chain')
    await expect(broker.open(path, { chain: true })).rejects.toMatchObject({ code: 'config' })
  })
})

describe('a journal without a hash chain', () => {
  test('is refused where one is asked for, with the way to convert it, and stays as it is', async () => {
    const path = tempJournal()
    await written(path, 2, false)
    const bytes = readFileSync(path)
    const opening = broker.open(path, { chain: true })
    await expect(opening).rejects.toMatchObject({ code: 'config' })
    await expect(opening).rejects.toThrow(`npx ministore-ts copy "${path}" <new journal> --chain`)
    expect(readFileSync(path)).toEqual(bytes)
    expect(readFileSync(path, 'utf8')).not.toContain('hash')
  })

  test('becomes one with a chain by copy --chain, which goes on with the same chain', async () => {
    const [from, to, third] = [tempJournal(), tempJournal('copy'), tempJournal('third')]
    await written(from, 2, false)
    expect((await ministore('copy', from, to, '--chain')).status).toBe(0)
    const store = await broker.open(from)
    await store.dispatch('addTopic', { name: 'later' })
    await store.close()
    expect((await ministore('copy', from, to)).status).toBe(0)
    expect((await ministore('copy', to, third)).status).toBe(0)
    const [one, two] = [to, third].map((path) => take(readFileSync(path)))
    expect(one?.records.at(-1)?.hash).toMatch(/^[0-9a-f]{64}$/)
    expect(two?.records.map(({ hash }) => hash)).toEqual(one?.records.map(({ hash }) => hash))
    expect(two?.header['chain']).toBe(one?.header['chain'])
    await broker.open(third, { chain: true }).then((opened) => opened.close())
  })

  test('is no target for a copy of a journal that has one', async () => {
    const [from, to] = [tempJournal(), tempJournal('copy')]
    await written(from)
    await written(to, 1, false)
    const { status, stderr, stdout } = await ministore('copy', from, to)
    expect(`${stdout}${stderr}`).toContain('it has no hash chain')
    expect(status).not.toBe(0)
  })
})

test('a journal object takes the option itself', async () => {
  const journal = fileJournal(tempJournal())
  const options = { chain: true } as object
  await expect(broker.open(journal, options)).rejects.toThrow('fileJournal(path, { chain: true })')
})

describe('an older build', () => {
  test.each([
    [{ needs: ['time travel'] }, 'newer_format', '"time travel", which takes a newer ministore'],
    [{ needs: ['chain', 'x'], chain: 'a'.repeat(64) }, 'newer_format', 'it needs "x"'],
    [{ needs: [7] }, 'newer_format', 'it needs 7'],
    [{ needs: 'chain' }, 'corrupt', 'its "needs" is not a list'],
    [{ needs: ['chain'] }, 'corrupt', 'its "chain" does not fit'],
    [{ chain: 'a'.repeat(64) }, 'corrupt', 'its "chain" does not fit'],
    [{ needs: ['chain'], chain: 'A'.repeat(64) }, 'corrupt', 'its "chain" does not fit'],
  ])('refuses what it cannot read: a header with %j', async (fields, code, message) => {
    const path = tempJournal()
    writeFileSync(path, header({ store: 'broker', ...fields }))
    await expect(broker.open(path)).rejects.toMatchObject({ code })
    await expect(broker.open(path)).rejects.toThrow(message)
    expect(readFileSync(path)).toEqual(header({ store: 'broker', ...fields }))
  })
})
