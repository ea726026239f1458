// Reading the state is reading a property.
import { type Contestant, race } from './measure.ts'
import { order, orders } from './orders.ts'
import { reduxOrders } from './peers/redux-toolkit.ts'
import { atMost, directoryIn, type Options, type Row } from './row.ts'

const READS = 1_000_000

const reading = (
  names: Pick<Contestant, 'name' | 'role' | 'note'>,
  prepare: () => Promise<() => { readonly total: number }>,
  every = 1,
): Contestant => ({
  ...names,
  async start() {
    const read = await prepare()
    const many = (_: number, count: number) => {
      let sum = 0
      for (let n = 0; n < count; n += every) sum += read().total
      if (Number.isNaN(sum)) throw new Error('the state has no total')
    }
    return { call: read, many, isSync: true }
  },
})

async function filled() {
  const store = await orders.memory()
  for (let n = 0; n < 1000; n++) await store.dispatch('put', order(n, 1000))
  return store
}

export async function reads(options: Options): Promise<Row> {
  const title = 'reading the state'
  const store = await filled()
  const { state } = store
  if (store.state !== state) throw new Error('store.state is another object each time')
  const contestants = [
    reading({ name: 'a property of an object', role: 'floor' }, async () => {
      const holder = { state }
      return () => holder.state
    }),
    reading({ name: 'ministore: store.state', role: 'ministore' }, async () => () => store.state),
    reading({ name: 'Redux Toolkit: getState()', role: 'peer' }, async () => {
      const redux = await reduxOrders()
      for (let n = 0; n < 16; n++) redux.put(n)
      return redux.store.getState
    }),
    reading(
      {
        ...{ name: 'structuredClone of the state', role: 'peer' },
        note: 'what the seed’s ministate does for each read; 1 in 100,000 is made',
      },
      async () => () => structuredClone(state),
      100_000,
    ),
  ]
  const { figures, skipped } = await race(title, contestants, {
    ...{ rounds: options.rounds, count: READS, way: 'in turn', scale: 1000 },
    directory: directoryIn(options),
  })
  await store.close()
  // The one in 100,000 stands for all of them.
  const corrected = figures.map((figure) =>
    figure.name.startsWith('structuredClone')
      ? { ...figure, value: figure.value * 100_000, ratio: (figure.ratio ?? Number.NaN) * 100_000 }
      : figure,
  )
  const own = figures.find(({ role }) => role === 'ministore')?.value ?? Number.NaN
  return {
    id: 'reads',
    title,
    work: 'state.total of a state of 1,000 orders; the same object each time, so nothing is copied',
    unit: 'ns',
    figures: corrected,
    targets: [atMost('store.state in nanoseconds, as only a property read can be', own, 20)],
    skipped,
  }
}
