// node … app.js <journal>: what a service does with a store, as one line of JSON.
import { defineStore } from 'ministore-ts'
import { table } from 'ministore-ts/table'
import { z } from 'zod'

const tickets = defineStore({
  name: 'tickets',
  state: { byId: table() },
  mutations: {
    open: {
      payload: z.object({ id: z.string() }),
      apply(draft, { id }) {
        draft.byId.set(id, { at: [1] })
      },
    },
  },
})
const [path] = process.argv.slice(2)
async function main() {
  const store = await tickets.open(path)
  await store.dispatch('open', { id: 'a' })
  const second = await tickets.open(path).catch(({ code }) => code)
  await store.snapshot()
  await store.close()
  const { ok } = await tickets.replayCheck(path)
  const url = await tickets.open('postgres://u:s3cret@h/db#j').catch((error) => error)
  const answer = { seq: store.seq, second, ok, url: `${url.code} ${url.message}` }
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}
void main()
