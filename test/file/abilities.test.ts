// File systems without something that a journal uses: real ones, and ones whose errors are preloaded.
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileJournal, nodeFileSystem } from 'ministore-ts/file'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { Mount, whyNoMount } from '../trust/mounts.ts'
import { whyNoTool } from '../trust/probe.ts'
import { ledger } from './ledger.ts'
import { run } from './processes.ts'
import { failing, whyNoShim } from './shim.ts'
import { tempJournal } from './temp-journal.ts'

vi.setConfig({ testTimeout: 60_000 })

function skipped(what: string, why: string | undefined): boolean {
  if (why !== undefined) console.log(`skipped, as ${why}: ${what}`)
  return why !== undefined
}

describe.skipIf(skipped('preloaded errors', whyNoShim()))('a file system', () => {
  test.each(['EINVAL', 'EBADF', 'ENOTSUP', 'ENOSYS'] as const)(
    'whose directories cannot be synced (%s) has journals that are created, compacted and opened',
    async (errno) => {
      const env = failing('sync of a directory', errno)
      const path = join(dirname(tempJournal()), 'new/ledger.journal')
      expect(await run('dispatch', path, { env })).toMatchObject({ seq: 1 })
      expect(await run('compact', path, { env })).toMatchObject({ seq: 3 })
      expect((await ledger.replay(path)).seq).toBe(3)
    },
  )

  test('whose directories fail to sync is another matter: refused with io', async () => {
    const env = failing('sync of a directory', 'EIO')
    const path = tempJournal()
    expect(await run('dispatch', path, { env })).toMatchObject({ code: 'io' })
  })

  test.each(['EPERM', 'EACCES', 'ENOTSUP', 'EMLINK'] as const)(
    'without hard links (%s) has archives that are copies',
    async (errno) => {
      const path = tempJournal()
      const env = failing('link', errno)
      const { archive } = await run('compact', path, { env })
      expect(archive).toBe(`${path}.1.archive`)
      expect((await ledger.replay(String(archive))).state.notes).toEqual(['of the child'])
      expect(statSync(String(archive)).mode).toBe(statSync(path).mode)
      expect(await ledger.replay(path)).toMatchObject({ seq: 2 })
      expect(readdirSync(dirname(path)).filter((name) => name.endsWith('.new'))).toEqual([])
    },
  )

  test('without hard links never writes over an archive', async () => {
    const path = tempJournal()
    writeFileSync(`${path}.1.archive`, 'mine')
    const { archive } = await run('compact', path, { env: failing('link', 'EPERM') })
    expect(archive).toBe(`${path}.1.archive.2`)
    expect(readFileSync(`${path}.1.archive`, 'utf8')).toBe('mine')
  })

  test('without hard links never keeps an archive of what the disk returned wrongly once', async () => {
    const path = tempJournal()
    const setup = await ledger.open(path)
    await setup.dispatch('note', 'a')
    await setup.compact({ archive: false })
    await setup.dispatch('note', 'b')
    await setup.close()
    const before = readFileSync(path)
    const outcomes = new Set<string>()
    for (let wrong = 0; wrong < 10; wrong++) {
      writeFileSync(path, before)
      const { fileSystem, spoil } = misreading(nodeFileSystem(), path)
      const store = await ledger.open(fileJournal(path, { fileSystem }))
      spoil(wrong)
      const archive = await store.compact().then(
        ({ archive }) => archive,
        ({ code }) => void outcomes.add(code),
      )
      await store.close()
      if (archive === undefined) continue
      outcomes.add('kept')
      expect(readFileSync(archive)).toEqual(before)
      rmSync(archive)
    }
    // Both ends were reached: reads that matter, and none of them left.
    expect(outcomes).toContain('kept')
    expect(outcomes.size).toBeGreaterThan(1)
    expect((await ledger.replay(path)).state.notes).toEqual(['a', 'b'])
  })

  test('that syncs only what may be written, as Windows does: readers read', async () => {
    const path = tempJournal()
    await run('dispatch', path)
    const env = failing('sync of a reader', 'EPERM')
    expect(await run('read', path, { env })).toEqual({ seq: 1 })
  })

  test('that cannot sync what it can write is named to a reader, with the option', async () => {
    const path = tempJournal()
    await run('dispatch', path)
    const { code, message } = await run('read', path, {
      env: failing('sync of a reader', 'EINVAL'),
    })
    expect(code).toBe('io')
    expect(message).toMatch(/cannot be synced.*durability: 'os'/)
    expect(message).toContain(path)
  })
})

