// What random reducers do to their drafts: all that Immer lets them do, and some things that it does not.
import { current, isDraft, original, produce } from 'immer'
import { isTable, table } from 'ministore-ts/table'

const { isFrozen } = Object

export type Tree = { [key: string]: unknown }
export type Step = readonly [what: keyof typeof STEPS, a: number, b: number, c: number, key: string]
/** What a reducer holds in its variables, the draft first; step by step changed. */
export type Held = unknown[]

export const CONSTANTS: unknown[] = [{ k: { a: [1] } }, [{ b: 1 }, { b: 1 }], { a: {}, b: [] }]

/** An object or an array. A table is not a container: its own methods read and change it. */
export const isContainer = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !isTable(value)
const isFree = (value: unknown): value is Tree => isContainer(value) && !Object.isFrozen(value)
export const isList = (value: unknown): value is unknown[] => isFree(value) && Array.isArray(value)

/** Whether `from` leads to `to`: putting it in there would close a circle. */
export const leads = (from: unknown, to: unknown): boolean =>
  from === to || innerOf(from).some((inner) => leads(inner, to))

const innerOf = (value: unknown): unknown[] =>
  isTable(value) ? [...value.values()] : isContainer(value) ? Object.values(value) : []

/** Keys that an array can have too; no array gets holes of more than a few. */
export function put(target: unknown, key: string, value: unknown): void {
  if (!isFree(target) || leads(value, target)) return
  if (Array.isArray(target)) {
    if (/^\d$/.test(key) && Number(key) <= target.length) target[Number(key)] = value
  } else target[key] = value
}

const size = (value: unknown) => JSON.stringify(value)?.length ?? 0

/** Each gives what is then held in place of variable `a`. */
export const STEPS = {
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
  find: ([x, y]: Held, _: unknown, key: string) =>
    isList(x) ? x.find((each) => each === y || (isContainer(each) && key in each)) : x,
  findLast: ([x, y]: Held) => (isList(x) ? x.findLast((each) => each !== y) : x),
  findIndex: ([x]: Held) => (isList(x) ? x.findIndex((each) => [x.at(-1)].includes(each)) : x),
  filterByIndex: ([x]: Held) => (isList(x) ? x.filter((each) => each !== x[0]) : x),
  someEvery: ([x, y]: Held) =>
    isList(x) ? [x.some((each) => each === x[0]), x.every((each) => each !== y)] : x,
  writeInCallback([x, y]: Held, _: unknown, key: string) {
    if (!isList(x)) return x
    return x.filter((each, at) => {
      if (!leads(y, each)) put(each, key, y)
      return at % 2 === 0
    })
  },
  forEach([x]: Held) {
    if (isList(x)) for (const [at, each] of x.entries()) put(each, 'n', at)
    return x
  },
  reduce: ([x]: Held) =>
    isList(x) ? x.reduce<unknown>((last, each) => ({ last: leads(last, each) ? 0 : each }), 0) : x,
  flatMap: ([x]: Held) => (isList(x) ? x.flatMap((each) => (isList(each) ? each : [each])) : x),
  with: ([x, y]: Held) => (isList(x) && x.length > 0 ? x.with(-1, y) : x),
  toSpliced: ([x, y]: Held) => (isList(x) ? x.toSpliced(0, 1, y) : x),
  toReversed: ([x]: Held) => (isList(x) ? x.toReversed() : x),
  at: ([x]: Held) => (isList(x) ? x.at(-1) : x),
  join: ([x]: Held) => (isList(x) ? [...x.keys()].join() : x),
  move([x, y]: Held, _: unknown, key: string) {
    if (!isFree(x) || Array.isArray(x) || !(key in x) || leads(x[key], y)) return x
    const moved = x[key]
    delete x[key]
    put(y, key, moved)
    return moved
  },
  frozen: ([x, y]: Held, _: unknown, key: string) => Object.freeze({ [key]: x, list: [y] }),
  current: ([x]: Held) => (isDraft(x) ? current(x) : x),
  original: ([x]: Held) => (isDraft(x) ? original(x) : x),
  isDraft: ([x, y]: Held) => [isDraft(x), isDraft(y)],
  produce([x, y]: Held, _: unknown, key: string) {
    if (!isContainer(x)) return x
    return produce(x, (inner: Tree) => void (leads(y, x) || put(inner, key, y)))
  },
  produceDeep([x]: Held, _: unknown, key: string) {
    if (!isContainer(x)) return x
    return produce(x, (inner: Tree) => {
      for (const each of Object.values(inner)) if (isContainer(each)) put(each, key, 1)
    })
  },
  keep([x, y]: Held, _: unknown, key: string) {
    if (isTable(x) && !isFrozen(x) && !leads(y, x)) x.set(key, y ?? null)
    return x
  },
  get: ([x]: Held, _: unknown, key: string) => (isTable(x) ? x.get(key) : x),
  drop: ([x]: Held, _: unknown, key: string) =>
    isTable(x) && !isFrozen(x) ? [x.delete(key), x.size] : x,
  update([x, y]: Held, _: unknown, key: string) {
    if (isTable(x) && !isFrozen(x))
      x.update(key, (value) => {
        if (!leads(y, value)) put(value, key, y)
      })
    return x
  },
  entries: ([x]: Held) => (isTable(x) ? [...x.entries()].flat() : x),
  table: ([x, y]: Held, _: unknown, key: string) =>
    table([
      [key, x ?? 0],
      ['y', y ?? 0],
    ]),
}
