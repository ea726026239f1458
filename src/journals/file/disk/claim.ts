// The writer's lock if the native addon cannot be loaded: claims, of which a dead one can be recognized.
//
// Each process that wants the lock publishes a claim, a file with a name of its own, and then reads
// all the others. If another claim is alive, one of the two withdraws. Of two processes, the one that
// published later sees the other's claim, so they never both go on. No one takes a dead claim over:
// it is ignored, then deleted, and since no name is used twice, two processes that delete the same
// dead claim harm no one.
//
// Alive is what the kernel says, where flock(1) is installed (util-linux, BusyBox): it locks the
// open file that it inherits, and that lock lasts until this process has closed the file, however it
// ends. This is the kernel's lock without an addon, it works across containers, and it costs one
// short-lived child process. It is not the first choice: fcntl locks, which the addon takes, and
// flock locks do not see each other on Linux, Windows and macOS have no flock(1), and the addon needs
// no child process. Without flock(1), alive is what the process table says (holder.ts).
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { StoreError } from '../../../errors.ts'
import {
  describeHolder,
  type Holder,
  identify,
  isThisProcess,
  type Liveness,
  livenessOf,
  parseHolder,
} from './holder.ts'
import { syncsOf } from './sync.ts'

/** How long a claim waits until later ones have been withdrawn. */
const WAIT_MS = 1000
const POLL_MS = 10

/** A claim of another process. Names begin with the time, so that a later claim has a greater name. */
export interface Claim {
  readonly name: string
  readonly file: string
  readonly holder: Holder | undefined
  readonly liveness: Liveness
}

type Listing = () => readonly Claim[]

/** Claims are in a directory of their own, so that a long list of journals costs nothing. */
const directoryOf = (path: string): string => `${path}.d`

/** A name for a claim that begins now. */
export const newClaimName = (): string =>
  `${Date.now().toString(36).padStart(9, '0')}-${randomBytes(6).toString('hex')}`

/**
 * Takes the lock at `path` with a claim; `others` lists what holds it in another way. Returns how to
 * release it. Throws StoreError `locked` if another writer has it, or if no lock can be had here.
 */
export async function claim(path: string, others: Listing): Promise<() => void> {
  const name = newClaimName()
  const release = await publish(path, name)
  try {
    await assertAlone(path, name, () => [...claimsOf(path, name), ...others()])
    return release
  } catch (error) {
    release()
    throw error
  }
}

/**
 * Resolves when no other claim is alive. An earlier claim wins at once; a later one has to be
 * withdrawn by its process, which sees this one.
 */
export async function assertAlone(path: string, name: string, list: Listing): Promise<void> {
  const end = performance.now() + WAIT_MS
  for (;;) {
    const [first] = list().filter(({ liveness }) => liveness !== 'dead')
    if (!first) return
    if (first.name < name || performance.now() > end) throw claimedBy(path, first)
    await sleep(POLL_MS)
  }
}

/** All claims but `own`, the earliest first. Deletes those that are dead. */
export function claimsOf(path: string, own?: string): readonly Claim[] {
  const names = listNames(directoryOf(path)).filter((name) => isClaim(name) && name !== own)
  return names.sort().flatMap((name) => {
    const file = join(directoryOf(path), name)
    const found = readClaim(name, file)
    if (found?.liveness === 'dead') fs.rmSync(file, { force: true })
    return found ?? []
  })
}

const isClaim = (name: string): boolean => /^[0-9a-z]{9}-[0-9a-f]{12}$/.test(name)

function listNames(directory: string): string[] {
  try {
    return fs.readdirSync(directory)
  } catch (error) {
    const { code } = error as { code?: unknown }
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw error
  }
}

/** Undefined if it was withdrawn in the meantime. */
function readClaim(name: string, file: string): Claim | undefined {
  let fd: number
  try {
    fd = fs.openSync(file, 'r')
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const text = fs.readFileSync(fd, 'utf8')
    const holder = parseHolder(text)
    const isFlock = holder !== undefined && JSON.parse(text).by === 'flock'
    return { name, file, holder, liveness: judge(fd, holder, isFlock) }
  } finally {
    fs.closeSync(fd)
  }
}

function judge(fd: number, holder: Holder | undefined, isFlock: boolean): Liveness {
  if (!holder) return 'unknown'
  if (isFlock) {
    // A shared lock, so that two processes that ask at the same time do not take each other for the holder.
    const answer = flock(fd, 'shared')
    if (answer !== 'unavailable') return answer === 'held' ? 'alive' : 'dead'
  }
  const liveness = livenessOf(holder)
  const isOurs = liveness === 'alive' && !isFlock && isThisProcess(holder)
  return isOurs && !isOpenHere(fd) ? 'dead' : liveness
}

/** Another descriptor than `fd` has the file open: a worker thread that was terminated closes its own. */
function isOpenHere(fd: number): boolean {
  const { ino, dev } = fs.fstatSync(fd)
  try {
    return fs.readdirSync('/proc/self/fd').some((other) => {
      const stat = Number(other) === fd ? undefined : statOf(`/proc/self/fd/${other}`)
      return stat?.ino === ino && stat.dev === dev
    })
  } catch {
    return true
  }
}

