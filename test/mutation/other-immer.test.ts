// A reducer runs alike, no matter what else uses Immer, and whichever Immer the application has.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import * as applicationImmer from 'immer'
import { defineStore, memoryJournal } from 'ministore-ts'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { exact } from '../replay/exact.ts'
import { privateImmer } from './private-immer.ts'

type Immer = typeof applicationImmer
type Part = { n: number; deep: { n: number }; list: { n: number }[] }
type State = { part: Part; log: unknown[]; [key: string]: unknown }

const root = fileURLToPath(new URL('../../node_modules/', import.meta.url))
/** As published: of the last three major versions, as a module and as CommonJS, minified and not. */
const BUILDS = [
  'immer/dist/immer.mjs',
  'immer/dist/immer.legacy-esm.js',
  'immer/dist/immer.production.mjs',
  'immer/dist/cjs/immer.cjs.development.js',
  'immer/dist/cjs/immer.cjs.production.js',
  'immer-10/dist/immer.mjs',
  'immer-10/dist/immer.production.mjs',
  'immer-10/dist/cjs/immer.cjs.production.js',
  'immer-9/dist/immer.esm.mjs',
  'immer-9/dist/immer.cjs.development.js',
  'immer-9/dist/immer.cjs.production.min.js',
]

async function load(build: string): Promise<Immer> {
  const path = root + build
  return build.includes('cjs') ? createRequire(path)(path) : import(pathToFileURL(path).href)
}

const storeOf = (apply: (draft: State, n: number) => void) =>
  defineStore({
    name: 'parts',
    state: { part: { n: 0, deep: { n: 0 }, list: [{ n: 1 }, { n: 2 }] }, log: [] as string[] },
    mutations: { change: { payload: z.number(), apply: apply as never } },
  })

/** The state after three dispatches: live, and what a replay makes of the same records. */
async function play(apply: (draft: State, n: number) => void): Promise<State> {
  const definition = storeOf(apply)
  const journal = memoryJournal()
  const live = await definition.open(journal)
  for (const n of [1, 2, 3]) await live.dispatch('change', n)
  const reopened = await definition.open(journal)
  expect(exact(reopened.state)).toBe(exact(live.state))
  expect(await definition.replayCheck(journal)).toMatchObject({ ok: true })
  return live.state as State
}

describe.each(BUILDS)('%s of the application works on our drafts', (build) => {
  test('original, current and isDraft', async () => {
    const { original, current, isDraft } = await load(build)
    const { log } = await play((draft, n) => {
      draft.part.deep.n = n
      draft.part.list[0] = { n }
      draft.log.push([
        original(draft.part)?.deep.n,
        current(draft).part.deep.n,
        current(draft.part)
          .list.map((each) => each.n)
          .join(),
        current(draft.part.list).length,
        original(draft.part.list)?.[0]?.n,
        isDraft(draft.part) && !isDraft(current(draft.part)) && !isDraft(n),
      ])
      // What current() gave does not change any more.
      const kept = current(draft.part)
      draft.part.n = n
      draft['kept'] = kept
    })
    expect(log).toEqual([
      [0, 1, '1,2', 2, 1, true],
      [1, 2, '2,2', 2, 1, true],
      [2, 3, '3,2', 2, 2, true],
    ])
  })

  test('produce: on a part, deep in a part, on a list, with its result given up', async () => {
    const { produce, isDraft } = await load(build)
    const state = await play((draft, n) => {
      draft.part = produce(draft.part, (part) => {
        part.n += n
        part.deep.n += n
        part.list.push({ n })
        for (const each of part.list) each.n += 1
      })
      draft['list'] = produce(draft.part.list, (list) => void list.reverse())
      isDraft(draft.part)
      produce(draft.part, (part) => {
        part.n = 1000
        part.deep.n = 1000
        part.list.length = 0
      })
    })
    expect(state.part).toEqual({ n: 6, deep: { n: 6 }, list: [4, 5, 4, 4, 4].map((n) => ({ n })) })
    expect(state['list']).toEqual(state.part.list.toReversed())
  })

  // Immer 9 gives parts of the state before, which are frozen, also where the drafts are its own.
  test.skipIf(build.startsWith('immer-9'))(
    'a part that produce() made, handed on as a part of the state',
    async () => {
      const { produce } = await load(build)
      const state = await play((draft, n) => {
        // Frozen by the other Immer, with drafts of ours in it that change afterwards.
        draft.part = produce(draft.part, (part) => void Object.assign(part, { n }))
        draft.part.deep.n = n
        draft.part.list[0] = { n }
      })
      expect(state.part).toEqual({ n: 3, deep: { n: 3 }, list: [{ n: 3 }, { n: 2 }] })
      expect(Object.isFrozen(state.part.deep)).toBe(true)
    },
  )
})

