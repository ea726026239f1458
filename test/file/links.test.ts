// Paths that lead to the journal in a roundabout way: links of every kind, "..", and what is missing.
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ministoreHere } from '../cli/here.ts'
import { ledger } from './ledger.ts'
import { tempJournal } from './temp-journal.ts'

/** app/data.jsonl → volume/data.jsonl, and nothing in the volume. */
function linked(target?: string): { real: string; link: string } {
  const root = realpathSync(dirname(tempJournal()))
  const [real, link] = [join(root, 'volume/data.jsonl'), join(root, 'app/data.jsonl')]
  for (const path of [real, link]) mkdirSync(dirname(path))
  symlinkSync(target ?? real, link)
  return { real, link }
}

/** The link is one, the data is where it leads, and no file is beside the link. */
function expectLinked({ real, link }: { real: string; link: string }): void {
  expect(lstatSync(link).isSymbolicLink()).toBe(true)
  expect(lstatSync(real).isFile()).toBe(true)
  expect(readdirSync(dirname(link))).toEqual([basename(link)])
}

async function expectLocked(...paths: string[]): Promise<void> {
  for (const path of paths)
    await expect(ledger.open(path), path).rejects.toMatchObject({ code: 'locked' })
}

const refusalOf = (path: string): Promise<Error> =>
  ledger.open(path).then(
    () => expect.unreachable(`${path} was opened`),
    (error) => error,
  )

describe('a journal that a symbolic link leads to', () => {
  test('is created where the link leads, and stays there when it is compacted', async () => {
    const paths = linked()
    const store = await ledger.open(paths.link)
    await store.dispatch('note', 'a')
    await expectLocked(paths.real, paths.link)
    const snapshot = await store.snapshot()
    expect(snapshot.path).toBe(`${paths.real}.snapshot`)
    await expectLocked(paths.real, paths.link)
    const { archive = '' } = await store.compact()
    expect(archive).toBe(`${paths.real}.1.archive`)
    expect(lstatSync(archive).isFile()).toBe(true)
    await expectLocked(paths.real, paths.link)
    await store.dispatch('note', 'b')
    await store.close()
    expectLinked(paths)
    expect((await ledger.replay(paths.real)).state.notes).toEqual(['a', 'b'])
    expect((await ledger.replay(archive)).state.notes).toEqual(['a'])
    const next = await ledger.open(paths.real)
    await expectLocked(paths.link)
    await next.close()
  })

  test.each([
    ['a relative one', '../volume/data.jsonl', []],
    ['one to another link', '../other/link', ['other/link', '../volume/data.jsonl']],
    ['one through a link to a directory', '../there/data.jsonl', ['there', 'volume']],
  ])('%s: the same', async (_, target, [other, to = ''] = []) => {
    const paths = linked(target)
    if (other !== undefined) {
      const path = join(dirname(dirname(paths.real)), other)
      mkdirSync(dirname(path), { recursive: true })
      symlinkSync(to, path)
    }
    const store = await ledger.open(paths.link)
    await store.dispatch('note', 'a')
    await store.compact({ archive: false })
    await expectLocked(paths.real, paths.link)
    await store.dispatch('note', 'b')
    await store.close()
    expectLinked(paths)
    expect((await ledger.replay(paths.real)).seq).toBe(2)
  })

  test('keeps what a crash tore where the link leads, when it is opened and when it is repaired', async () => {
    for (const repair of [
      async (path: string) => (await ledger.open(path)).close(),
      async (path: string) => {
        const { stdout } = await ministoreHere('repair', path)
        expect(stdout).toContain(`${dirname(dirname(path))}/volume/data.jsonl.torn-2`)
        await ministoreHere('repair', path, '--write')
      },
    ]) {
      const paths = linked()
      const store = await ledger.open(paths.link)
      for (const text of ['a', 'b']) await store.dispatch('note', text)
      await store.close()
      truncateSync(paths.real, statSync(paths.real).size - 5)
      await repair(paths.link)
      expectLinked(paths)
      expect(existsSync(`${paths.real}.torn-2`)).toBe(true)
      expect((await ledger.replay(paths.link)).state.notes).toEqual(['a'])
    }
  })

  test('with half a header is repaired where the link leads', async () => {
    const paths = linked()
    writeFileSync(paths.real, '{"format":"mini')
    await ministoreHere('repair', paths.link, '--write')
    expectLinked(paths)
    expect(readFileSync(`${paths.real}.torn-0`, 'utf8')).toBe('{"format":"mini')
  })

  test('goes on where it is when the working directory changes', async () => {
    const paths = linked()
    const before = process.cwd()
    onTestFinished(() => process.chdir(before))
    process.chdir(dirname(paths.link))
    const plain = await ledger.open('plain.jsonl')
    const store = await ledger.open('data.jsonl')
    process.chdir('/')
    await plain.dispatch('note', 'a')
    await plain.close()
    expect((await ledger.replay(join(dirname(paths.link), 'plain.jsonl'))).seq).toBe(1)
    for (const name of ['plain.jsonl', 'plain.jsonl.lock']) rmSync(join(dirname(paths.link), name))
    await store.dispatch('note', 'a')
    await store.compact()
    await store.close()
    expectLinked(paths)
    expect((await ledger.replay(paths.real)).seq).toBe(1)
  })
})

