import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { defineStore, type Json, type MutationInput, memoryJournal } from 'ministore-ts'
import { expect, test } from 'vitest'
import { z } from 'zod'

const json = fc
  .jsonValue({ maxDepth: 4 })
  .filter((value) => !/"(__proto__|constructor|prototype)":/.test(JSON.stringify(value)))

/** A definition whose reducers do what reducers do: set, nest, delete, move, replace, share. */
const notebook = defineStore({
  name: 'notebook',
  state: { notes: {} as Record<string, { text: Json; tags: string[] }>, log: [] as string[] },
  mutations: {
    put: {
      payload: z.object({ id: z.string().min(1), text: z.any() }),
      apply(draft, { id, text }, { seq }) {
        draft.notes[`n-${id}`] = { text: text ?? null, tags: [`${seq}`] }
      },
    },
    tag: {
      payload: z.object({ id: z.string(), tags: z.array(z.string()) }),
      apply(draft, { id, tags }, meta) {
        draft.notes[`n-${id}`]?.tags.push(...tags, meta.at)
        draft.log.unshift(id)
      },
    },
    drop: {
      payload: z.object({ id: z.string() }),
      apply(draft, { id }) {
        delete draft.notes[`n-${id}`]
      },
    },
    clear: { apply: () => ({ notes: {}, log: ['cleared'] }) },
  },
})

const id = fc.constantFrom('a', 'b', 'c', '\u2028', 'é', '\ud800')
const mutation: fc.Arbitrary<MutationInput<typeof notebook>> = fc.oneof(
  fc.record({ type: fc.constant('put' as const), payload: fc.record({ id, text: json }) }),
  fc.record({
    type: fc.constant('tag' as const),
    payload: fc.record({ id, tags: fc.array(fc.string(), { maxLength: 3 }) }),
  }),
  fc.record({ type: fc.constant('drop' as const), payload: fc.record({ id }) }),
  fc.constant({ type: 'clear' as const }),
)
const step = fc.record({
  mutations: fc.array(mutation, { minLength: 1, maxLength: 3 }),
  key: fc.option(fc.constantFrom('k1', 'k2', 'k3'), { nil: undefined }),
  isAwaited: fc.boolean(),
})

async function play(
  store: Awaited<ReturnType<typeof notebook.memory>>,
  steps: readonly {
    mutations: MutationInput<typeof notebook>[]
    key: string | undefined
    isAwaited: boolean
  }[],
) {
  const pending: Promise<unknown>[] = []
  for (const { mutations, key, isAwaited } of steps) {
    // A reused key with another payload is an error, which must leave no trace.
    const done = store.dispatchAll(mutations, { key }).catch(() => undefined)
    pending.push(done)
    if (isAwaited) await done
  }
  await Promise.all(pending)
}

test('whatever is dispatched, the journal replays to the live state', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const journal = memoryJournal()
      const store = await notebook.open(journal)
      await play(store, steps)
      const replayed = await notebook.replay(journal)
      expect(replayed.state).toEqual(store.state)
      expect(replayed.seq).toBe(store.seq)
      expect(JSON.stringify(replayed.state)).toBe(JSON.stringify(store.state))
      expect(await notebook.replayCheck(journal)).toMatchObject({ ok: true })
    }),
    { numRuns: 200 },
  )
})

test('the file journal gives back byte for byte what it was given', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'ministore-'))
  let file = 0
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
        file += 1
        const path = join(directory, `${file}.jsonl`)
        const store = await notebook.open(path, { durability: 'os' })
        await play(store, steps)
        await store.close()
        const reopened = await notebook.open(path, { durability: 'os' })
        expect(JSON.stringify(reopened.state)).toBe(JSON.stringify(store.state))
        expect(reopened.seq).toBe(store.seq)
        expect(reopened.recovery).toEqual({ created: false, records: store.seq })
        await reopened.close()
      }),
      { numRuns: 60 },
    )
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})
