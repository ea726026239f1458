// A crash, or a fault, at each step of installing, updating and removing: all of it or nothing.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type ModuleDisk, nodeDisk } from '../../../../examples/arcella/modules/disk.ts'
import { ModuleError } from '../../../../examples/arcella/modules/errors.ts'
import { type Daemon, directoriesIn, newBase, pack, start, stop, wasm } from './given.ts'

const a = { name: 'a', version: '1.0.0' }

type When = 'before' | 'after' | 'half'

class FaultyDisk implements ModuleDisk {
  readonly steps: string[] = []
  /** The number of the step, from 0; none: there is no fault. */
  fault: number | undefined
  when: When = 'before'
  /** Nothing works any more after a crash. */
  isCrash = true
  #isDown = false

  // Nothing is synced: it is a process that crashes here, and not the machine.
  mkdir = (path: string) => this.#step('mkdir', () => mkdirSync(path, { recursive: true }))
  rename = (from: string, to: string) => this.#step('rename', () => renameSync(from, to))
  syncDir = (_: string) => this.#step('syncDir', () => undefined)
  remove = (path: string) =>
    this.#step('remove', () => rmSync(path, { recursive: true, force: true }))
  directories = (path: string) => nodeDisk().directories(path)
  write = (path: string, bytes: Uint8Array) =>
    this.#step(
      'write',
      () => writeFileSync(path, bytes, { flag: 'wx' }),
      () => writeFileSync(path, bytes.subarray(0, bytes.length / 2)),
    )

  async #step(name: string, run: () => unknown, half: () => unknown = run): Promise<void> {
    if (this.#isDown) throw new Error('down')
    const isFault = this.steps.length === this.fault
    this.steps.push(name)
    if (!isFault) {
      await run()
      return
    }
    if (this.when !== 'before') await (this.when === 'half' ? half : run)()
    this.#isDown = this.isCrash
    throw new Error(`${name} failed`)
  }
}

interface Operation {
  /** What is there before: nothing, or the module with other bytes, or with these and a damaged file. */
  readonly before: 'nothing' | 'other' | 'corrupt'
  run(daemon: Daemon, base: string): Promise<unknown>
}
const operations: Record<string, Operation> = {
  install: { before: 'nothing', run: ({ modules }, base) => modules.install(pack(base)) },
  update: { before: 'other', run: ({ modules }, base) => modules.update(pack(base)) },
  mend: { before: 'corrupt', run: ({ modules }, base) => modules.update(pack(base)) },
  remove: { before: 'other', run: ({ modules }) => modules.remove(a) },
}

/** The disk, just before the operation. */
async function ready({ before }: Operation) {
  const base = newBase()
  const disk = new FaultyDisk()
  const daemon = await start(base, disk)
  if (before !== 'nothing')
    await daemon.modules.install(pack(base, 'a@1.0.0', wasm(before === 'other' ? 1 : 0)))
  if (before === 'corrupt') writeFileSync(daemon.modules.file(a).path, 'damaged')
  disk.steps.length = 0
  return { base, disk, daemon }
}

async function stepsOf(operation: Operation): Promise<string[]> {
  const { base, disk, daemon } = await ready(operation)
  await operation.run(daemon, base)
  return [...disk.steps]
}

/** What must hold, whatever happened: which bytes the module has. */
async function bytesOf({ store, modules }: Daemon, base: string): Promise<Uint8Array | undefined> {
  const module = store.state.installedModules.get('a@1.0.0')
  const names = module ? [`a@1.0.0-${module.sha256}`] : []
  expect(directoriesIn(base)).toEqual(names)
  return module && readFileSync(modules.file(a).path)
}

test('bytes are durable, and then their name, before the registry is told', async () => {
  const steps = await stepsOf(operations['install'] ?? never())
  expect(steps).toEqual(['mkdir', 'write', 'syncDir', 'rename', 'syncDir'])
  const mending = await stepsOf(operations['mend'] ?? never())
  expect(mending.slice(2, 7)).toEqual(['syncDir', 'rename', 'rename', 'syncDir', 'remove'])
})

describe.each(Object.entries(operations))('A6: a crash in %s', (name, operation) => {
  test.each(['before', 'after', 'half'] as const)(
    '%s each step leaves all or nothing',
    async (when) => {
      const steps = await stepsOf(operation)
      for (const [fault, step] of steps.entries()) {
        if (when === 'half' && step !== 'write') continue
        const { base, disk, daemon } = await ready(operation)
        Object.assign(disk, { fault, when })
        const answer = await operation.run(daemon, base).then(
          () => 'answered',
          (error) => error,
        )
        await stop(daemon)
        const again = await start(base, new FaultyDisk())
        if (name === 'mend') {
          // It was corrupt before: that it still is, is told, and mended by doing it again.
          const error = await again.modules.check(a)
          if (error) expect(error.code).toBe('module_corrupt')
          await again.modules.update(pack(base))
          expect(await bytesOf(again, base)).toEqual(Buffer.from(wasm()))
          continue
        }
        const bytes = await bytesOf(again, base)
        if (answer === 'answered') {
          expect(bytes).toEqual(name === 'remove' ? undefined : Buffer.from(wasm()))
        } else {
          expect(answer).toBeInstanceOf(ModuleError)
          // It was not told to the registry, so it is as it was.
          expect(bytes).toEqual(operation.before === 'other' ? Buffer.from(wasm(1)) : undefined)
        }
        // Doing it again always works.
        const isThere = again.store.state.installedModules.has('a@1.0.0')
        await (isThere ? again.modules.update(pack(base)) : again.modules.install(pack(base)))
        expect(await bytesOf(again, base)).toEqual(Buffer.from(wasm()))
      }
    },
  )
})

describe('a disk that fails once', () => {
  test.each(['before', 'after', 'half'] as const)(
    '%s each step of installing is told, and installing again works',
    async (when) => {
      const operation = operations['install'] ?? never()
      const steps = await stepsOf(operation)
      for (const [fault, step] of steps.entries()) {
        if (when === 'half' && step !== 'write') continue
        const { base, disk, daemon } = await ready(operation)
        Object.assign(disk, { fault, when, isCrash: false })
        const error = await operation.run(daemon, base).catch((error) => error)
        const message = expect.stringContaining(`${step} failed`)
        expect(error).toMatchObject({ code: 'storage', message })
        await operation.run(daemon, base)
        expect(await bytesOf(daemon, base)).toEqual(Buffer.from(wasm()))
      }
    },
  )

  test('a store that fails: the next start removes what was placed', async () => {
    const { base, daemon } = await ready(operations['install'] ?? never())
    await daemon.store.close()
    await expect(daemon.modules.install(pack(base))).rejects.toMatchObject({ code: 'closed' })
    // Not a refusal: whether it was written is for the next start to see.
    expect(directoriesIn(base)).toHaveLength(1)
    const again = await start(base, new FaultyDisk())
    expect(again.modules.removed).toHaveLength(1)
    expect(await bytesOf(again, base)).toBeUndefined()
  })
})

function never(): never {
  throw new Error('no such operation')
}