describe("an application's settings of its Immer do not reach our drafts:", () => {
  /** What a plugin could change: what callbacks get, in which order, and what a method returns. */
  const apply = (draft: State, n: number) => {
    const { list } = draft.part
    // Not read before: the list itself has no drafts yet.
    draft.log.push(
      list.findLast((each) => each === list.at(-1))?.n,
      list.filter((each) => each === list[0]).length,
      list.findIndex((each) => [list[1]].includes(each)),
      list.some((each) => each === list[0]),
      list.slice(-1)[0] === list[1],
    )
    for (const each of list.filter((item) => item.n > 0)) each.n += n
    list.splice(1, 0, ...list.splice(0, 1), { n })
    list.sort((one, other) => {
      one.n += 1
      return other.n - one.n
    })
    list.reverse().unshift({ n })
    draft.part.list = list.concat(list.shift() ?? [])
  }

  test.each([
    ['enableArrayMethods', () => applicationImmer.enableArrayMethods()],
    ['enableMapSet', () => applicationImmer.enableMapSet()],
    ['enablePatches', () => applicationImmer.enablePatches()],
    ['setAutoFreeze', () => applicationImmer.setAutoFreeze(false)],
    ['setUseStrictShallowCopy', () => applicationImmer.setUseStrictShallowCopy(true)],
    ['setUseStrictIteration', () => applicationImmer.setUseStrictIteration(true)],
  ])('%s', async (_, change) => {
    const before = await play(apply)
    change()
    try {
      expect(exact(await play(apply))).toBe(exact(before))
      // A plugin would make this possible, here and not in CI.
      const map = play((draft) => {
        draft['map'] ??= new Map([['a', { n: 1 }]])
        ;(draft['map'] as Map<string, { n: number }>).get('a')
      })
      await expect(map).rejects.toMatchObject({ code: 'apply_failed' })
    } finally {
      applicationImmer.setAutoFreeze(true)
      applicationImmer.setUseStrictShallowCopy(false)
      applicationImmer.setUseStrictIteration(false)
    }
  })

  test('NODE_ENV, which Immer asks whether a list may have names', async () => {
    const { NODE_ENV } = process.env
    process.env['NODE_ENV'] = 'production'
    try {
      const named = play((draft) => void Object.assign(draft.part.list, { name: 1 }))
      await expect(named).rejects.toMatchObject({ code: 'apply_failed' })
    } finally {
      process.env['NODE_ENV'] = NODE_ENV
    }
  })
})

test('a reducer in sloppy mode, where a write to something frozen does nothing, is replayed the same', async () => {
  const make = new Function(
    'produce',
    `return function (draft, n) {
      draft.part = produce(draft.part, (part) => void (part.n += n))
      draft.part.n = 1000
      draft.part.deep.n += n
      draft.log.push(this === globalThis)
    }`,
  )
  const { part, log } = await play(make(applicationImmer.produce))
  expect(part).toMatchObject({ n: 6, deep: { n: 6 } })
  expect(log).toEqual([true, true, true])
})

test('the Immer in src/mutation/immer.ts is the published one, but for what it lists', () => {
  const path = fileURLToPath(new URL('../../src/mutation/immer.ts', import.meta.url))
  expect(readFileSync(path, 'utf8')).toBe(privateImmer())
})

test('a draft of another Immer in the state is refused, and not kept', async () => {
  const { createDraft } = applicationImmer
  const unfinished: ((draft: State) => unknown)[] = [
    (draft) => void Object.assign(draft, { kept: createDraft({ n: 1 }) }),
    (draft) => void draft.log.push({ deep: [createDraft({ n: 1 })] }),
    () => createDraft({ part: {}, log: [] }),
  ]
  for (const apply of unfinished)
    await expect(play(apply as never)).rejects.toMatchObject({ code: 'apply_failed' })
})
