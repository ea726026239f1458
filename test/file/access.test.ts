// Who may use a journal: what a file is given by its owner stays when another file takes its place.
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileJournal, nodeFileSystem } from 'ministore-ts/file'
import { describe, expect, onTestFinished, test } from 'vitest'
import { whyNoTool } from '../trust/probe.ts'
import { faultyDisk } from './faulty-disk.ts'
import { ledger } from './ledger.ts'
import { run, start } from './processes.ts'
import { tempJournal } from './temp-journal.ts'

const isRoot = process.getuid?.() === 0
const NOBODY = 65534
const BACKUP = 34

const accessOf = (path: string) => {
  const { mode, uid, gid } = statSync(path)
  return { mode: (mode & 0o7777).toString(8), uid, gid }
}

async function journal(path = tempJournal()): Promise<string> {
  const store = await ledger.open(path)
  for (const text of ['a', 'b']) await store.dispatch('note', text)
  await store.close()
  return path
}

async function compact(path: string): Promise<string> {
  const store = await ledger.open(path)
  const { archive = '' } = await store.compact()
  await store.close()
  return archive
}

describe.skipIf(!isRoot)('a compacted journal', () => {
  test('has the mode, owner and group that it had before, and so does its archive', async () => {
    for (const umask of [0o002, 0o077]) {
      const before = process.umask(umask)
      onTestFinished(() => void process.umask(before))
      const path = await journal()
      chmodSync(path, 0o640)
      chownSync(path, NOBODY, BACKUP)
      const expected = { mode: '640', uid: NOBODY, gid: BACKUP }
      const archive = await compact(path)
      expect(accessOf(path)).toEqual(expected)
      expect(accessOf(archive)).toEqual(expected)
    }
  })

  test('in a directory that gives its group to new files keeps its own group', async () => {
    const path = await journal()
    chownSync(dirname(path), 0, BACKUP)
    chmodSync(dirname(path), 0o2775)
    await compact(path)
    expect(accessOf(path)).toEqual({ mode: '600', uid: 0, gid: 0 })
  })

  test('is not made where this process may not give it its owner, and the store goes on', async () => {
    const path = tempJournal()
    await journal(path)
    // A member of the group may write, and may make files here; only root may give files away.
    chmodSync(dirname(path), 0o777)
    chmodSync(path, 0o666)
    chmodSync(`${path}.lock`, 0o666)
    const before = readFileSync(path)
    const error = await run('compact', path, { user: NOBODY })
    expect(error).toMatchObject({ code: 'io' })
    expect(error['message']).toMatch(/not compacted.*owner 0 and group 0.*EPERM/)
    expect(accessOf(path)).toEqual({ mode: '666', uid: 0, gid: 0 })
    expect(readFileSync(path, 'latin1')).toContain(before.toString('latin1'))
    expect(readdirSync(dirname(path)).sort()).toEqual(['ledger.journal', 'ledger.journal.lock'])
  })

  test('of another user can still be opened by that user after root compacted it', async () => {
    const path = tempJournal()
    chownSync(dirname(path), NOBODY, NOBODY)
    const as = () => run('dispatch', path, { user: NOBODY })
    expect(await as()).toMatchObject({ seq: 1 })
    await compact(path)
    expect(await as()).toMatchObject({ seq: 2 })
  })
})

const noLists = whyNoTool('setfacl') ?? whyNoTool('setfattr')
if (noLists) console.log(`skipped, as ${noLists}: access control lists and extended attributes`)

describe.skipIf(!isRoot || noLists !== undefined)('access control lists and attributes', () => {
  const call = (command: string, ...args: string[]) =>
    execFileSync(command, args, { encoding: 'utf8' })
  const listOf = (path: string) => call('getfacl', '--omit-header', '--absolute-names', path)

  test('are kept when a journal is compacted', async () => {
    const path = await journal()
    call('setfacl', '-m', 'u:backup:r', path)
    call('setfattr', '-n', 'user.owner', '-v', 'team a', path)
    const before = listOf(path)
    await compact(path)
    expect(listOf(path)).toBe(before)
    expect(before).toContain('user:backup:r--')
    expect(call('getfattr', '-n', 'user.owner', '--only-values', '--absolute-names', path)).toBe(
      'team a',
    )
  })

  test('that a directory gives to each new file are not added to it', async () => {
    const path = await journal()
    call('setfacl', '-d', '-m', 'u:backup:rw', dirname(path))
    const before = listOf(path)
    await compact(path)
    expect(listOf(path)).toBe(before)
    expect(before).not.toContain('backup')
  })
})

describe.skipIf(!isRoot)('a snapshot', () => {
  test('can be read by all who can read its journal, and keeps what it was given', async () => {
    const path = await journal()
    chmodSync(path, 0o640)
    chownSync(path, 0, BACKUP)
    const store = await ledger.open(path)
    const snapshot = await store.snapshot()
    expect(accessOf(snapshot.path)).toEqual({ mode: '640', uid: 0, gid: BACKUP })
    chmodSync(snapshot.path, 0o644)
    await store.dispatch('note', 'c')
    await store.snapshot()
    expect(accessOf(snapshot.path)).toEqual({ mode: '644', uid: 0, gid: BACKUP })
    await store.close()
  })
})

