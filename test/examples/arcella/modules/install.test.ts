import {
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { MAX_WASM_BYTES, readModule } from '../../../../examples/arcella/modules/bytes.ts'
import { spec } from '../registry/given.ts'
import { COMPONENT } from './binaries.ts'
import { directoriesIn, modulesIn, newBase, pack, start, stop, wasm } from './given.ts'

const a = { name: 'a', version: '1.0.0' }

describe('install', () => {
  test('keeps the bytes and what the package says', async () => {
    const base = newBase()
    const { store, modules } = await start(base)
    const path = pack(base, 'a@1.0.0', wasm(), 'description = "x"\n[deployment]\ngroup = "g"\n')
    const { manifest, kind, sha256, size } = await modules.install(path)
    expect({ ...manifest, kind, size }).toMatchObject({
      id: a,
      description: 'x',
      kind: 'core',
      size: 12,
    })
    expect(directoriesIn(base)).toEqual([`a@1.0.0-${sha256}`])
    expect(await readModule(modules.file(a))).toEqual(Buffer.from(wasm()))
    expect(store.state.installedModules.get('a@1.0.0')?.template).toMatchObject({ group: 'g' })
    expect(statSync(modules.file(a).path).mode & 0o777).toBe(0o600)
    expect(statSync(modulesIn(base)).mode & 0o777).toBe(0o700)
  })

  test('refuses an id that is installed, and leaves its files alone', async () => {
    const base = newBase()
    const { modules } = await start(base)
    await modules.install(pack(base))
    for (const bytes of [wasm(0), wasm(1)])
      await expect(modules.install(pack(base, 'a@1.0.0', bytes))).rejects.toMatchObject({
        code: 'module_exists',
        message: 'Module a@1.0.0 is already installed',
      })
    expect(directoriesIn(base)).toHaveLength(1)
    expect(await modules.check(a)).toBeUndefined()
  })

  test('leaves nothing behind where the registry refuses', async () => {
    const base = newBase()
    const { modules } = await start(base)
    const path = pack(base, 'a@1.0.0', wasm(), '[deployment]\ntrusted = true\n')
    await expect(modules.install(path)).rejects.toMatchObject({ code: 'trusted_needs_main' })
    expect(directoriesIn(base)).toEqual([])
    await modules.install(pack(base))
  })

  test('A19: of many at once, one wins', async () => {
    const base = newBase()
    const { store, modules } = await start(base)
    const paths = [0, 1, 2, 3, 4, 5].map((n) => {
      mkdirSync(join(base, `${n}`, 'in'), { recursive: true })
      return pack(join(base, `${n}`), 'a@1.0.0', wasm(n % 3))
    })
    const settled = await Promise.allSettled(paths.map((path) => modules.install(path)))
    const refused = settled.filter((each) => each.status === 'rejected')
    expect(refused).toHaveLength(5)
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'module_exists' })
    expect(store.seq).toBe(1)
    expect(directoriesIn(base)).toHaveLength(1)
    expect(await modules.check(a)).toBeUndefined()
  })

  test.each([
    ['not_found', 'x.wasm is not there', (path: string) => rmSync(path)],
    ['not_found', 'x.toml is not there', (path: string) => rmSync(path.replace('.wasm', '.toml'))],
    ['broken_wasm', 'does not begin', (path: string) => writeFileSync(path, '(module)')],
    ['component_model', 'a component', (path: string) => writeFileSync(path, COMPONENT)],
    [
      'too_large',
      'more than 67108864 bytes',
      (path: string) => truncateSync(path, MAX_WASM_BYTES + 1),
    ],
    [
      'not_found',
      'is no file',
      (path: string) => {
        rmSync(path)
        mkdirSync(path)
      },
    ],
    [
      'too_large',
      'more than 65536 bytes',
      (path: string) => writeFileSync(path.replace('.wasm', '.toml'), '#'.repeat(65_537)),
    ],
    [
      'broken_toml',
      'not UTF-8',
      (path: string) => writeFileSync(path.replace('.wasm', '.toml'), Buffer.of(35, 255)),
    ],
  ] as const)('refuses what is %s: %s', async (code, said, spoil) => {
    const base = newBase()
    const { store, modules } = await start(base)
    const path = join(base, 'in', 'x.wasm')
    writeFileSync(path, wasm())
    writeFileSync(path.replace('.wasm', '.toml'), '[component]\nid = "a@1.0.0"\n')
    spoil(path)
    const error = await modules.install(path).catch((error) => error)
    expect(error.message).toContain(said)
    expect(error.code).toBe(code)
    expect(store.seq).toBe(0)
    expect(directoriesIn(base)).toEqual([])
  })
})