describe('a path with ".."', () => {
  test('goes up from where a link leads, as everywhere else', async () => {
    const root = realpathSync(dirname(tempJournal()))
    mkdirSync(join(root, 'releases/7'), { recursive: true })
    symlinkSync('releases/7', join(root, 'current'))
    const store = await ledger.open(`${root}/current/../data.jsonl`)
    await store.close()
    expect(readdirSync(join(root, 'releases'))).toContain('data.jsonl')
    await (await ledger.open(`${root}/missing/../sub/data.jsonl`)).close()
    expect(existsSync(join(root, 'sub/data.jsonl'))).toBe(true)
  })
})

describe('a path that leads nowhere is refused at once', () => {
  test('a link to a directory that does not exist, such as on a volume that is not mounted', async () => {
    const paths = linked()
    rmdirSync(dirname(paths.real))
    const { message } = await refusalOf(paths.link)
    expect(message).toContain(`${paths.real}, and the directory ${dirname(paths.real)} does not`)
    expect(readdirSync(dirname(dirname(paths.link)))).toEqual(['app'])
  })

  test('below a link to a directory that does not exist: and the directory is not made', async () => {
    const root = realpathSync(dirname(tempJournal()))
    symlinkSync(join(root, 'volume'), join(root, 'data'))
    for (const path of ['data/j.jsonl', 'data/sub/j.jsonl']) {
      const error = await refusalOf(join(root, path))
      expect(error).toMatchObject({ code: 'io', message: expect.stringContaining('mounted?') })
    }
    expect(readdirSync(root)).toEqual(['data'])
  })

  test('links in a circle', async () => {
    const path = tempJournal()
    symlinkSync(path, `${path}.2`)
    symlinkSync(`${path}.2`, path)
    expect(await refusalOf(path)).toMatchObject({
      code: 'io',
      message: expect.stringContaining('ELOOP'),
    })
  })

  test.skipIf(process.platform !== 'linux')('in /proc and /dev', async () => {
    for (const path of ['/proc/nope/j.jsonl', '/dev/null', '/dev/full', '/proc/self/fd/0/j.jsonl'])
      expect(await refusalOf(path)).toMatchObject({ code: 'io' })
    expect(await refusalOf('/proc/self/status')).toMatchObject({ code: 'foreign' })
  })

  test.skipIf(process.platform !== 'linux')('in a working directory that was removed', async () => {
    const directory = dirname(tempJournal())
    const before = process.cwd()
    onTestFinished(() => process.chdir(before))
    process.chdir(directory)
    // Node knows the name of its working directory from now on.
    process.cwd()
    rmdirSync(directory)
    for (const path of ['j.jsonl', 'sub/j.jsonl'])
      expect(await refusalOf(path)).toMatchObject({ name: 'StoreError', code: 'io' })
    expect(existsSync(directory)).toBe(false)
  })
})

