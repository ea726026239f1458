// Registries with their modules, in directories of their own; whatever a test did, its journal replays.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { ModuleDisk } from '../../../../examples/arcella/modules/disk.ts'
import { type Modules, openModules } from '../../../../examples/arcella/modules/index.ts'
import { type RegistryStore, registry } from '../../../../examples/arcella/registry/definition.ts'
import { afterEveryTest } from '../../../endings.ts'
import { EMPTY } from './binaries.ts'

const bases: string[] = []
const open = new Set<RegistryStore>()

afterEveryTest(async () => {
  for (const store of open) await store.close()
  open.clear()
  for (const base of bases.splice(0)) {
    const report = await registry.replayCheck(journalIn(base))
    expect(report).toMatchObject({ ok: true, findings: [] })
    rmSync(base, { recursive: true })
  }
})

export function newBase(): string {
  const base = mkdtempSync(join(tmpdir(), 'arcella-'))
  mkdirSync(join(base, 'in'))
  bases.push(base)
  return base
}

export const journalIn = (base: string): string => join(base, 'registry.jsonl')
export const modulesIn = (base: string): string => join(base, 'modules')
export const directoriesIn = (base: string): string[] => readdirSync(modulesIn(base)).sort()

export interface Daemon {
  readonly store: RegistryStore
  readonly modules: Modules
}
/** With a disk of its own nothing is synced, the registry's journal neither. */
export async function start(base: string, disk?: ModuleDisk): Promise<Daemon> {
  const store = await registry.open(journalIn(base), { durability: disk ? 'os' : 'fsync' })
  open.add(store)
  return { store, modules: await openModules(store, modulesIn(base), disk) }
}
export async function stop({ store }: Daemon): Promise<void> {
  open.delete(store)
  await store.close()
}

/** Other bytes for each number, of a module that is valid. */
export const wasm = (n = 0): Uint8Array => Uint8Array.from([...EMPTY, 0, 2, 1, 97 + n])

/** A package in the directory `in`; its path. */
export function pack(base: string, id = 'a@1.0.0', bytes = wasm(), more = ''): string {
  const path = join(base, 'in', `${id.replace('@', '-')}.wasm`)
  writeFileSync(path, bytes)
  writeFileSync(path.replace('.wasm', '.toml'), `[component]\nid = "${id}"\n${more}`)
  return path
}
