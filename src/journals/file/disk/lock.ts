// One writer: an operating-system lock, which the kernel releases however the process ends.
import * as fs from 'node:fs'
import { StoreError } from '../../../errors.ts'
import { loadAddon } from './addon.ts'
import { assertAlone, type Claim, claim, claimsOf, flock, heldBy, newClaimName } from './claim.ts'
import { identify, livenessOf, parseHolder } from './holder.ts'
import { hasKernelLock } from './kernel-locks.ts'

const BEGIN = '{"pid":'
/** What the file says after its holder has released it. */
const RELEASED = '{"pid":0}'

type TryLock = (fd: number) => boolean

/**
 * Takes the lock file at `path`, creating it; it is never removed, since a process that still has it
 * open would then hold a lock on nothing. Without the native addon it takes a claim beside it
 * (claim.ts). Throws StoreError `locked`, naming the holder.
 */
export async function lock(path: string): Promise<() => void> {
  const tryLock = await loadLock()
  const release = tryLock && (await lockFile(path, tryLock))
  return release ?? claim(path, () => signatureAsClaim(path))
}

/**
 * Locks the open file itself, by whatever name it was found. True if only its path can be locked here. Writers of the
 * other kind are looked for once this lock is held: of two that begin at the same time, at least one sees the other.
 */
export async function tryLockFile(fd: number): Promise<boolean> {
  const byAddon = attempt(await loadLock(), fd)
  const answer = byAddon ?? flock(fd, 'exclusive')
  if (answer === 'held') return false
  if (byAddon !== undefined) return !hasKernelLock(fd, 'FLOCK')
  return !hasKernelLock(fd, 'OFDLCK') && (answer === 'locked' || !hasKernelLock(fd, 'FLOCK'))
}

/** Undefined if the disk has no such locks. */
async function lockFile(path: string, tryLock: TryLock): Promise<(() => void) | undefined> {
  for (;;) {
    const fd = fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600)
    let isHeld = false
    try {
      const answer = attempt(tryLock, fd)
      if (answer === 'held') throw heldBy(path, parseHolder(fs.readFileSync(path, 'utf8')))
      if (answer === undefined) return undefined
      // Removed by hand between open and lock: then this is a lock on a file that no one will find.
      if (fs.fstatSync(fd).ino !== fs.statSync(path, { throwIfNoEntry: false })?.ino) continue
      // Named before it is signed: a claim that begins now is later, and gives way.
      const name = newClaimName()
      const signOff = sign(fd, name)
      const release = () => {
        signOff()
        fs.closeSync(fd)
      }
      isHeld = true
      await assertAlone(path, name, () => claimsOf(path)).catch((error: unknown) => {
        release()
        throw error
      })
      return release
    } finally {
      if (!isHeld) fs.closeSync(fd)
    }
  }
}

/** Undefined without an answer: the addon is missing, or the disk has no such locks. */
function attempt(tryLock: TryLock | undefined, fd: number): 'locked' | 'held' | undefined {
  try {
    return tryLock && (tryLock(fd) ? 'locked' : 'held')
  } catch {
    return undefined
  }
}

/**
 * Writes who holds the lock, for messages and for writers that only have claims. Not over what is
 * someone's own, such as yarn's lock file beside a journal named "yarn".
 */
function sign(fd: number, name: string): () => void {
  const begin = Buffer.alloc(BEGIN.length)
  if (fs.readSync(fd, begin, 0, begin.length, 0) > 0 && begin.toString() !== BEGIN) return () => {}
  const text = `${JSON.stringify({ ...identify(), name })}\n`
  // Written before it is cut, so that a full disk has room for it.
  fs.ftruncateSync(fd, fs.writeSync(fd, text, 0))
  return () => {
    try {
      // As long as what it replaces: the next holder has room for its own text, also on a full disk.
      fs.writeSync(fd, `${RELEASED.padEnd(text.length - 1)}\n`, 0)
    } catch {
      // A disk that fails must not fail the closing. Writers without the addon wait for this process to end.
    }
  }
}

/** What a writer with the addon wrote into the lock file, as a claim. */
function signatureAsClaim(path: string): readonly Claim[] {
  if (!fs.existsSync(path)) return []
  const text = fs.readFileSync(path, 'utf8')
  if (text === '' || text.trimEnd() === RELEASED) return []
  const holder = parseHolder(text)
  if (!text.startsWith(BEGIN)) {
    const what = 'is a file of another program, so a writer with the native addon would not be seen'
    throw new StoreError('locked', `${path} ${what}. Rename it or the journal.`, { path })
  }
  const name = String(holder ? (JSON.parse(text).name ?? '') : '')
  return [{ name, file: path, holder, liveness: holder ? livenessOf(holder) : 'unknown' }]
}

async function loadLock(): Promise<TryLock | undefined> {
  const addon = await loadAddon()
  // One byte far after the end: on Windows, no other process can read or write what is locked.
  return addon && ((fd) => addon.tryLock(fd, 2 ** 40, 1))
}
