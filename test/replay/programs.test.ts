// Random reducers that hold on to drafts, put them elsewhere, compare them, and return what they like.
import fc from 'fast-check'
import { defineStore, type Json, memoryJournal } from 'ministore-ts'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { exact } from './exact.ts'

type Tree = { [key: string]: unknown }
type Step = readonly [what: keyof typeof STEPS, a: number, b: number, c: number, key: string]
/** What a reducer holds in its variables, the draft first; step by step changed. */
type Held = unknown[]

const CONSTANTS: unknown[] = [{ k: { a: [1] } }, [{ b: 1 }, { b: 1 }], { a: {}, b: [] }]

const isContainer = (value: unknown): value is Tree => typeof value === 'object' && value !== null
const isFree = (value: unknown): value is Tree => isContainer(value) && !Object.isFrozen(value)
const isList = (value: unknown): value is unknown[] => isFree(value) && Array.isArray(value)

/** Whether `from` leads to `to`: putting it in there would close a circle. */
const leads = (from: unknown, to: unknown): boolean =>
  from === to || (isContainer(from) && Object.values(from).some((inner) => leads(inner, to)))

/** Keys that an array can have too; no array gets holes of more than a few. */
function put(target: unknown, key: string, value: unknown): void {
  if (!isFree(target) || leads(value, target)) return
  if (Array.isArray(target)) {
    if (/^\d$/.test(key) && Number(key) <= target.length) target[Number(key)] = value
  } else target[key] = value
}

const size = (value: unknown) => JSON.stringify(value)?.length ?? 0

/** Each gives what is then held in place of variable `a`. */
const STEPS = {
  read: ([x]: Held, _: unknown, key: string) => (isContainer(x) ? x[key] : x),
  root: (_: Held, held: Held) => held[0],
  set([x, y]: Held, _: unknown, key: string) {
    put(x, key, y)
    return x
  },
  setAndRead([x, y]: Held, _: unknown, key: string) {
    put(x, key, y)
    return isContainer(x) ? x[key] : y
  },
  remove([x]: Held, _: unknown, key: string) {
    if (isFree(x) && (!Array.isArray(x) || key in x)) delete x[key]
    return x
  },
  fresh: ([x, y, z]: Held, _: unknown, key: string) => ({ [key]: x, n: { deep: [y, z] } }),
  list: ([x, y]: Held) => [x, { y }, x],
  spread: ([x]: Held) => {
    if (!isContainer(x)) return x
    return Array.isArray(x) ? [...x] : { ...x }
  },
  rest([x]: Held, _: unknown, key: string) {
    if (!isContainer(x) || Array.isArray(x)) return x
    const { [key]: dropped, ...rest } = x
    return rest
  },
  deepSpread([x, y]: Held, _: unknown, key: string) {
    if (!isContainer(x) || Array.isArray(x)) return x
    const inner = x[key]
    return { ...x, [key]: isContainer(inner) && !Array.isArray(inner) ? { ...inner, y } : y }
  },
  assign([x, y]: Held) {
    if (isFree(x) && isContainer(y) && !Array.isArray(x) && !Array.isArray(y) && !leads(y, x))
      Object.assign(x, y)
    return x
  },
  swap([x]: Held, _: unknown, key: string) {
    if (isFree(x) && !Array.isArray(x) && key in x && 'a' in x) [x['a'], x[key]] = [x[key], x['a']]
    if (isList(x) && x.length > 1) [x[0], x[1]] = [x[1], x[0]]
    return x
  },
  turn([x]: Held) {
    return isContainer(x) && !Array.isArray(x) ? Object.fromEntries(Object.entries(x).reverse()) : x
  },
  push([x, y, z]: Held) {
    if (isList(x) && !leads(y, x) && !leads(z, x)) x.push(y, z)
    return x
  },
  unshift([x, y]: Held) {
    if (isList(x) && !leads(y, x)) x.unshift(y)
    return x
  },
  pop: ([x]: Held) => (isList(x) ? x.pop() : x),
  shift: ([x]: Held) => (isList(x) ? x.shift() : x),
  splice([x, y]: Held) {
    return isList(x) && !leads(y, x) ? x.splice(1, 1, y, y) : x
  },
  spliceAll: ([x]: Held) => (isList(x) ? x.splice(0) : x),
  reverse([x]: Held) {
    return isList(x) ? x.reverse() : x
  },
  sort([x]: Held) {
    return isList(x) ? x.sort((one, other) => size(one) - size(other)) : x
  },
  fill([x, y]: Held) {
    return isList(x) && !leads(y, x) ? x.fill(y, 1) : x
  },
  copyWithin([x]: Held) {
    return isList(x) ? x.copyWithin(0, 1) : x
  },
  truncate([x]: Held) {
    if (isList(x)) x.length = Math.min(x.length, 1)
    return x
  },
  filter: ([x, y]: Held) => (isList(x) ? x.filter((each) => each !== y) : x),
  map: ([x]: Held) =>
    isList(x)
      ? x.map((each, n) => (isContainer(each) && !Array.isArray(each) ? { ...each, n } : each))
      : x,
  concat: ([x, y]: Held) => (isList(x) ? x.concat(y, [y]) : x),
  flat: ([x]: Held) => (isList(x) ? x.flat() : x),
  slice: ([x]: Held) => (isList(x) ? x.slice(-2) : x),
  sorted: ([x]: Held) => (isList(x) ? x.toSorted((a, b) => size(b) - size(a)) : x),
  values: ([x]: Held) => (isContainer(x) ? Object.values(x) : x),
  negate: ([x]: Held) => (typeof x === 'number' ? -x : x),
  json: ([x]: Held) => size(x),
  parsed: ([x]: Held) => (x === undefined ? x : JSON.parse(JSON.stringify(x))),
  keys: ([x]: Held) => (isContainer(x) ? Object.keys(x).join() : x),
  forIn([x]: Held) {
    const keys: string[] = []
    if (isContainer(x)) for (const each in x) keys.push(each)
    return keys
  },
  isIn: ([x]: Held, _: unknown, key: string) =>
    isContainer(x) && [key in x, Object.hasOwn(x, key), Reflect.ownKeys(x).length].join(),
  isEqual: ([x, y]: Held, _: unknown, key: string) =>
    x === y || (isContainer(x) && isContainer(y) && x[key] === y[key]),
  indexOf: ([x, y]: Held) => (isList(x) ? x.indexOf(y) : x),
  includes: ([x, y]: Held) => (isList(x) ? [x.includes(y), x.lastIndexOf(y)] : x),
  unique: ([x]: Held) => (isList(x) ? [...new Set(x)] : x),
  length: ([x]: Held) => (isList(x) ? x.length : x),
}

