// node replay.mjs <directory>: replays a copy of fixture.jsonl there, writes to it, and says as one
// line of JSON what came of it. The same on every runtime: plain JavaScript, packages by name.
import { createHash } from 'node:crypto'
import { appendFileSync, copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { StoreError } from 'ministore-ts'
import { digest } from 'ministore-ts/check'
import { parcels } from './definition.mjs'

const [directory = '.'] = process.argv.slice(2)
const path = join(directory, 'parcels.jsonl')
copyFileSync(new URL('fixture.jsonl', import.meta.url), path)
const said = { ...runtime() }
const options = clock()

await run('replay', async () => {
  const reader = await parcels.open(path, { readOnly: true })
  said.seq = reader.seq
  said.digest = await digest(reader.state)
  await reader.close()
  const report = await parcels.replayCheck(path, { digest: said.digest })
  if (!report.ok) throw new Error(JSON.stringify(report.problems))
})
await run('lock', async () => {
  const first = await parcels.open(path, options)
  const error = await parcels.open(path).catch((reason) => reason)
  await first.close()
  if (error.code !== 'locked') throw new Error(`a second writer was let in: ${error}`)
})
await run('write', async () => {
  const store = await parcels.open(path, options)
  await store.dispatch('write', 'of a runtime \u2028 😀', { key: 'runtime' })
  const again = await store.dispatch('write', 'of a runtime \u2028 😀', { key: 'runtime' })
  if (!again.duplicate) throw new Error('a repeated key was no duplicate')
  await Promise.all(['a', 'b'].map((text) => store.dispatch('write', text)))
  const refused = await store.dispatch('add', { name: 'Zürich', tags: [] }).safe()
  if (refused.code !== 'taken') throw new Error('the check did not refuse')
  await store.close()
})
await run('reopen', async () => {
  said.file = createHash('sha256').update(readFileSync(path)).digest('hex')
  appendFileSync(path, '{"seq":34,"at')
  const store = await parcels.open(path, { ...options, sync: 'blocking' })
  const { kind } = store.recovery.found ?? {}
  if (kind !== 'torn_write') throw new Error(`the torn write was ${kind}`)
  said.after = { seq: store.seq, digest: await digest(store.state) }
  await store.close()
})
await run('create', async () => {
  const store = await parcels.open(join(directory, 'new/parcels.jsonl'), options)
  await store.dispatchAll([{ type: 'tick' }, { type: 'measure', payload: [1e21] }])
  let count = 0
  for await (const { parts } of store.records()) count += parts
  await store.close()
  if (count !== 4) throw new Error(`it read ${count} back, not both mutations of the batch`)
})
console.log(JSON.stringify(said))

/** 'works', or what it was refused with. What is no StoreError is a crash. */
async function run(what, promise) {
  try {
    await promise()
    said[what] = 'works'
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    said[what] = { code: error.code, message: error.message }
  }
}

function clock() {
  let time = Date.parse('2026-11-22T13:00:00.000Z')
  return { now: () => (time += 1000) }
}

function runtime() {
  const { bun, deno, node } = process.versions
  if (bun) return { runtime: 'bun', version: bun }
  return deno ? { runtime: 'deno', version: deno } : { runtime: 'node', version: node }
}