const statOf = (path: string) => fs.statSync(path, { throwIfNoEntry: false })

/** Publishes the claim complete and, with flock(1), locked: by renaming it to its name. */
async function publish(path: string, name: string): Promise<() => void> {
  const directory = directoryOf(path)
  const [file, draft] = [join(directory, name), join(directory, `${name}.new`)]
  for (;;) {
    fs.mkdirSync(directory, { recursive: true })
    let fd: number | undefined
    try {
      fd = fs.openSync(draft, 'wx', 0o600)
      const by = isLocked(fd, draft) ? 'flock' : 'pid'
      const holder = { ...identify(), by }
      if (by === 'pid') assertVisible(path, holder)
      fs.writeFileSync(fd, `${JSON.stringify(holder)}\n`)
      const syncs = await syncsOf(fd, draft, { flags: 'r+' })
      await Promise.resolve(syncs.datasync(fd)).finally(syncs.close)
      fs.renameSync(draft, file)
    } catch (error) {
      if (fd !== undefined) fs.closeSync(fd)
      fs.rmSync(draft, { force: true })
      // Another process released its claim, and removed the empty directory with it.
      if ((error as { code?: unknown }).code === 'ENOENT') continue
      removeDirectory(directory)
      throw error
    }
    const published = fd
    return () => {
      fs.rmSync(file, { force: true })
      fs.closeSync(published)
      removeDirectory(directory)
    }
  }
}

/** Asked again through another descriptor: a disk may take locks without keeping them. */
function isLocked(fd: number, file: string): boolean {
  if (flock(fd, 'exclusive') !== 'locked') return false
  const other = fs.openSync(file, 'r')
  try {
    return flock(other, 'shared') === 'held'
  } finally {
    fs.closeSync(other)
  }
}

/** With nothing in it but what processes left that ended before they had published. */
function removeDirectory(directory: string): void {
  const names = listNames(directory)
  if (names.some((name) => !name.endsWith('.new'))) return
  for (const name of names) fs.rmSync(join(directory, name), { force: true })
  try {
    fs.rmdirSync(directory)
  } catch {
    // Another process has just begun a claim in it.
  }
}

/** A claim that no one could ever tell alive from dead would have to be deleted by hand after each crash. */
function assertVisible(path: string, { boot }: Holder): void {
  if (process.platform !== 'linux' || boot !== undefined) return
  const what = 'no lock can be had: the native addon and flock(1) cannot be run, nor /proc be read'
  const next =
    'Under --permission, pass --allow-fs-read=/proc, or --allow-addons with --allow-fs-read=/etc/alpine-release; in Deno, pass -A. Or make sure that there is one writer and open with { lock: false }'
  throw new StoreError('locked', `${path}: ${what}. ${next}.`, { path })
}

/** Locks the open file through flock(1), which inherits it. `unavailable`: not installed, not allowed, not on this disk. */
export function flock(fd: number, kind: 'exclusive' | 'shared'): 'locked' | 'held' | 'unavailable' {
  // Deno hands the child another descriptor than the one that it was given (2.9).
  if (process.platform === 'win32' || 'Deno' in globalThis) return 'unavailable'
  try {
    const args = ['-n', kind === 'shared' ? '-s' : '-x', '0']
    const { status, stderr } = spawnSync('flock', args, { stdio: [fd, 'ignore', 'pipe'] })
    if (status === 0) return 'locked'
    // BusyBox ends with 1 for any failure, and says why unless the lock is held.
    return status === 1 && stderr.length === 0 ? 'held' : 'unavailable'
  } catch {
    return 'unavailable'
  }
}

function claimedBy(path: string, { file, holder, liveness }: Claim): StoreError {
  if (holder && liveness === 'alive') return heldBy(path, holder)
  const whose = holder ? ` by ${describeHolder(holder)}` : ''
  const what = `${path} is claimed${whose}, and whether that writer still runs cannot be seen from here: it is on another host or in another container, or its claim cannot be read`
  const next = `If it has ended, delete ${file} and open again`
  return new StoreError('locked', `${what}. ${next}.`, { path })
}

/** The error for a second writer. */
export function heldBy(path: string, holder: Holder | undefined): StoreError {
  const next = 'Close that store first, or open with { readOnly: true }'
  if (!holder)
    return new StoreError('locked', `${path} is held by another process. ${next}.`, { path })
  const who = describeHolder(holder)
  if (!isThisProcess(holder)) {
    return new StoreError('locked', `${path} is held by ${who}. ${next}.`, { path })
  }
  const hint =
    'If a module that opens it was evaluated twice (hot reload, two bundles), keep one store on globalThis: docs/guides/hot-reload.md'
  const what = `${path}: this very process has it open (${who})`
  return new StoreError('locked', `${what}. ${next}. ${hint}.`, { path })
}