const names = Object.keys(STEPS) as (keyof typeof STEPS)[]
const step = z.tuple([z.enum(names), z.int(), z.int(), z.int(), z.string()])

const anything = defineStore({
  name: 'anything',
  state: {
    a: { a: { a: { a: 1 }, b: [] }, k: { n: 1 } },
    b: [{ a: 1 }, { b: [1, 2] }, 3, [{ k: 1 }]],
    k: { n: { a: {}, b: {} } },
    log: [],
  } as { [key: string]: Json },
  mutations: {
    run: {
      payload: z.object({
        steps: z.array(step),
        values: z.array(z.json()),
        constant: z.int().nullable(),
        /** The variable that is returned, where nothing was changed. */
        returned: z.int().nullable(),
      }),
      apply(given, { steps, values, constant, returned }) {
        const draft = given as Tree
        const held: Held = [draft, draft['a'], draft['b'], ...values]
        for (const [what, a, b, c, key] of steps as Step[]) {
          held[a] = STEPS[what]([held[a], held[b], held[c]], held, key)
        }
        const found = returned === null ? undefined : held[returned]
        if (isContainer(found)) return found as never
        // What is held at last can only be seen where it is kept.
        const log = draft['log']
        for (const each of held.slice(1)) if (isList(log) && !leads(each, log)) log.push(each)
        // Once more the same object, which may be in the state already.
        if (constant !== null) put(draft, constant % 2 ? 'a' : 'k', CONSTANTS[constant])
        if (isList(log) && log.length > 12) draft['log'] = log.slice(-4)
        return undefined
      },
    },
  },
})

const variable = fc.integer({ min: 0, max: 5 })
const key = fc.constantFrom('a', 'b', 'k', 'n', 'log', '0', '1', '2', '7')
const payload = fc.record({
  steps: fc.array(fc.tuple(fc.constantFrom(...names), variable, variable, variable, key), {
    maxLength: 10,
  }),
  values: fc.array(fc.jsonValue({ maxDepth: 2 }), { maxLength: 3 }),
  constant: fc.option(fc.integer({ min: 0, max: CONSTANTS.length - 1 })),
  returned: fc.option(variable, { freq: 8 }),
})

/** Undefined for a cycle. */
function exactly(state: unknown): string | undefined {
  try {
    return exact(state)
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

const RUNS = Number(process.env['MINISTORE_RUNS'] ?? 600)

test('whatever a reducer does with the drafts it holds, replay in place gives what Immer gave', async () => {
  let [runs, fallbacks, records] = [0, 0, 0]
  const constants = JSON.stringify(CONSTANTS)
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(payload, { minLength: 1, maxLength: 2 }), { maxLength: 8 }),
      async (batches) => {
        const journal = memoryJournal()
        const live = await anything.open(journal)
        for (const batch of batches) {
          const mutations = batch.map((each) => ({ type: 'run', payload: each }) as const)
          // What cannot be applied is in no journal.
          await live.dispatchAll(mutations as never).catch(() => undefined)
        }
        const expected = exactly(live.state)
        // A cycle is no JSON, and no reducer's business.
        fc.pre(expected !== undefined)
        const replayed = await anything.open(journal)
        expect(exact(replayed.state)).toBe(expected)
        if (replayed.recovery.fallback) fallbacks += 1
        runs += 1
        records += replayed.recovery.records
      },
    ),
    { numRuns: RUNS },
  )
  expect(JSON.stringify(CONSTANTS)).toBe(constants)
  // Otherwise it would not be replay in place that is tested.
  expect(fallbacks / runs).toBeLessThan(0.2)
  expect(records / runs).toBeGreaterThan(1)
}, 3_600_000)