describe('a file that somebody made for the journal', () => {
  test('stays that file, with its mode, whether it is empty or holds half a header', async () => {
    for (const bytes of ['', '{', '{"format":"mini', '\0']) {
      const path = tempJournal()
      writeFileSync(path, bytes)
      chmodSync(path, 0o660)
      if (isRoot) chownSync(path, NOBODY, BACKUP)
      const before = statSync(path)
      const store = await ledger.open(path)
      await store.dispatch('note', 'a')
      await store.close()
      const { ino, mode, uid, gid } = statSync(path)
      expect({ ino, mode, uid, gid }).toEqual({
        ...{ ino: before.ino, mode: before.mode, uid: before.uid, gid: before.gid },
      })
      expect((await ledger.replay(path)).seq).toBe(1)
    }
  })

  test.skipIf(!isRoot)(
    'in a directory that may not be written is enough: the journal itself is locked',
    async () => {
      const path = join(dirname(tempJournal()), 'read-only/ledger.journal')
      mkdirSync(dirname(path))
      chmodSync(dirname(dirname(path)), 0o755)
      writeFileSync(path, '')
      chownSync(path, NOBODY, NOBODY)
      const holder = start('hold', path, { user: NOBODY })
      expect(await holder.next()).toEqual({ seq: 0 })
      const second = () => run('dispatch', path, { user: NOBODY })
      expect(await second()).toMatchObject({ code: 'locked' })
      expect(existsSync(`${path}.lock`)).toBe(false)
      holder.process.stdin?.end()
      await holder.ended
      expect(await second()).toMatchObject({ seq: 1 })
      // Root can make the lock file, and is kept out all the same.
      const again = start('hold', path, { user: NOBODY })
      await again.next()
      await expect(ledger.open(path)).rejects.toMatchObject({ code: 'locked' })
    },
  )

  test.skipIf(!isRoot)(
    'in such a directory is refused while a writer without the native addon has claimed it',
    async () => {
      const path = join(dirname(tempJournal()), 'read-only/ledger.journal')
      mkdirSync(`${path}.lock.d`, { recursive: true })
      chmodSync(dirname(dirname(path)), 0o755)
      writeFileSync(`${path}.lock.d/00mjxyz12-0123456789ab`, '{}')
      writeFileSync(path, '')
      chownSync(path, NOBODY, NOBODY)
      const refusal = await run('dispatch', path, { user: NOBODY })
      expect(refusal).toMatchObject({ code: 'io', message: expect.stringContaining('EACCES') })
    },
  )

  test('needs its lock file where a lock of the journal itself keeps nobody out', async () => {
    const path = await journal()
    const real = nodeFileSystem()
    const denied = () => Promise.reject(Object.assign(new Error('EACCES'), { code: 'EACCES' }))
    const fileSystem: typeof real = {
      ...real,
      lock: denied,
      async open(path, flags) {
        return { ...(await real.open(path, flags)), tryLock: () => true }
      },
    }
    await expect(ledger.open(fileJournal(path, { fileSystem }))).rejects.toThrow('EACCES')
    const store = await ledger.open(fileJournal(path, { fileSystem: { ...real, lock: denied } }))
    expect(store.seq).toBe(2)
    await store.close()
  })

  test('is empty again if the header cannot be written', async () => {
    const path = tempJournal()
    writeFileSync(path, '')
    const disk = faultyDisk()
    disk.fault = ({ operation, path: at, bytes }) =>
      operation === 'write' && at === path && bytes > 1 ? new Error('ENOSPC') : undefined
    await expect(ledger.open(fileJournal(path, disk))).rejects.toThrow('ENOSPC')
    expect(readFileSync(path, 'utf8')).toBe('')
    await (await ledger.open(path)).close()
  })

  test.skipIf(!isRoot)('with a lock file that this process may not open is opened', async () => {
    const path = tempJournal()
    await journal(path)
    for (const each of [dirname(path), path]) chownSync(each, NOBODY, NOBODY)
    expect(accessOf(`${path}.lock`)).toMatchObject({ uid: 0, mode: '600' })
    expect(await run('dispatch', path, { user: NOBODY })).toMatchObject({ seq: 3 })
    const store = await ledger.open(path)
    expect(await run('dispatch', path, { user: NOBODY })).toMatchObject({ code: 'locked' })
    await store.close()
  })
})

const noFlags = whyNoTool('chattr')

test.skipIf(!isRoot || noFlags !== undefined)(
  'a journal that may only be appended to is refused with its reason, and readable',
  async () => {
    const path = await journal()
    execFileSync('chattr', ['+a', path])
    onTestFinished(() => void execFileSync('chattr', ['-a', path]))
    await expect(ledger.open(path)).rejects.toMatchObject({ code: 'io' })
    await expect(ledger.open(path)).rejects.toThrow(/EPERM.*ledger\.journal/)
    expect((await ledger.replay(path)).seq).toBe(2)
    execFileSync('chattr', ['-a', path])
  },
)
