// Reducers that do unusual things: replayed in place or not, the state is the one that was live.
import { createDraft, current, isDraft, original, produce } from 'immer'
import { defineStore, memoryJournal } from 'ministore-ts'
import { decode, definitionOf, InPlaceReplay } from 'ministore-ts/check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { exact } from './exact.ts'

interface Item {
  n: number
  [key: string]: unknown
}
interface Draft {
  a: Item
  b: Item
  list: Item[]
  log: unknown[]
  [key: string]: unknown
}
type Apply = (draft: Draft, n: number) => unknown

const definitionWith = (apply: Apply) =>
  defineStore({
    name: 'one',
    state: { a: { n: 0 }, b: { n: 1, deep: { n: 2 } }, list: [{ n: 1 }, { n: 2 }], log: [] } as {
      a: { n: number }
      log: string[]
    },
    mutations: { change: { payload: z.number(), apply: apply as never } },
  })

/** `make` is called for each store: what a reducer keeps for itself is not carried over. */
async function reopened(make: () => Apply, payloads: readonly number[] = [0, 1, 2, 3]) {
  const journal = memoryJournal()
  const live = await definitionWith(make()).open(journal)
  for (const payload of payloads) await live.dispatch('change', payload)
  const replayed = await definitionWith(make()).open(journal)
  expect(exact(replayed.state)).toBe(exact(live.state))
  return replayed.recovery
}

class Point {
  n = 1
}
class Items extends Array<Item> {
  get sum() {
    return this.reduce((sum, { n }) => sum + n, 0)
  }
}
const tag = Symbol.for('tag')
const attempt = (run: () => unknown): string => {
  try {
    return `gave ${typeof run()}`
  } catch (error) {
    return `threw ${(error as Error).name}`
  }
}

