// The programs that are killed, and what is found in their directories afterwards.
import { join } from 'node:path'
import { sqliteJournal } from 'ministore-ts/sqlite'
import { openModules } from '../../../examples/arcella/modules/index.ts'
import { registry as arcella } from '../../../examples/arcella/registry/definition.ts'
import { layoutOf } from '../../../examples/arcella/runtime/layout.ts'
import { registry as quickstart } from '../../../examples/quickstart/registry.ts'
import { openBroker } from '../../../examples/walmq/broker/broker.ts'
import type { Broker } from '../../../examples/walmq/broker/types.ts'
import { names } from '../../shared/names.ts'

export interface LossyProgram {
  readonly entry: string
  /** Its arguments, in the `life`-th process on these files. */
  argv(files: string, life: number): readonly string[]
  /** Opens what it left, as its next process would: value by subject. Throws if that is refused. */
  observe(files: string): Promise<Map<string, string>>
}

export const PROGRAMS = {
  quickstart: {
    entry: 'examples/quickstart/import.ts',
    argv: (files) => [join(files, 'registry.jsonl')],
    async observe(files) {
      const store = await quickstart.open(join(files, 'registry.jsonl'))
      const ids = Object.keys(store.state.packages)
      await store.close()
      return new Map(ids.map((id) => [id, 'there']))
    },
  },
  walmq: {
    entry: 'test/trust/lossy/programs/walmq.ts',
    argv: (files, life) => [files, String(life)],
    async observe(files) {
      const broker = await openBroker(files, { retentionEveryMs: null })
      try {
        return new Map([
          ...topicsOf(broker),
          ...acknowledgements(broker),
          ...(await messages(broker)),
        ])
      } finally {
        await broker.close()
      }
    },
  },
  arcella: {
    entry: 'test/trust/lossy/programs/arcella.ts',
    argv: (files, life) => [files, String(life)],
    async observe(files) {
      const { registry: journal, modules: directory } = layoutOf(files)
      const store = await arcella.open(journal)
      try {
        const modules = await openModules(store, directory)
        const found = new Map<string, string>()
        for (const [key, { manifest }] of store.state.installedModules) {
          const wrong = await modules.check(manifest.id)
          found.set(`module ${key}`, wrong ? String(wrong) : 'there')
        }
        for (const [id, { full }] of store.state.deployments)
          found.set(`deployment ${id}`, String(full.replicas))
        return found
      } finally {
        await store.close()
      }
    },
  },
  sqlite: {
    entry: 'test/trust/lossy/programs/sqlite.ts',
    argv: (files, life) => [join(files, 'names.db'), String(life)],
    async observe(files) {
      const store = await names.open(
        sqliteJournal({ file: join(files, 'names.db'), name: 'names' }),
      )
      const found = new Map(Object.entries(store.state.taken))
      await store.close()
      return found
    },
  },
} satisfies Record<string, LossyProgram>

export type LossyProgramName = keyof typeof PROGRAMS

const topicsOf = (broker: Broker): [string, string][] =>
  broker.listTopics().map(({ name }) => [`topic ${name}`, 'there'])

function acknowledgements(broker: Broker): [string, string][] {
  const readers = broker.listGroups().find(({ group }) => group === 'readers')
  const cursors = readers?.subscriptions.find(({ topic }) => topic === 'load')?.cursors ?? []
  return cursors.flatMap(({ next, ahead }, partition) => {
    const below = Array.from({ length: next }, (_, offset) => offset)
    const above = ahead.flatMap(([from, to]) =>
      Array.from({ length: to - from + 1 }, (_, index) => from + index),
    )
    return [...below, ...above].map((offset): [string, string] => [
      `acknowledgement ${partition}/${offset}`,
      'there',
    ])
  })
}

/** By their bodies, which begin with their publisher and number. */
async function messages(broker: Broker): Promise<[string, string][]> {
  const load = broker.listTopics().find(({ name }) => name === 'load')
  const count = load?.log.reduce((sum, { end }) => sum + end, 0) ?? 0
  if (count === 0) return []
  const found: [string, string][] = []
  const consumer = await broker.subscribe('load', {
    group: 'audit',
    from: 'earliest',
    maxInFlight: Math.min(count, 10_000),
  })
  for await (const item of consumer) {
    if (item.type !== 'message') throw new Error('a message was removed')
    const [publisher, number] = item.body.toString().split(' ')
    found.push([`message ${publisher} ${number}`, `${item.partition}/${item.offset}`])
    if (found.length === count) break
  }
  await consumer.close()
  await broker.deleteGroup('audit')
  return found
}
