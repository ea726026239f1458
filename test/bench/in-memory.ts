// A dispatch without a disk: what schema, reducer and canonical text cost on top of Immer.
import { memoryJournal } from 'ministore-ts'
import { type Contestant, race } from './measure.ts'
import { order, orders, warmUp } from './orders.ts'
import { castore } from './peers/castore.ts'
import { emmettInMemory } from './peers/emmett.ts'
import { bareImmer } from './peers/immer.ts'
import { mutative } from './peers/mutative.ts'
import { reduxToolkit } from './peers/redux-toolkit.ts'
import { atMost, directoryIn, type Options, type Row } from './row.ts'

const ministore: Contestant = {
  ...{ name: 'ministore, in memory', role: 'ministore' },
  note: 'schema, reducer, canonical text, a record kept; each dispatch awaited',
  async start() {
    const store = await orders.open(memoryJournal())
    return { call: (n) => store.dispatch('put', order(n)), close: store.close }
  },
}

export async function inMemory(options: Options): Promise<Row> {
  const title = 'in memory, one caller'
  await warmUp(options)
  const contestants = [bareImmer, ministore, reduxToolkit, mutative, emmettInMemory, castore]
  const { figures, skipped, ratio } = await race(title, contestants, {
    ...{ rounds: options.rounds, count: 2000, way: 'in turn', directory: directoryIn(options) },
  })
  return {
    id: 'in-memory',
    title,
    work: 'one of 16 orders is put; no disk',
    unit: 'µs',
    figures,
    targets: [atMost('ministore ≤ 2 × bare Immer', ratio(ministore.name, bareImmer.name), 2)],
    skipped,
  }
}