describe('in place is done', () => {
  test.each<[string, () => Apply]>([
    [
      'a constant that is frozen outside only',
      () => {
        const constant = Object.freeze({ n: 0, list: [{ n: 1 }], deep: { n: 1 } })
        return (draft, n) => {
          draft[`constant${n}`] = constant
          draft.b = (draft[`constant${n - 1}`] as Item | undefined) ?? draft.b
          draft.b.n += 1
        }
      },
    ],
    ['what JSON leaves out', () => (draft) => void Object.assign(draft, { u: undefined, f: NaN })],
    [
      'a hole',
      () => (draft, n) =>
        void Object.assign(draft.list, { [n === 0 ? 4 : draft.list.length]: { n } }),
    ],
    [
      'a function in the state',
      () => (draft, n) => void Object.assign(draft, { [`f${n}`]: attempt }),
    ],
    ['a big integer', () => (draft) => void Object.assign(draft.a, { big: 2n ** 64n })],
    [
      '0 that becomes -0, which Immer takes for no change',
      () => (draft) => void Object.assign(draft.a, { n: -0 }),
    ],
    [
      'another number that becomes -0',
      () => (draft, n) => void Object.assign(draft.b, { n: (n % 2) * (1 - n) }),
    ],
    [
      'an object without a prototype',
      () => (draft, n) => {
        if (n === 0) draft['bare'] = Object.assign(Object.create(null), { n, deep: { n } })
        else (draft['bare'] as { deep: Item }).deep.n += n
      },
    ],
    [
      'keys that are numbers',
      () => (draft, n) => void Object.assign(draft.a, { [9 - n]: n, x: n }),
    ],
    [
      'a list emptied and filled again',
      () => (draft, n) => {
        draft.list.length = 0
        draft.list.push({ n }, draft.a)
      },
    ],
    ['an item taken out of a list', () => (draft) => void delete draft.list[0]],
    [
      'reflection',
      () => (draft) => {
        draft.log.push(Reflect.ownKeys(draft).join(), Object.getOwnPropertyNames(draft.list).join())
        draft.log.push(
          Object.isFrozen(draft.a),
          Object.getPrototypeOf(draft.list) === Array.prototype,
        )
        draft.log.push(Object.getOwnPropertyDescriptor(draft.a, 'n')?.value)
        draft.log.push('toString' in draft.a, Object.hasOwn(draft.a, 'toString'), String(draft.a))
      },
    ],
    [
      'a draft copied through JSON',
      () => (draft) => void draft.log.push(JSON.parse(JSON.stringify(draft.b))),
    ],
    [
      'a draft that cannot be cloned',
      () => (draft) => void draft.log.push(attempt(() => structuredClone(draft.a))),
    ],
    [
      'a comparison that changes what it compares',
      () => (draft, n) =>
        void draft.list.sort((one, other) => {
          one['seen'] = n
          return other.n - one.n
        }),
    ],
    [
      'a loop over a list that it fills',
      () => (draft, n) => {
        for (const item of draft.list) if (draft.list.length < 6) draft.list.push({ n: item.n + n })
      },
    ],
    [
      'one and the same object in many places',
      () => {
        const same = { n: 0, deep: [{ n: 0 }] }
        return (draft, n) => {
          if (n === 0) Object.assign(draft, { a: same, b: same, list: [same, same] })
          else draft.list.at(n % 2)?.n
          if (n > 0) draft.a.n += n
        }
      },
    ],
    [
      'what an object had, spread into another',
      () => (draft, n) => ({ ...draft, b: { ...draft.b, n }, old: draft.a }),
    ],
    [
      'a part of the state for all of it, and back',
      () => (draft, n) => (n % 2 ? { ...(draft['all'] as Draft), n } : { all: draft, n }),
    ],
  ])('with %s', async (_, make) => {
    expect((await reopened(make)).fallback).toBeUndefined()
  })

  test('on a state that is a list', async () => {
    const listed = () =>
      defineStore({
        name: 'listed',
        state: [[1], [2, [3]]] as (number | number[])[][],
        mutations: {
          turn: { apply: (draft) => void draft.reverse()[0]?.push(4) },
          replace: { apply: (draft) => [...draft.slice(1), [5]] },
        },
      })
    const journal = memoryJournal()
    const live = await listed().open(journal)
    for (const type of ['turn', 'replace', 'turn'] as const) await live.dispatch(type)
    const replayed = await listed().open(journal)
    expect(exact(replayed.state)).toBe(exact(live.state))
    expect(replayed.recovery.fallback).toBeUndefined()
  })

  test('on what a leaked draft can no longer reach', async () => {
    const make = () => {
      let leaked: Item | undefined
      return (draft: Draft) => {
        const before = leaked
        if (before)
          draft.log.push(
            attempt(() => before.n),
            attempt(() => Object.assign(before, { n: 7 })),
          )
        leaked = draft.a
        const late = draft.b
        queueMicrotask(() => void attempt(() => Object.assign(late, { n: 99 })))
      }
    }
    expect((await reopened(make)).fallback).toBeUndefined()
  })
})