describe('a journal with two names (hard links)', () => {
  test('is not compacted, which would leave the other name to a second writer', async () => {
    const path = tempJournal()
    const store = await ledger.open(path)
    await store.dispatch('note', 'a')
    linkSync(path, `${path}.other`)
    await expectLocked(`${path}.other`)
    const refusal = store.compact()
    await expect(refusal).rejects.toMatchObject({ code: 'io' })
    await expect(refusal).rejects.toThrow(/2 names \(hard links\)/)
    await store.dispatch('note', 'b')
    await expectLocked(`${path}.other`)
    await store.close()
    expect((await ledger.replay(`${path}.other`)).seq).toBe(2)
  })

  test('of which one is an archive that a crash left is compacted, and that name goes', async () => {
    const path = tempJournal()
    const store = await ledger.open(path)
    for (const text of ['a', 'b']) await store.dispatch('note', text)
    linkSync(path, `${path}.1.archive`)
    const { archive } = await store.compact()
    await store.close()
    expect(readdirSync(dirname(path)).sort()).toEqual(
      [path, `${path}.lock`, `${archive}`].map((each) => basename(each)).sort(),
    )
  })
})

describe('what is given as the path of a journal', () => {
  test('may be a file: URL', async () => {
    const path = join(dirname(tempJournal()), 'a b#c.jsonl')
    const url = pathToFileURL(path)
    const store = await ledger.open(url)
    await store.dispatch('note', 'a')
    await store.close()
    expect((await ledger.replay(url)).seq).toBe(1)
    expect(await ledger.replayCheck(url)).toMatchObject({ ok: true, journal: path })
    expect(existsSync(path)).toBe(true)
  })

  const WRONG: readonly (readonly [unknown, RegExp])[] = [
    [undefined, /undefined\. Is the variable/],
    [null, /null\. Is the variable/],
    [5, /type number/],
    [Buffer.from('x'), /type object/],
    ['', /an empty string/],
    ['a\0b', /NUL/],
    ['sub/', /names a directory/],
    ['.', /names a directory/],
    ['..', /names a directory/],
    [new URL('https://example.org/x'), /begins with https:/],
    ['file:///tmp/x.jsonl', /new URL/],
    ['redis://app:s3cret@host/0', /begins with redis:/],
  ]
  test.each(WRONG)('%s is refused with a TypeError that says why', async (given, why) => {
    const before = readdirSync('.')
    for (const call of ['open', 'replay', 'replayCheck'] as const) {
      const error = await Promise.resolve(ledger[call](given as string)).catch((thrown) => thrown)
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).toMatch(/^the path of a journal/)
      expect(error.message).toMatch(why)
      expect(error.message).not.toContain('s3cret')
    }
    expect(readdirSync('.')).toEqual(before)
  })

  test('is refused at the first opening if files beside it would have too long a name', async () => {
    const directory = dirname(tempJournal())
    const longest = 'x'.repeat(255 - '.9007199254740991.archive.99'.length)
    const { message } = await refusalOf(join(directory, `${longest}x`))
    expect(message).toMatch(/ENAMETOOLONG.*28 bytes shorter/)
    expect(readdirSync(directory)).toEqual([])
    const path = join(directory, longest)
    const store = await ledger.open(path)
    for (const text of ['a', 'b']) await store.dispatch('note', text)
    await store.close()
    truncateSync(path, statSync(path).size - 5)
    const again = await ledger.open(path)
    await again.snapshot()
    await again.compact()
    await again.close()
    expect(readdirSync(directory).length).toBeGreaterThan(3)
  })
})

test.skipIf(process.platform !== 'linux')(
  'a link of /proc to an open journal leads to that journal',
  async () => {
    const path = tempJournal()
    const store = await ledger.open(path)
    const links = readdirSync('/proc/self/fd').map((fd) => `/proc/self/fd/${fd}`)
    const link = links.find(
      (each) => lstatSync(each, { throwIfNoEntry: false }) && readlinkSync(each) === path,
    )
    await expectLocked(link ?? '')
    await store.close()
  },
)
