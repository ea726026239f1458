// One of n entries is changed: what it costs when n grows.
import { defineStore, memoryJournal } from 'ministore-ts'
import { type Table, table } from 'ministore-ts/table'
import { z } from 'zod'
import { median, type Role, type Runner, type Skipped, timed } from './measure.ts'
import { immerTopics } from './peers/immer.ts'
import { Missing } from './peers/load.ts'
import { mutativeTopics } from './peers/mutative.ts'
import { reduxTopics } from './peers/redux-toolkit.ts'
import { report } from './progress.ts'
import { atMost, type Line, type Options, type Row } from './row.ts'
import { type Topic, topic, topicEntries, topicsOf } from './topics.ts'

const TABLE = 'ministore, table()'
const size = z.object({ size: z.number().int() })
const payload = z.object({ name: z.string(), partitions: z.number(), owner: z.string() })

const withTable = defineStore({
  name: 'topics',
  state: { topics: table<Topic>() as Table<Topic> },
  mutations: {
    fill: { payload: size, apply: (_, { size }) => ({ topics: table(topicEntries(size)) }) },
    set: { payload, apply: (draft, next) => void draft.topics.set(next.name, next) },
  },
})
const withObject = defineStore({
  name: 'topics',
  state: { topics: {} as Record<string, Topic> },
  mutations: {
    fill: { payload: size, apply: (_, { size }) => ({ topics: topicsOf(size) }) },
    set: {
      payload,
      apply(draft, next) {
        draft.topics[next.name] = next
      },
    },
  },
})

const contestants: readonly {
  readonly name: string
  readonly role: Role
  readonly start: (size: number) => Promise<Runner>
}[] = [
  {
    name: TABLE,
    role: 'ministore',
    async start(size) {
      const store = await withTable.open(memoryJournal())
      await store.dispatch('fill', { size })
      return { call: (n) => store.dispatch('set', topic(n, size)), close: store.close }
    },
  },
  {
    name: 'ministore, plain object',
    role: 'ministore',
    async start(size) {
      const store = await withObject.open(memoryJournal())
      await store.dispatch('fill', { size })
      return { call: (n) => store.dispatch('set', topic(n, size)), close: store.close }
    },
  },
  { name: 'plain Immer', role: 'peer', start: immerTopics },
  { name: 'Redux Toolkit, entity adapter', role: 'peer', start: reduxTopics },
  { name: 'mutative', role: 'peer', start: mutativeTopics },
]

const ROUND_MS = 100

export async function growth(options: Options): Promise<Row> {
  const title = 'growth of the state'
  const sizes = [100, 1000, 10_000, 100_000, ...(options.isQuick ? [] : [1_000_000])]
  const lines = new Map<string, [number, number][]>()
  const skipped: Skipped[] = []
  const ratios: number[] = []
  let small: readonly number[] = []
  for (const size of sizes) {
    for (const { name, start } of contestants) {
      if (skipped.some((each) => each.name === name)) continue
      report(`${title}: ${size} entries, ${name}`)
      try {
        const samples = await sample(await start(size), Math.min(options.rounds, 10))
        lines.set(name, [...(lines.get(name) ?? []), [size, median(samples)]])
        if (name !== TABLE) continue
        if (size === 1000) small = samples
        if (size === sizes.at(-1)) ratios.push(median(samples) / median(small))
      } catch (error) {
        if (!(error instanceof Missing)) throw error
        skipped.push({ name, reason: error.message })
      }
    }
  }
  report()
  const last = sizes.at(-1) ?? 0
  return {
    id: 'growth',
    title,
    work: 'a dispatch in memory that replaces 1 of n entries',
    unit: 'µs',
    figures: [],
    curves: {
      of: 'entries',
      lines: contestants
        .filter(({ name }) => lines.has(name))
        .map(({ name, role }): Line => ({ name, role, points: lines.get(name) ?? [] })),
    },
    targets: [
      atMost(
        `table(): a dispatch at ${last.toLocaleString('en')} entries ≤ 3 × at 1,000`,
        ratios[0] ?? Number.NaN,
        3,
      ),
    ],
    skipped,
    notes: ['the peers’ figures are of the state alone: no schema, no record'],
  }
}

/** Microseconds a call, round by round. Slow ones get few calls, so that they end. */
async function sample({ call, close }: Runner, rounds: number): Promise<number[]> {
  let n = 0
  const once = async (count: number) => {
    const ms = await timed(async () => {
      for (let end = n + count; n < end; n++) await call(n)
    })
    return (ms * 1000) / count
  }
  const first = await once(1)
  const warm = first > 100_000 ? first : await once(first > 5000 ? 10 : 300)
  const count = Math.max(1, Math.min(1000, Math.floor((ROUND_MS * 1000) / warm)))
  const samples: number[] = []
  for (let round = 0; round < (warm > 100_000 ? 3 : rounds); round++)
    samples.push(await once(count))
  await close?.()
  return samples
}
