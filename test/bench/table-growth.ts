// JITI_TSCONFIG_PATHS=true node --import jiti/register test/bench/table-growth.ts [--rounds 15] [--most 1000000]
// What a dispatch, and a replayed record, costs in a store of n entries that touches one of them: with a
// table, with a plain record, and a Map that is changed directly. All sizes take turns in each round, so
// that a ratio between two of them comes from the same minute of a shared machine.
import { parseArgs } from 'node:util'
import { defineStore, memoryJournal } from 'ministore-ts'
import { definitionOf, InPlaceReplay } from 'ministore-ts/check'
import { table } from 'ministore-ts/table'
import { z } from 'zod'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    most: { type: 'string', default: '1000000' },
  },
})
const rounds = Number(values.rounds)
const SIZES = [100, 1_000, 10_000, 100_000, 1_000_000].filter((n) => n <= Number(values.most))
/** Ratios are to this size. */
const BASE = 1_000
/** A plain record of more keys than this takes minutes. */
const MOST_RECORD = 100_000

interface Order {
  id: string
  item: string
  count: number
}
const entriesOf = (n: number) =>
  Array.from({ length: n }, (_, at): [string, Order] => {
    return [`order-${at}`, { id: `order-${at}`, item: 'paper 80 g A4', count: at % 10 }]
  })
const payload = z.object({ id: z.string(), by: z.int() })

const withTable = (n: number) =>
  defineStore({
    name: 'orders',
    state: { orders: table(entriesOf(n)) },
    mutations: {
      change: {
        payload,
        apply(draft, { id, by }) {
          const order = draft.orders.get(id)
          if (order) order.count += by
        },
      },
      add: {
        payload,
        apply: (draft, { id, by }) => draft.orders.set(id, { id, item: '', count: by }),
      },
    },
  })

const withRecord = (n: number) =>
  defineStore({
    name: 'orders',
    state: { orders: Object.fromEntries(entriesOf(n)) as Record<string, Order> },
    mutations: {
      change: {
        payload,
        apply(draft, { id, by }) {
          const order = draft.orders[id]
          if (order) order.count += by
        },
      },
      add: {
        payload,
        apply(draft, { id, by }) {
          draft.orders[id] = { id, item: '', count: by }
        },
      },
    },
  })
type Definition = ReturnType<typeof withTable> | ReturnType<typeof withRecord>
type Type = 'change' | 'add'

interface Runner {
  readonly name: string
  readonly n: number
  /** How often in a round. */
  readonly count: number
  readonly run: (times: number) => unknown
  /** Microseconds each, by round. */
  readonly times: number[]
}

let step = 0
/** Spread over all keys, and never the same twice in a row. */
function nextId(type: Type, n: number): string {
  step += 7_919
  return type === 'add' ? `new-${step}` : `order-${step % n}`
}

async function dispatching(name: string, made: Definition, n: number, type: Type, count: number) {
  const store = await (made as ReturnType<typeof withTable>).open(memoryJournal())
  const run = async (times: number) => {
    for (let i = 0; i < times; i++) await store.dispatch(type, { id: nextId(type, n), by: 1 })
  }
  return { name: `${name}: dispatch ${type}`, n, count, times: [], run }
}

function replaying(name: string, made: Definition, n: number, type: Type): Runner {
  const { initial, mutations } = definitionOf(made as never)
  const mutation = mutations.get(type)
  if (!mutation) throw new Error(`there is no ${type}`)
  const place = new InPlaceReplay(initial)
  const meta = { seq: 1, at: new Date().toISOString() }
  const run = (times: number) => {
    for (let i = 0; i < times; i++) {
      place.apply({
        meta,
        parts: [{ mutation, payload: { id: nextId(type, n), by: 1 }, text: '' }],
      })
    }
  }
  return { name: `${name}: replay ${type}`, n, count: 2_000, times: [], run }
}

function mapping(n: number): Runner {
  const map = new Map(entriesOf(n))
  const run = (times: number) => {
    for (let i = 0; i < times; i++) {
      const order = map.get(nextId('change', n))
      if (order) order.count += 1
    }
  }
  return { name: 'Map: change', n, count: 20_000, times: [], run }
}

const median = (all: readonly number[]) =>
  all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? Number.NaN

const runners: Runner[] = []
for (const n of SIZES) {
  const tables = withTable(n)
  for (const type of ['change', 'add'] as const) {
    runners.push(await dispatching('table', tables, n, type, 200))
    runners.push(replaying('table', tables, n, type))
  }
  if (n <= MOST_RECORD) {
    const records = withRecord(n)
    const count = Math.max(2, Math.min(200, Math.floor(200_000 / n)))
    runners.push(await dispatching('record', records, n, 'change', count))
    runners.push(replaying('record', records, n, 'change'))
  }
  runners.push(mapping(n))
}

for (let round = -2; round < rounds; round++) {
  for (const { run, count, times } of runners) {
    const start = performance.now()
    await run(count)
    // The first two warm up.
    if (round >= 0) times.push(((performance.now() - start) * 1_000) / count)
  }
}

console.log(
  `Node ${process.version}, medians of ${rounds} rounds: µs each (ratio to ${BASE} entries)`,
)
console.log(''.padEnd(24) + SIZES.map((n) => n.toLocaleString('en').padStart(18)).join(''))
for (const name of new Set(runners.map((each) => each.name))) {
  const base = runners.find((each) => each.name === name && each.n === BASE)?.times ?? []
  const cells = SIZES.map((n) => {
    const times = runners.find((each) => each.name === name && each.n === n)?.times
    if (!times) return '–'.padStart(18)
    const ratio = median(times.map((time, round) => time / (base[round] ?? Number.NaN)))
    return `${median(times).toFixed(1)} (${ratio.toFixed(2)})`.padStart(18)
  })
  console.log(name.padEnd(24) + cells.join(''))
}