describe('A17: update', () => {
  test('replaces the bytes, and gives deployments a new generation', async () => {
    const base = newBase()
    const { store, modules } = await start(base)
    await modules.install(pack(base))
    await store.execute('deploy', { id: 'web', spec: spec({ module_id: a }) })
    const { deployments, facts } = await modules.update(pack(base, 'a@1.0.0', wasm(1)))
    expect(deployments).toEqual(['web'])
    expect(store.state.deployments.get('web')?.generation).toBe(2)
    expect(directoriesIn(base)).toEqual([`a@1.0.0-${facts.sha256}`])
    expect(await readModule(modules.file(a))).toEqual(Buffer.from(wasm(1)))
  })

  test('may change only what the package says', async () => {
    const base = newBase()
    const { store, modules } = await start(base)
    await modules.install(pack(base))
    await modules.update(pack(base, 'a@1.0.0', wasm(), 'description = "new"\n'))
    expect(store.state.installedModules.get('a@1.0.0')?.manifest.description).toBe('new')
    expect(await modules.check(a)).toBeUndefined()
  })

  test('that is refused leaves the old one', async () => {
    const base = newBase()
    const { store, modules } = await start(base)
    await modules.install(pack(base))
    await store.execute('deploy', { id: 'web', spec: spec({ module_id: a, replicas: 2 }) })
    const main = '[deployment]\nisolation = "main"\nasync = true\n'
    await expect(modules.update(pack(base, 'a@1.0.0', wasm(1), main))).rejects.toMatchObject({
      code: 'deployment_broken',
    })
    expect(directoriesIn(base)).toHaveLength(1)
    expect(await readModule(modules.file(a))).toEqual(Buffer.from(wasm()))
    await expect(modules.update(pack(base, 'b@1.0.0'))).rejects.toMatchObject({
      code: 'no_such_module',
    })
  })
})

describe('remove', () => {
  test('A14: is refused while it is deployed; then the files go', async () => {
    const base = newBase()
    const { store, modules } = await start(base)
    await modules.install(pack(base))
    await store.execute('deploy', { id: 'web', spec: spec({ module_id: a }) })
    await expect(modules.remove(a)).rejects.toMatchObject({ code: 'module_in_use' })
    expect(await modules.check(a)).toBeUndefined()
    await store.dispatch('undeployModule', { id: 'web' })
    await modules.remove(a)
    expect(directoriesIn(base)).toEqual([])
    await expect(modules.remove(a)).rejects.toMatchObject({ code: 'no_such_module' })
  })
})

describe('A18: a module whose file', () => {
  test.each([
    ['is missing', 'is not there', (path: string) => rmSync(path)],
    [
      'has another bit',
      'its SHA-256 is',
      (path: string) => {
        const bytes = readFileSync(path)
        bytes[11] = (bytes[11] ?? 0) ^ 1
        writeFileSync(path, bytes)
      },
    ],
    ['is shorter', 'its SHA-256 is', (path: string) => truncateSync(path, 8)],
    ['is far too long', 'has more than', (path: string) => truncateSync(path, MAX_WASM_BYTES + 1)],
    [
      'is a directory',
      'is no file',
      (path: string) => {
        rmSync(path)
        mkdirSync(path)
      },
    ],
  ])('%s is corrupt, also after a restart, until it is updated', async (_, said, spoil) => {
    const base = newBase()
    const before = await start(base)
    const path = pack(base)
    await before.modules.install(path)
    spoil(before.modules.file(a).path)
    await stop(before)
    const { modules } = await start(base)
    expect(await modules.check(a)).toMatchObject({ code: 'module_corrupt' })
    await expect(readModule(modules.file(a))).rejects.toThrow(said)
    await modules.update(path)
    expect(await modules.check(a)).toBeUndefined()
    expect(directoriesIn(base)).toHaveLength(1)
  })
})

describe('the sweep at the start', () => {
  test('removes directories that the registry does not know, and nothing else', async () => {
    const base = newBase()
    const before = await start(base)
    const { sha256 } = await before.modules.install(pack(base))
    await stop(before)
    const names = [
      '.left',
      `a@1.0.0-${'0'.repeat(64)}`,
      `b@1.0.0-${sha256}`,
      'b@1.0.0',
      '-',
      '__proto__',
    ]
    for (const name of names) mkdirSync(join(modulesIn(base), name, 'in'), { recursive: true })
    writeFileSync(join(modulesIn(base), 'note.txt'), 'mine')
    const elsewhere = join(base, 'elsewhere')
    mkdirSync(elsewhere)
    symlinkSync(elsewhere, join(modulesIn(base), 'link'))
    const { modules } = await start(base)
    expect([...modules.removed].sort()).toEqual([...names].sort())
    expect(directoriesIn(base)).toEqual([`a@1.0.0-${sha256}`, 'link', 'note.txt'])
    expect(statSync(elsewhere).isDirectory()).toBe(true)
  })
})
