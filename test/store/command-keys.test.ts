import { createHash } from 'node:crypto'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineStore, memoryJournal, reject } from 'ministore-ts'
import { sharedJournal } from 'ministore-ts/shared'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { Server } from '../shared/simulated-engine.ts'
import { gatedJournal, settle } from './gated-journal.ts'

const bank = defineStore({
  name: 'bank',
  state: { cents: 0, paid: 0 },
  mutations: {
    pay: {
      payload: z.object({ cents: z.int() }),
      apply(draft, { cents }) {
        draft.cents += cents
        draft.paid += 1
      },
    },
  },
  commands: {
    payTwice: {
      input: z.object({ cents: z.int(), note: z.string().default('') }),
      run(tx, { cents }) {
        if (cents > 1000) return reject('too_much', { cents })
        tx.dispatch('pay', { cents })
        tx.dispatch('pay', { cents })
        return { paid: tx.state.paid, odd: undefined, zero: -0 }
      },
    },
    look: { run: (tx) => tx.state.cents },
    touch: { run: () => undefined },
    leak: { run: () => new Map() as unknown as number },
    when: { input: z.object({ at: z.date() }), run: () => undefined },
  },
})
const texts = (journal: { entries: readonly { text: string }[] }) =>
  journal.entries.map(({ text }) => JSON.parse(text))