describe('the long way is taken', () => {
  test.each<[string, () => Apply]>([
    [
      'for a constant that is put in again and read back, where Immer sees no change',
      () => {
        const none = { n: -1 }
        return (draft) => {
          draft.a = none
          draft.log.push(draft.a === none)
        }
      },
    ],
    [
      'for a frozen constant that is put in again and written to, whatever happens',
      () => {
        const none = Object.freeze({ n: -1 })
        return (draft, n) => {
          draft.log.push(draft.a.n)
          draft.a = none
          draft.log.push(Reflect.set(draft.a, 'n', n))
        }
      },
    ],
    [
      'for a constant that is looked for in a list',
      () => {
        const none = Object.freeze({ n: -1 })
        return (draft) => {
          draft.log.push(draft.list.reduce((sum, { n }) => sum + n, 0))
          draft.list[0] = none
          draft.log.push(draft.list.indexOf(none))
        }
      },
    ],
    [
      'Immer for what a draft is now',
      () => (draft) => {
        const before = isDraft(draft.a) ? current(draft.a) : draft.a
        draft.a.n += 1
        draft.log.push(before)
      },
    ],
    ['Immer for what a draft was', () => (draft) => void draft.log.push(original(draft.a)?.n)],
    [
      'Immer for another draft',
      () => (draft) => void draft.log.push(attempt(() => createDraft(draft.a))),
    ],
    [
      'Immer inside of Immer',
      () => (draft, n) => {
        draft.a = produce(draft.a, (inner) => void Object.assign(inner, { n }))
      },
    ],
    [
      'for an object to be closed, whatever happens',
      () => (draft) => {
        draft.log.push(attempt(() => Object.preventExtensions(draft.a)))
      },
    ],
    [
      'for a property to be defined, whatever happens',
      () => (draft) => {
        draft.log.push(attempt(() => Object.defineProperty(draft.a, 'x', { value: 1 })))
      },
    ],
    [
      'for another prototype, whatever happens',
      () => (draft) => {
        draft.log.push(attempt(() => Object.setPrototypeOf(draft.a, null)))
        draft.log.push(attempt(() => Object.assign(draft.a, { ['__proto__']: { n: 1 } })))
      },
    ],
    [
      'for names in a list',
      () => (draft) => {
        draft.log.push(
          attempt(() => Object.assign(draft.list, { '01': 1 })),
          attempt(() => Object.assign(draft.list, { name: 1 })),
        )
      },
    ],
    [
      'for what a property holds',
      () => (draft) => {
        draft.log.push(
          attempt(() =>
            Object.assign(Object.getOwnPropertyDescriptor(draft, 'a')?.value, { n: 9 }),
          ),
        )
      },
    ],
    [
      'for symbols as keys',
      () => (draft, n) => {
        if (n === 0) draft.a = { n, [tag]: 7 } as Item
        else draft.log.push((draft.a as { [tag]?: number })[tag])
      },
    ],
    ['for a symbol as a key of a draft', () => (draft) => void Object.assign(draft, { [tag]: 1 })],
    [
      'for hidden properties',
      () => (draft, n) => {
        if (n === 0) draft.a = Object.defineProperty({ n }, 'hidden', { value: 7 })
        else draft.log.push(draft.a['hidden'])
      },
    ],
    [
      'for a getter',
      () => (draft, n) => {
        if (n === 0)
          draft['got'] = {
            get list() {
              return []
            },
          }
        else (draft['got'] as { list: number[] }).list.push(n)
      },
    ],
    [
      'for what a match has beside its items',
      () => (draft, n) => {
        if (n === 0) draft['match'] = /(\d)/.exec('ab1')
        else draft.log.push((draft['match'] as RegExpExecArray).index)
      },
    ],
    [
      'for a list of another class',
      () => (draft, n) => {
        if (n === 0) draft.list = Items.from(draft.list.map((item) => ({ ...item })))
        else draft.log.push((draft.list as Items).sum)
      },
    ],
    ['for an instance', () => (draft, n) => void Object.assign(draft, { [`p${n}`]: new Point() })],
    ['for a date', () => (draft, n) => void Object.assign(draft, { date: new Date(n) })],
    ['for a map', () => (draft, n) => void Object.assign(draft, { map: new Map([[n, n]]) })],
  ])('where a reducer asks %s', async (_, make) => {
    const { fallback } = await reopened(make)
    expect(fallback).toMatch(/^record \d cannot be replayed in place: \w*Error: /)
  })

  test('where a reducer freezes what holds a draft, which is finished all the same', async () => {
    const make = (): Apply => (draft, n) => {
      const kept = Object.freeze({ was: draft.a, deep: Object.freeze([{ n, b: draft.b }]) })
      draft['kept'] = { kept, again: kept }
      draft.a.n += 1
    }
    const journal = memoryJournal()
    const live = await definitionWith(make()).open(journal)
    await live.dispatch('change', 0)
    await live.dispatch('change', 1)
    const { state, recovery } = await definitionWith(make()).open(journal)
    const { kept, again } = (state as unknown as Draft)['kept'] as Record<string, unknown>
    expect(kept).toEqual({ was: { n: 2 }, deep: [{ n: 1, b: { n: 1, deep: { n: 2 } } }] })
    expect(again).toBe(kept)
    expect(exact(state)).toBe(exact(live.state))
    expect(recovery.fallback).toContain('it freezes what holds a draft')
  })

  test('where a reducer returns a frozen state with drafts in it', async () => {
    const make = (): Apply => (draft) => Object.freeze({ ...draft, all: Object.freeze([draft.a]) })
    const { fallback } = await reopened(make)
    expect(fallback).toContain('it freezes what holds a draft')
  })

  test('where the state became too deep to be frozen at once', async () => {
    const make = (): Apply => (draft) => {
      for (let level = 0; level < 1_000; level++) draft.a = { n: level, deep: draft.a }
    }
    const journal = memoryJournal()
    const live = await definitionWith(make()).open(journal)
    for (let n = 0; n < 20; n++) await live.dispatch('change', n)
    const { state, recovery } = await definitionWith(make()).open(journal)
    expect(depthOf(state)).toBe(depthOf(live.state))
    expect(recovery.fallback).toMatch(
      /^what record 20 gives cannot be replayed in place: RangeError/,
    )
  })

  test('where a reducer throws in place, whatever it is', async () => {
    for (const thrown of [undefined, null, Symbol('s'), Object.create(null), 7n]) {
      const make = (): Apply => (draft) => {
        if (!attempt(() => current(draft.a)).startsWith('gave')) throw thrown
        draft.a.n += 1
      }
      expect((await reopened(make)).fallback).toContain('record 1 cannot be replayed in place')
    }
  })
})

