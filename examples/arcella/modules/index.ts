// The modules' files, and the registry that knows them. Installing: files, then the mutation. Removing: the
// mutation, then files. So a crash leaves at most a directory that the registry does not know, and the
// next start removes that.
import { randomUUID } from 'node:crypto'
import { dirname, join } from 'node:path'
import { type Immutable, Rejection } from 'ministore-ts'
import type { RegistryStore } from '../registry/definition.ts'
import { type ModuleId, moduleKey } from '../registry/ids.ts'
import type { ModuleFacts } from '../registry/modules.ts'
import { moduleExists, noSuchModule } from '../registry/refusals.ts'
import { type ModuleFile, readModule } from './bytes.ts'
import { type ModuleDisk, nodeDisk } from './disk.ts'
import { ModuleError } from './errors.ts'
import { type Package, readPackage } from './package.ts'

export const WASM = 'module.wasm'

/** By its content: an update has a directory of its own, until the registry knows it. */
export const directoryOf = (id: Readonly<ModuleId>, sha256: string): string =>
  `${moduleKey(id)}-${sha256}`

/**
 * Removes the directories that the registry does not know. No other process may use `directory`: the registry's
 * lock is held by the caller. Throws ModuleError `storage`.
 */
export async function openModules(
  store: RegistryStore,
  directory: string,
  disk: ModuleDisk = nodeDisk(),
): Promise<Modules> {
  const modules = new Modules(store, directory, disk)
  return storing(directory, async () => {
    await disk.mkdir(directory)
    await disk.syncDir(dirname(directory))
    return modules.sweep().then(() => modules)
  })
}

/** Installs and removes one after the other. */
export class Modules {
  /** Directories that a crash had left. */
  readonly removed: string[] = []
  readonly #store: RegistryStore
  readonly #directory: string
  readonly #disk: ModuleDisk
  #last: Promise<unknown> = Promise.resolve()

  constructor(store: RegistryStore, directory: string, disk: ModuleDisk) {
    this.#store = store
    this.#directory = directory
    this.#disk = disk
  }

  /** Of `name.wasm`, and `name.toml` beside it. Throws ModuleError, Rejection, StoreError. */
  async install(path: string): Promise<ModuleFacts> {
    const found = await readPackage(path)
    return this.#next(() => this.#install(found))
  }

  /** The same id with other contents. Also replaces a corrupt module. */
  async update(path: string): Promise<Updated> {
    const found = await readPackage(path)
    return this.#next(() => this.#update(found))
  }

  /** Throws Rejection `no_such_module`, `module_in_use`. */
  remove(id: ModuleId): Promise<void> {
    return this.#next(async () => {
      const { sha256 } = this.#module(id)
      await this.#store.dispatch('removeModule', { id })
      await this.#forget(directoryOf(id, sha256))
    })
  }

  /** Where it is, and what it must be; `readModule` compares. Throws Rejection `no_such_module`. */
  file(id: Readonly<ModuleId>): ModuleFile {
    const { sha256 } = this.#module(id)
    return { path: join(this.#directory, directoryOf(id, sha256), WASM), sha256 }
  }

  /** Reads all of it. Of a module that is corrupt: what is wrong. */
  async check(id: Readonly<ModuleId>): Promise<ModuleError | undefined> {
    try {
      await readModule(this.file(id))
      return undefined
    } catch (error) {
      if (error instanceof ModuleError) return error
      throw error
    }
  }

  async sweep(): Promise<void> {
    for (const name of await this.#disk.directories(this.#directory)) {
      if (this.#isKnown(name)) continue
      await this.#disk.remove(join(this.#directory, name))
      this.removed.push(name)
    }
    if (this.removed.length > 0) await this.#disk.syncDir(this.#directory)
  }

  async #install({ facts, bytes }: Package): Promise<ModuleFacts> {
    const { id } = facts.manifest
    // What is installed keeps its files, whatever comes.
    if (this.#store.state.installedModules.has(moduleKey(id))) throw moduleExists(id)
    await this.#place(directoryOf(id, facts.sha256), bytes, () =>
      this.#store.dispatch('installModule', facts),
    )
    return facts
  }

  async #update({ facts, bytes }: Package): Promise<Updated> {
    const { id } = facts.manifest
    const before = directoryOf(id, this.#module(id).sha256)
    const after = directoryOf(id, facts.sha256)
    const execute = () => this.#store.execute('update', facts)
    const isThere = before === after && (await this.check(id)) === undefined
    const { value } = isThere ? await execute() : await this.#place(after, bytes, execute)
    await this.#forget(before)
    return { facts, deployments: value.deployments }
  }

  /** Durable under its name before `record` is called. If that is refused, it is gone again. */
  async #place<R>(name: string, bytes: Uint8Array, record: () => Promise<R>): Promise<R> {
    const place = join(this.#directory, name)
    await storing(place, () => this.#write(place, bytes))
    try {
      return await record()
    } catch (error) {
      // Of any other error it is not known whether it was written: the next start will see.
      if (error instanceof Rejection) await this.#forget(name)
      throw error
    }
  }

  async #write(place: string, bytes: Uint8Array): Promise<void> {
    const other = () => join(this.#directory, `.${randomUUID()}`)
    const [made, replaced] = [other(), other()]
    try {
      await this.#disk.mkdir(made)
      await this.#disk.write(join(made, WASM), bytes)
      await this.#disk.syncDir(made)
      const isThere = (await this.#disk.directories(this.#directory)).some(
        (name) => join(this.#directory, name) === place,
      )
      // Left by what failed, or corrupt.
      if (isThere) await this.#disk.rename(place, replaced)
      await this.#disk.rename(made, place)
      await this.#disk.syncDir(this.#directory)
      if (isThere) await this.#disk.remove(replaced)
    } catch (error) {
      await this.#tryRemove(made)
      throw error
    }
  }

  /** Removes it, unless the registry knows it. */
  async #forget(name: string): Promise<void> {
    if (!this.#isKnown(name)) await this.#tryRemove(join(this.#directory, name))
  }

  /** What cannot be removed now harms no one: the next start tries again. */
  async #tryRemove(path: string): Promise<void> {
    try {
      await this.#disk.remove(path)
      await this.#disk.syncDir(this.#directory)
    } catch {
      // As said.
    }
  }

  #isKnown(name: string): boolean {
    const key = name.slice(0, name.lastIndexOf('-'))
    const module = this.#store.state.installedModules.get(key)
    return module !== undefined && name === directoryOf(module.manifest.id, module.sha256)
  }

  #module(id: Readonly<ModuleId>): Immutable<ModuleFacts> {
    const module = this.#store.state.installedModules.get(moduleKey(id))
    if (!module) throw noSuchModule(id)
    return module
  }

  #next<R>(run: () => Promise<R>): Promise<R> {
    const result = this.#last.then(run)
    this.#last = result.catch(() => undefined)
    return result
  }
}

export interface Updated {
  readonly facts: ModuleFacts
  /** They have a new generation. */
  readonly deployments: readonly string[]
}

/** What the disk throws becomes a ModuleError. */
async function storing<R>(path: string, run: () => Promise<R>): Promise<R> {
  try {
    return await run()
  } catch (cause) {
    if (cause instanceof ModuleError) throw cause
    throw new ModuleError('storage', `${path} cannot be written: ${cause}`, { path, cause })
  }
}
