// The contract's cases about a store on the Journal: what its users rely on.
import { z } from 'zod'
import { defineStore } from '../define/definition.ts'
import { reject } from '../define/reject.ts'
import { digest } from '../json/index.ts'
import { assert, assertSame } from './assertion.ts'
import { type Cases, STORE, type Stage } from './contract-case.ts'
import { assertFails } from './contract-journal.ts'
import { errorsOf } from './findings.ts'

const notebook = defineStore({
  name: STORE,
  state: { notes: [] as string[], changed: '' },
  mutations: {
    addNote: {
      payload: z.object({ text: z.string() }),
      guard: ({ notes }, { text }) => (notes.includes(text) ? reject('note_exists') : undefined),
      apply(draft, { text }, { at }) {
        draft.notes.push(text)
        draft.changed = at
      },
    },
    clear: { apply: (_, __, { at }) => ({ notes: [], changed: at }) },
  },
  metadata: z.object({ actor: z.string().optional() }),
  commands: {
    addNext: {
      input: z.object({ prefix: z.string() }),
      run(tx, { prefix }) {
        const text = `${prefix} ${tx.state.notes.length}`
        tx.dispatch('addNote', { text })
        return { text }
      },
    },
    count: { run: (tx) => tx.state.notes.length },
  },
})
const HARD_NOTE = 'a \u2028 \u0000 \ud83d\udc4d "quoted" \\ é'

export const storeCases: Cases = {
  'a store that is opened again has the same state and digest': async (stage) => {
    const first = await openStore(stage)
    for (const text of ['one', HARD_NOTE, 'three']) await first.dispatch('addNote', { text })
    await first.close()
    const second = await openStore(stage)
    assertSame('it has another state', second.state, first.state)
    assertSame('it has another seq', second.seq, 3)
    await second.close()
    const replayed = await notebook.replay(await stage.journal())
    assertSame('it has another digest', replayed.digest, await digest(first.state))
  },

  "a store's batch is one record, all or none": async (stage) => {
    const store = await openStore(stage)
    const note = (text: string) => ({ type: 'addNote', payload: { text } }) as const
    await store.dispatchAll([note('one'), note('two')])
    const refused = store.dispatchAll([note('three'), note('one')])
    await assertFails('a batch with a note that is there', refused, 'note_exists')
    await store.close()
    const again = await openStore(stage)
    assertSame('it has another state', again.state.notes, ['one', 'two'])
    assertSame('it has another seq', again.seq, 1)
  },

  'a store that is opened again knows its idempotency keys': async (stage) => {
    const first = await openStore(stage)
    const options = { key: `request-${HARD_NOTE}` }
    const receipt = await first.dispatch('addNote', { text: 'one' }, options)
    await first.dispatch('clear')
    await first.close()
    const second = await openStore(stage)
    const repeated = await second.dispatch('addNote', { text: 'one' }, options)
    assertSame('the second receipt is another', repeated, { ...receipt, duplicate: true })
    assertSame('it has another seq', second.seq, 2)
  },

  'a command that is repeated with its key has the first value, at once and after opening again':
    async (stage) => {
      const first = await openStore(stage)
      const addNext = (store: typeof first, prefix: string) =>
        store.execute('addNext', { prefix }, { key: `add-${HARD_NOTE}` })
      const both = await Promise.all([addNext(first, HARD_NOTE), addNext(first, HARD_NOTE)])
      const receipt = { ...both[0], duplicate: true }
      assertSame('the first repeat has another receipt', both[1], receipt)
      const counted = await first.execute('count', undefined, { key: 'count' })
      await first.dispatch('clear')
      await first.close()
      const second = await openStore(stage)
      assertSame('a later repeat has another receipt', await addNext(second, HARD_NOTE), receipt)
      await assertFails('the key with another input', addNext(second, 'x'), 'key_reused')
      const again = await second.execute('count', undefined, { key: 'count' })
      assertSame('what dispatched nothing has another receipt', again, {
        ...counted,
        duplicate: true,
      })
      assertSame('it has another seq', second.seq, 3)
    },

  "a store's records have their metadata": async (stage) => {
    const store = await openStore(stage)
    const metadata = { actor: HARD_NOTE, causationId: 1, correlationId: 'order-7' }
    await store.dispatch('clear')
    await store.dispatch('clear', undefined, { metadata })
    await store.close()
    const again = await openStore(stage)
    const found: unknown[] = []
    for await (const record of again.records()) found.push(record.metadata ?? null)
    assertSame('they have other metadata', found, [null, metadata])
  },

  'a store refuses a seq that is no longer expected with `conflict`': async (stage) => {
    const store = await openStore(stage)
    await store.dispatch('addNote', { text: 'one' })
    const stale = store.dispatch('addNote', { text: 'two' }, { expectSeq: 0 })
    await assertFails('a dispatch at seq 0', stale, 'conflict')
    await store.dispatch('addNote', { text: 'two' }, { expectSeq: 1 })
    await store.close()
    const again = await openStore(stage)
    assertSame('it has another state', again.state.notes, ['one', 'two'])
  },

  "a store's records are those that were committed, from any seq on": async (stage) => {
    const store = await openStore(stage)
    for (const text of ['one', 'two', 'three']) await store.dispatch('addNote', { text })
    for (const after of [0, 1, 2, 3]) {
      const found: unknown[] = []
      for await (const { seq, payload } of store.records({ after })) found.push({ seq, payload })
      const expected = ['one', 'two', 'three'].map((text, index) => {
        return { seq: index + 1, payload: { text } }
      })
      assertSame(`records({ after: ${after} }) gave others`, found, expected.slice(after))
    }
  },

  'dispatches at once are all committed, in their order': async (stage) => {
    const store = await openStore(stage)
    const notes = Array.from({ length: 200 }, (_, index) => `note ${index}`)
    const receipts = await Promise.all(notes.map((text) => store.dispatch('addNote', { text })))
    const seqs = receipts.map(({ seq }) => seq)
    assertSame(
      'they have other seqs',
      seqs,
      [...notes.keys()].map((index) => index + 1),
    )
    await store.close()
    const again = await openStore(stage)
    assertSame('it has another state', again.state.notes, notes)
  },

  'the replay check finds nothing wrong with what a store has journaled': async (stage) => {
    const store = await openStore(stage)
    await store.dispatch('addNote', { text: HARD_NOTE })
    await store.dispatch('clear', undefined, { key: 'request-7' })
    const state = await digest(store.state)
    await store.close()
    const report = await notebook.replayCheck(await stage.journal(), { digest: state })
    assert(report.ok, errorsOf(report))
  },
}

const openStore = async (stage: Stage) =>
  stage.closeBehind(await notebook.open(await stage.journal()))