const depthOf = (state: unknown): number => {
  let depth = 0
  for (let at = state as { a?: unknown; deep?: unknown } | undefined; at; depth++)
    at = (at.a ?? at.deep) as typeof at
  return depth
}

test('a constant that Immer froze cannot be written to in place either', async () => {
  const make = (): Apply => {
    const empty = { n: 0 }
    return (draft, n) => {
      if (n !== 2) draft.a = empty
      if (n === 1) draft.a.n = 5
      if (n === 2) draft.b = empty
    }
  }
  expect((await reopened(make, [0, 1, 2])).fallback).toContain('record 2')
})

test('what a reducer only hands on is moved, however it does that', () => {
  const items = (n: number) => ({ n, items: [{ n }] })
  const wide = defineStore({
    name: 'wide',
    state: { topics: { a: items(1), b: items(2), c: items(3) }, list: [items(4), items(5)] },
    mutations: {
      rest: {
        apply(draft) {
          const { c, ...rest } = draft.topics
          Object.assign(draft, { topics: { ...rest, c: { ...c, n: 0 } } })
        },
      },
      spread: {
        apply: (draft) => ({ ...draft, topics: { ...draft.topics }, list: [...draft.list] }),
      },
      filter: {
        apply: (draft) => void Object.assign(draft, { list: draft.list.filter(({ n }) => n > 0) }),
      },
      sort: { apply: (draft) => void draft.list.sort((one, other) => one.n - other.n) },
      shift: { apply: (draft) => void draft.list.push(draft.list.shift() as never) },
      swap: {
        apply(draft) {
          const { topics } = draft
          ;[topics.a, topics.b] = [topics.b, topics.a]
        },
      },
    },
  })
  type State = typeof wide.initial
  for (const type of ['rest', 'spread', 'filter', 'sort', 'shift', 'swap']) {
    const place = new InPlaceReplay(wide.initial)
    const innermost = ({ topics, list }: State) =>
      new Set([...Object.values(topics), ...list].map((each) => each.items[0]))
    const before = innermost(place.state as State)
    const text = JSON.stringify({ at: '2026-11-22T12:00:00.000Z', type })
    place.apply(decode(definitionOf(wide), { seq: 1, text }))
    expect(innermost(place.state as State), type).toEqual(before)
    for (const each of innermost(place.state as State)) expect(before.has(each), type).toBe(true)
  }
})