describe('a command with a key', () => {
  test('is kept with its name, the digest of its input, and its value, in their place', async () => {
    const journal = memoryJournal()
    const store = await bank.open(journal, { now: () => 0 })
    await store.execute('payTwice', { cents: 5 }, { key: 'k', metadata: { correlationId: 'c' } })
    const digest = createHash('sha256').update('{"cents":5,"note":""}').digest('hex')
    const part = '{"type":"pay","payload":{"cents":5}}'
    expect(journal.entries.map(({ text }) => text)).toEqual([
      `{"at":"1970-01-01T00:00:00.000Z","key":"k","command":"payTwice","input":"${digest}","value":{"paid":2,"zero":0},"metadata":{"correlationId":"c"},"batch":[${part},${part}]}`,
    ])
  })

  test('again resolves to the first receipt with its value, also after reopening', async () => {
    const journal = memoryJournal()
    const store = await bank.open(journal)
    const first = await store.execute('payTwice', { cents: 5 }, { key: 'k' })
    expect(first).toMatchObject({ duplicate: false, seq: 1, value: { paid: 2 } })
    await store.dispatch('pay', { cents: 1 })
    // The default is filled in before the inputs are compared.
    const again = await store.execute(
      'payTwice',
      { note: '', cents: 5 },
      { key: 'k', expectSeq: 9 },
    )
    expect(again).toEqual({ ...first, duplicate: true })
    await store.close()
    const reopened = await bank.open(journal)
    const later = await reopened.execute('payTwice', { cents: 5 }, { key: 'k' })
    expect(later).toEqual({ ...first, duplicate: true })
    expect(Object.keys(first.value)).toEqual(['paid', 'zero'])
    expect(journal.entries).toHaveLength(2)
    expect((await bank.replayCheck(journal)).findings.map(({ rule }) => rule)).not.toContain(
      'unreadable',
    )
  })

  test('again waits for the first in flight, and has the same outcome', async () => {
    const journal = gatedJournal()
    const store = await bank.open(journal)
    const first = store.execute('payTwice', { cents: 5 }, { key: 'k' })
    const again = store.execute('payTwice', { cents: 5 }, { key: 'k' })
    const other = store.execute('payTwice', { cents: 5 }, { key: 'other' })
    const all = Promise.allSettled([first, again, other])
    await settle()
    journal.appends[0]?.fail(new Error('disk'))
    expect((await all).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    const next = gatedJournal()
    const open = await bank.open(next)
    const one = open.execute('payTwice', { cents: 5 }, { key: 'k' })
    const two = open.execute('payTwice', { cents: 5 }, { key: 'k' })
    await settle()
    next.appends[0]?.release()
    expect(await two).toEqual({ ...(await one), duplicate: true })
    expect(next.appends[0]?.texts).toHaveLength(1)
  })

  test('with another command or input is key_reused, and so is a mutation with its key', async () => {
    const store = await bank.memory()
    await store.execute('payTwice', { cents: 5 }, { key: 'k' })
    await store.dispatch('pay', { cents: 5 }, { key: 'm' })
    await store.transaction((tx) => void tx.dispatch('pay', { cents: 1 }), { key: 't' })
    const reused = { code: 'key_reused', seq: 1 }
    await expect(store.execute('payTwice', { cents: 6 }, { key: 'k' })).rejects.toMatchObject(
      reused,
    )
    await expect(store.execute('look', undefined, { key: 'k' })).rejects.toMatchObject(reused)
    await expect(store.transaction(() => 1, { key: 'k' })).rejects.toMatchObject(reused)
    await expect(store.dispatch('pay', { cents: 5 }, { key: 'k' })).rejects.toMatchObject(reused)
    const twice = store.execute('payTwice', { cents: 5 }, { key: 'm' })
    await expect(twice).rejects.toMatchObject({ code: 'key_reused', seq: 2 })
    const looked = store.execute('look', undefined, { key: 't' })
    await expect(looked).rejects.toMatchObject({ code: 'key_reused', seq: 3 })
    expect(store.seq).toBe(3)
  })

  test('that was refused is not remembered', async () => {
    const store = await bank.memory()
    const refused = await store.execute('payTwice', { cents: 2000 }, { key: 'k' }).safe()
    expect(refused).toMatchObject({ code: 'too_much' })
    await expect(store.execute('payTwice', {} as never, { key: 'k' })).rejects.toMatchObject({
      code: 'invalid',
    })
    expect(await store.execute('payTwice', { cents: 5 }, { key: 'k' })).toMatchObject({ seq: 1 })
  })

  test('that dispatches nothing is a record without mutations, and its repeat has the same value', async () => {
    const journal = memoryJournal()
    const store = await bank.open(journal)
    let heard = 0
    store.subscribe(() => heard++)
    const looked = await store.execute('look', undefined, { key: 'k' })
    const touched = await store.execute('touch', undefined, { key: 'none' })
    await store.dispatch('pay', { cents: 7 })
    expect(await store.execute('look', undefined, { key: 'k' })).toEqual({
      ...looked,
      duplicate: true,
    })
    expect(looked).toMatchObject({ seq: 1, value: 0 })
    expect(touched).not.toHaveProperty('value')
    expect(texts(journal)[0]).toMatchObject({ command: 'look', value: 0, batch: [] })
    expect(heard).toBe(1)
    const records = []
    for await (const { seq } of store.records()) records.push(seq)
    expect(records).toEqual([3])
    await store.close()
    const again = await bank.open(journal)
    expect(await again.execute('touch', undefined, { key: 'none' })).toEqual({
      ...touched,
      duplicate: true,
    })
    expect(
      (await bank.replayCheck(journal)).findings.filter(({ severity }) => severity === 'error'),
    ).toEqual([])
    // Without a key, nothing is written.
    expect(await again.execute('look')).toMatchObject({ seq: 3, value: 7 })
  })

  test('whose input or value the journal cannot hold is refused, and nothing is written', async () => {
    const store = await bank.memory()
    await expect(store.execute('leak', undefined, { key: 'k' })).rejects.toThrow(
      'a command with a key is kept in the journal, but the value is a Map',
    )
    await expect(store.execute('when', { at: new Date(0) }, { key: 'k' })).rejects.toThrow(
      'but at of the input is a Date',
    )
    await expect(store.execute('leak')).resolves.toMatchObject({ seq: 0 })
    expect(store.seq).toBe(0)
  })

  test('on a shared journal is one record, whoever is first', async () => {
    const server = new Server()
    const stores = await Promise.all([0, 1].map(() => bank.open(sharedJournal(server.engine()))))
    const all = await Promise.all(
      stores.map((store) => store.execute('payTwice', { cents: 5 }, { key: 'k' })),
    )
    expect(all.map(({ duplicate }) => duplicate).sort()).toEqual([false, true])
    expect(all.map(({ seq, value }) => [seq, value])).toEqual(
      [0, 1].map(() => [1, { paid: 2, zero: 0 }]),
    )
    const [a, b] = stores
    const other = b?.execute('payTwice', { cents: 6 }, { key: 'k' })
    await expect(other).rejects.toMatchObject({ code: 'key_reused' })
    const looks = await Promise.all([
      a?.execute('look', undefined, { key: 'l' }),
      b?.execute('look', undefined, { key: 'l' }),
    ])
    expect(looks.map((look) => look?.value)).toEqual([10, 10])
    expect(server.head).toBe(2)
    for (const store of stores) await store.close()
  })

  test('in a transaction is compared by the key alone', async () => {
    const store = await bank.memory()
    const run = () =>
      store.transaction(
        (tx) => {
          tx.dispatch('pay', { cents: tx.state.cents + 1 })
          return tx.state.cents
        },
        { key: 't' },
      )
    expect(await run()).toMatchObject({ value: 1, duplicate: false })
    expect(await run()).toMatchObject({ value: 1, duplicate: true })
  })
})

describe('the value of a command with a key', () => {
  test('is frozen however the store came to it, so no caller changes what the next one gets', async () => {
    const path = join(await mkdtemp(join(tmpdir(), 'keys-')), 'bank.jsonl')
    const request = ['payTwice', { cents: 5 }, { key: 'k' }] as const
    const kept = async (
      keep: (store: Awaited<ReturnType<typeof bank.open>>) => Promise<unknown>,
    ) => {
      const store = await bank.open(path)
      const { value } = await store.execute(...request)
      expect(() => Object.assign(value, { paid: 99 })).toThrow(TypeError)
      expect(await store.execute(...request)).toMatchObject({ value: { paid: 2 }, duplicate: true })
      await keep(store)
      await store.close()
    }
    await kept((store) => store.snapshot())
    await kept((store) => store.compact())
    await kept(async () => undefined)
  })
})

describe('a record that another program wrote', () => {
  const at = '"at":"2026-01-01T00:00:00.000Z"'
  const digest = '0'.repeat(64)
  test.each([
    ['has no mutation and no digest', `{${at},"key":"k","batch":[]}`],
    ['has a digest that is none', `{${at},"key":"k","input":"abc","batch":[]}`],
    [
      'has a value that could pollute a prototype',
      `{${at},"key":"k","input":"${digest}","value":{"__proto__":1},"batch":[]}`,
    ],
  ])('and that %s is corrupt', async (_, text) => {
    await expect(bank.open(memoryJournal([text]))).rejects.toMatchObject({
      code: 'corrupt',
      seq: 1,
    })
  })
})
