// What is where below a base directory.
import { join } from 'node:path'

export interface Layout {
  readonly config: string
  readonly modules: string
  /** What can be lost. */
  readonly cache: string
  readonly log: string
  readonly registry: string
  readonly socket: string
}

export const layoutOf = (base: string): Layout => ({
  config: join(base, 'config/arcella.toml'),
  modules: join(base, 'modules'),
  cache: join(base, 'cache'),
  log: join(base, 'log/arcella.log'),
  registry: join(base, 'registry.jsonl'),
  socket: join(base, 'alme'),
})
