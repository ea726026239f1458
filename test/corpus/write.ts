// node --import jiti/register test/corpus/write.ts
// Writes journals of every feature into v1/, with what they give. Run it for a new version of the format only, into a
// folder of its own: files that are there already are what later versions have to open.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { vault } from 'ministore-ts/secrets'
import { testKeys } from 'ministore-ts/testing'
import { corpus, first } from './definition.ts'

const directory = fileURLToPath(new URL('v1', import.meta.url))
if (existsSync(directory)) throw new Error(`${directory} exists: a corpus is written once`)
mkdirSync(directory)
const NOON = Date.parse('2026-11-22T12:00:00.000Z')
const pathOf = (name: string) => join(directory, `${name}.jsonl`)
const open = (name: string, chain = false) => corpus.open(pathOf(name), { now: () => NOON, chain })
type Opened = Awaited<ReturnType<typeof open>>

const older = await first.open(pathOf('records'), { now: () => NOON })
await older.dispatch('named', { title: 'of an older version' })
await older.close()
const records = await open('records')
await records.dispatch('named', { name: 'Zürich 🌍 \u2028' }, { key: 'req-1' })
// One group commit: the second and third have an index in it.
await Promise.all(['a', 'b', 'c'].map((name) => records.dispatch('named', { name })))
await records.dispatchAll([{ type: 'named', payload: { name: 'in a batch' } }, { type: 'odd' }])
await records.execute('nameAll', ['by', 'command'])
await records.close()

const asked = await open('asked')
const ann = asked.with({ metadata: { actor: 'ann' } })
const reason = 'a typo'
await ann.dispatch('named', { name: 'x' }, { metadata: { reason, causationId: 'mail-1' } })
await ann.execute('nameAll', ['y', 'z'], { key: 'req-2', metadata: { correlationId: 'order-7' } })
await ann.execute('nameAll', [], { key: 'req-3' })
await ann.transaction((tx) => tx.dispatch('counted', { key: 'k' }).seq, { key: 'req-4' })
await asked.close()

const fill = async (store: Opened) => {
  for (const key of ['one', 'two', '__proto__', 'one']) await store.dispatch('counted', { key })
  await store.dispatch('odd')
  await store.dispatch('named', { name: 'long '.repeat(100) }, { key: 'req-5' })
}
const compacted = await open('compacted')
await fill(compacted)
await compacted.compact({ archive: false })
await compacted.dispatch('named', { name: 'after' })
await compacted.close()

const chained = await open('chained', true)
await fill(chained)
await chained.close()

const compactedChain = await open('compacted-chain', true)
await fill(compactedChain)
await compactedChain.compact({ archive: false })
await compactedChain.dispatch('named', { name: 'after' })
await compactedChain.close()

const snapshot = await open('snapshot')
await fill(snapshot)
await snapshot.snapshot()
await snapshot.dispatch('named', { name: 'after' })
await snapshot.close()

const secrets = await open('secrets')
const sealed = await vault(corpus, testKeys()).seal('emailed', {
  id: 'user-7',
  email: 'ann@example.org',
})
await secrets.dispatch('emailed', sealed)
await secrets.close()

const expected: Record<string, { seq: number; digest: string }> = {}
const names = 'records asked compacted chained compacted-chain snapshot secrets'.split(' ')
for (const name of names) {
  const { seq, digest } = await corpus.replay(pathOf(name))
  expected[name] = { seq, digest }
}
writeFileSync(join(directory, 'expected.json'), `${JSON.stringify(expected, undefined, 2)}\n`)