test('a reader that was told not to sync does not', async () => {
  const path = tempJournal()
  await (await ledger.open(path)).close()
  const real = nodeFileSystem()
  const fileSystem: typeof real = {
    ...real,
    async open(path, flags) {
      const file = await real.open(path, flags)
      return { ...file, datasync: () => Promise.reject(new Error('EINVAL')) }
    },
  }
  const reading = (durability: 'os' | 'fsync') =>
    ledger.open(fileJournal(path, { fileSystem, readOnly: true, durability }))
  await expect(reading('fsync')).rejects.toMatchObject({ code: 'io' })
  await (await reading('os')).close()
})

/** A disk without hard links, of which one read of `path`, by its number after `spoil`, has wrong bytes. */
function misreading(real: ReturnType<typeof nodeFileSystem>, path: string) {
  let left = Number.POSITIVE_INFINITY
  const fileSystem: typeof real = {
    ...real,
    link() {
      throw Object.assign(new Error('EPERM: operation not permitted, link'), { code: 'EPERM' })
    },
    async open(name, flags) {
      const file = await real.open(name, flags)
      const read = async (into: Uint8Array, position: number) => {
        const count = await file.read(into, position)
        if (left-- === 0) for (let at = 10; at < count; at += 500) into[at] = 0x7e
        return count
      }
      return name === path ? { ...file, read } : file
    },
  }
  const spoil = (nth: number) => {
    left = nth
  }
  return { fileSystem, spoil }
}

const noMount = whyNoMount('tmpfs')

describe.skipIf(skipped('a mounted file', noMount))('a file that is mounted by itself', () => {
  /** host/ledger.journal is mounted at app/ledger.journal. */
  async function mounted(prepare: (host: string) => unknown) {
    const mount = new Mount('tmpfs')
    onTestFinished(() => mount.remove())
    await mount.make()
    const [host, app] = ['host', 'app'].map((name) => join(mount.directory, name, 'ledger.journal'))
    if (!host || !app) throw new Error('no paths')
    for (const path of [host, app]) mkdirSync(dirname(path))
    writeFileSync(app, '')
    await prepare(host)
    await mount.run('mount --bind mnt/host/ledger.journal mnt/app/ledger.journal')
    return { mount, host, app }
  }

  test('empty, becomes a journal in place', async () => {
    const { host, app } = await mounted((host) => writeFileSync(host, ''))
    const { ino } = statSync(host)
    const store = await ledger.open(app)
    expect(store.recovery.created).toBe(true)
    await store.dispatch('note', 'a')
    await expect(ledger.open(host)).rejects.toMatchObject({ code: 'locked' })
    await store.close()
    expect((await ledger.replay(host)).seq).toBe(1)
    expect(statSync(host).ino).toBe(ino)
  })

  test('with half a header, likewise, and what it held is kept', async () => {
    const { app } = await mounted((host) => writeFileSync(host, '{"format":"mini'))
    const store = await ledger.open(app)
    expect(store.recovery.found).toMatchObject({ kind: 'torn_header', savedTo: `${app}.torn-0` })
    await store.close()
  })

  test('is not compacted: the message says what to mount, and the store goes on', async () => {
    const { app } = await mounted(async (host) => (await ledger.open(host)).close())
    const store = await ledger.open(app)
    await store.dispatch('note', 'a')
    await expect(store.compact()).rejects.toThrow(/mounted by itself.*its directory/)
    await store.dispatch('note', 'b')
    await store.close()
    expect(readdirSync(dirname(app)).sort()).toEqual(['ledger.journal', 'ledger.journal.lock'])
    expect((await ledger.replay(app)).seq).toBe(2)
  })

  test('is not compacted without an archive either, which the kernel says later', async () => {
    const path = tempJournal()
    const busy = () => {
      throw Object.assign(new Error('EBUSY: resource busy or locked, rename'), { code: 'EBUSY' })
    }
    await (await ledger.open(path)).close()
    const fileSystem = { ...nodeFileSystem(), rename: busy }
    const store = await ledger.open(fileJournal(path, { fileSystem }))
    await store.dispatch('note', 'a')
    await expect(store.compact({ archive: false })).rejects.toThrow(/mounted by itself.*EBUSY/)
    await store.dispatch('note', 'b')
    await store.close()
    expect(readdirSync(dirname(path)).sort()).toEqual(['ledger.journal', 'ledger.journal.lock'])
  })

  test('that was removed where it comes from is refused: its records would be lost', async () => {
    const { host, app } = await mounted(async (host) => (await ledger.open(host)).close())
    rmSync(host)
    await expect(ledger.open(app)).rejects.toThrow(/removed or replaced where it was mounted from/)
  })

  test('in a directory of a read-only file system can be written: the journal itself is locked', async () => {
    const { mount, host, app } = await mounted((host) => writeFileSync(host, ''))
    await mount.run(
      'umount mnt/app/ledger.journal && mkdir mnt/image && touch mnt/image/ledger.journal',
    )
    await mount.run('mount --bind mnt/image mnt/image && mount -o remount,ro,bind mnt/image')
    await mount.run('mount --bind mnt/host/ledger.journal mnt/image/ledger.journal')
    const path = join(dirname(dirname(app)), 'image/ledger.journal')
    const store = await ledger.open(path)
    await store.dispatch('note', 'a')
    for (const each of [path, host])
      await expect(ledger.open(each)).rejects.toMatchObject({ code: 'locked' })
    await store.close()
    expect((await ledger.replay(host)).seq).toBe(1)
  })
})

