// Listeners: what they cost a dispatch, and what coming and going costs.
import { memoryJournal } from 'ministore-ts'
import { median, type Skipped, timed } from './measure.ts'
import { order, orders } from './orders.ts'
import { Missing } from './peers/load.ts'
import { reduxOrders } from './peers/redux-toolkit.ts'
import { report } from './progress.ts'
import { atMost, type Line, type Options, type Row } from './row.ts'

interface Subscribable {
  dispatch(n: number): unknown
  /** Selects one order, one of 16. */
  subscribe(n: number): () => void
  close?(): unknown
}

async function ministore(): Promise<Subscribable> {
  const store = await orders.open(memoryJournal())
  return {
    dispatch: (n) => store.dispatch('put', order(n)),
    subscribe(n) {
      const id = `order-${n % 16}`
      return store.subscribe(
        (state) => state.orders[id],
        () => undefined,
      )
    },
    close: store.close,
  }
}

async function redux(): Promise<Subscribable> {
  const { store, put } = await reduxOrders()
  return {
    dispatch: put,
    subscribe(n) {
      const id = `order-${n % 16}`
      let last = store.getState().orders[id]
      return store.subscribe(() => {
        const next = store.getState().orders[id]
        if (next !== last) last = next
      })
    },
  }
}

const contestants = [
  { name: 'ministore', role: 'ministore', start: ministore },
  { name: 'Redux Toolkit', role: 'peer', start: redux },
] as const

export async function subscribers(options: Options): Promise<Row> {
  const title = 'subscribers'
  const sizes = [1, 1000, 10_000, 100_000]
  const lines: Line[] = []
  const skipped: Skipped[] = []
  const perSubscriber = new Map<number, number>()
  const coming = new Map<number, number>()
  for (const { name, role, start } of contestants) {
    const points: [number, number][] = []
    try {
      for (const size of sizes) {
        report(`${title}: ${size}, ${name}`)
        const { dispatchUs, comingUs } = await sample(await start(), size, options)
        points.push([size, dispatchUs])
        if (role !== 'ministore') continue
        perSubscriber.set(size, (dispatchUs - (points[0]?.[1] ?? 0)) / size)
        coming.set(size, comingUs)
      }
      lines.push({ name, role, points })
    } catch (error) {
      if (!(error instanceof Missing)) throw error
      skipped.push({ name, reason: error.message })
    }
  }
  report()
  const grown = (by: Map<number, number>) =>
    (by.get(100_000) ?? Number.NaN) / (by.get(1000) ?? Number.NaN)
  return {
    id: 'subscribers',
    title,
    work: 'a dispatch in memory, heard by n subscribers, each with a selector; 1 in 16 changes',
    unit: 'µs',
    figures: [],
    curves: { of: 'subscribers', lines },
    targets: [
      atMost(
        'a dispatch, per subscriber: at 100,000 ≤ 10 × at 1,000 (quadratic: 100)',
        grown(perSubscriber),
        10,
      ),
      atMost(
        'subscribing and leaving, each: at 100,000 ≤ 10 × at 1,000 (quadratic: 100)',
        grown(coming),
        10,
      ),
    ],
    skipped,
  }
}

async function sample(
  { dispatch, subscribe, close }: Subscribable,
  size: number,
  { rounds }: Options,
): Promise<{ dispatchUs: number; comingUs: number }> {
  for (let n = 0; n < 5000; n++) await dispatch(n)
  const leaves: (() => void)[] = []
  const came = await timed(() => {
    for (let n = 0; n < size; n++) leaves.push(subscribe(n))
  })
  const count = Math.max(3, Math.min(1000, Math.floor(100_000 / size)))
  const samples: number[] = []
  for (let round = 0; round < Math.min(rounds, 10); round++) {
    const ms = await timed(async () => {
      for (let n = 0; n < count; n++) await dispatch(n)
    })
    samples.push((ms * 1000) / count)
  }
  const left = await timed(() => {
    for (const leave of leaves) leave()
  })
  await close?.()
  return { dispatchUs: median(samples), comingUs: ((came + left) * 1000) / size }
}
