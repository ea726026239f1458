// Runs hoarder.ts until the heap is full, and tells of each record that was acknowledged.
import { setImmediate } from 'node:timers/promises'
import { entryOf, type Hoarding, hoard } from './hoarder.ts'

const [path = '', what = 'dispatch'] = process.argv.slice(2) as [string?, Hoarding?]
const say = (word: string, seq: number) => void process.stdout.write(`${word} ${seq}\n`)

const store = await hoard.open(path)
say('opened', store.seq)
for (let done = 0; what === 'dispatch' || done < 200; done++) {
  const { seq } = await store.dispatch('add', { entry: entryOf(store.seq + 1) })
  say('acknowledged', seq)
}
// Garbage that is never free fills the heap while one snapshot or compaction follows the other.
const garbage: string[][] = []
const filling = (async () => {
  for (;;) {
    garbage.push(Array.from({ length: 1000 }, (_, index) => `${garbage.length} ${index}`))
    await setImmediate()
  }
})()
filling.catch(() => undefined)
for (;;) {
  const { seq } = await store.dispatch('add', { entry: entryOf(store.seq + 1) })
  say('acknowledged', seq)
  say('begun', seq)
  await (what === 'snapshot' ? store.snapshot() : store.compact({ archive: false }))
}