describe.skipIf(skipped('overlayfs', noMount))('a journal in a container image (overlayfs)', () => {
  test('is written, compacted and opened again, by one writer', async () => {
    const mount = new Mount('tmpfs')
    onTestFinished(() => mount.remove())
    await mount.make()
    const store = await ledger.open(join(mount.directory, 'lower/ledger.journal'))
    await store.dispatch('note', 'in the image')
    await store.close()
    await mount.run('mkdir mnt/upper mnt/work mnt/merged')
    const layers = 'lowerdir=mnt/lower,upperdir=mnt/upper,workdir=mnt/work'
    await mount.run(`mount -t overlay overlay -o ${layers} mnt/merged`)
    const path = join(mount.directory, 'merged/ledger.journal')
    const writer = await ledger.open(path)
    await writer.dispatch('note', 'a')
    expect((await writer.compact()).archive).toBe(`${path}.2.archive`)
    await expect(ledger.open(path)).rejects.toMatchObject({ code: 'locked' })
    await writer.close()
    expect(await ledger.replay(path)).toMatchObject({ seq: 2 })
  })
})

const noImage = noMount ?? whyNoTool('mksquashfs')

describe.skipIf(skipped('an image', noImage))('a journal in a read-only image (squashfs)', () => {
  test('is read without a sync, and never written', async () => {
    const mount = new Mount('tmpfs')
    onTestFinished(() => mount.remove())
    await mount.make()
    const source = join(mount.directory, 'source/ledger.journal')
    const store = await ledger.open(source)
    await store.dispatch('note', 'a')
    await store.close()
    await mount.run('mkdir mnt/image && mksquashfs mnt/source image.sqfs -quiet -no-progress')
    await mount.run('mount -o loop,ro image.sqfs mnt/image')
    const path = join(mount.directory, 'image/ledger.journal')
    const reader = await ledger.open(path, { readOnly: true })
    expect(reader.seq).toBe(1)
    await reader.close()
    expect((await ledger.replay(path)).seq).toBe(1)
    expect(await ledger.replayCheck(path)).toMatchObject({ ok: true })
    const refusal = ledger.open(path)
    await expect(refusal).rejects.toMatchObject({ code: 'io' })
    await expect(refusal).rejects.toThrow(/EROFS.*readOnly: true/)
  })
})
