// A monorepo, a bundle or two versions of zod put two copies of this package into one program. The
// other copy here is the built one; this one is the source.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import * as here from 'ministore-ts'
import { fileJournal } from 'ministore-ts/file'
import { table } from 'ministore-ts/table'
import { scenarios } from 'ministore-ts/testing'
import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { installed } from '../cli/build.ts'
import { tempJournal } from '../file/temp-journal.ts'

type Copy = typeof here & {
  fileJournal: typeof fileJournal
  table: typeof table
  scenarios: typeof scenarios
}
let other: Copy
const ours: Copy = { ...here, fileJournal, table, scenarios }

beforeAll(async () => {
  const load = (part: string) => import(pathToFileURL(join(installed(), 'dist', part)).href)
  const parts = ['index.js', 'journals/file/index.js', 'table/index.js', 'testing/index.js']
  other = Object.assign({}, ...(await Promise.all(parts.map(load))))
  expect(other.Rejection).not.toBe(here.Rejection)
})

/** Rules and table of `rules`, the definition of `copy`. */
const shopOf = (copy: Copy, rules: Copy) =>
  copy.defineStore({
    name: 'shop',
    state: { items: rules.table<{ n: number }>() },
    mutations: {
      put: {
        payload: z.object({ k: z.string() }),
        guard: (state, { k }) => (state.items.has(k) ? rules.reject('twice', { k }) : undefined),
        apply(draft, { k }) {
          draft.items.set(k, { n: 1 })
        },
      },
      bump: {
        payload: z.object({ k: z.string() }),
        apply(draft, { k }) {
          const item = draft.items.get(k)
          if (item) item.n += 1
        },
      },
    },
    commands: {
      refuse: { run: () => rules.reject('never', {}) },
      throwing: {
        run: () => {
          throw new rules.Rejection('thrown', {})
        },
      },
    },
  })

describe.each([
  ['this copy with rules and tables of the other', () => shopOf(ours, other)],
  ['the other copy with rules and tables of this', () => shopOf(other, ours)],
])('a definition of %s', (_, define) => {
  test('refuses as with rules of its own, and `safe` gives the rejection', async () => {
    const store = await define().memory()
    await store.dispatch('put', { k: 'a' })
    const refusals = [
      await store.dispatch('put', { k: 'a' }).safe(),
      await store.execute('refuse').safe(),
      await store.execute('throwing').safe(),
      await store
        .transaction((tx) => {
          tx.dispatch('put', { k: 'a' })
        })
        .safe(),
    ]
    expect(refusals).toMatchObject([
      { ok: false, code: 'twice', details: { k: 'a' } },
      { ok: false, code: 'never' },
      { ok: false, code: 'thrown' },
      { ok: false, code: 'twice' },
    ])
    for (const refusal of refusals) {
      expect(refusal instanceof here.Rejection).toBe(true)
      expect(refusal instanceof other.Rejection).toBe(true)
      expect(refusal instanceof here.StoreError).toBe(false)
    }
  })

  test('fails with errors that both copies know', async () => {
    const store = await define().memory()
    const error = await store.dispatch('nothing' as 'put', { k: '' }).catch((reason) => reason)
    expect(error instanceof here.StoreError && error instanceof other.StoreError).toBe(true)
    expect(error instanceof here.Rejection || error instanceof other.Rejection).toBe(false)
  })

  test('opens journals of both copies, and both replay, check and test it', async () => {
    const definition = define()
    const path = tempJournal()
    for (const copy of [ours, other]) {
      const store = await definition.open(copy.fileJournal(path))
      await store.dispatch('put', { k: `${store.seq}` })
      await store.dispatch('bump', { k: '0' })
      await store.snapshot()
      await store.close()
    }
    expect((await definition.replay(path)).state.items.get('0')).toEqual({ n: 3 })
    expect(await definition.replayCheck(path)).toMatchObject({ ok: true, records: 4 })
    const shared = await definition.open(path, { readOnly: true })
    const error = await shared.dispatch('put', { k: 'x' }).catch((reason) => reason)
    expect(error instanceof here.StoreError && error instanceof other.StoreError).toBe(true)
    await shared.close()
    for (const copy of [ours, other]) {
      await copy
        .scenarios(definition)
        .given([{ type: 'put', payload: { k: 'a' } }])
        .when('put', { k: 'a' })
        .thenRejects('twice', { k: 'a' })
    }
  })
})

test('a subclass of an error has only its own instances', () => {
  class Late extends here.Rejection {}
  const late = new Late('late', {})
  expect(late instanceof Late && late instanceof here.Rejection).toBe(true)
  expect(new here.Rejection('late', {}) instanceof Late).toBe(false)
  for (const value of [undefined, null, 'text', {}, () => {}])
    expect((value as unknown) instanceof here.Rejection).toBe(false)
})
