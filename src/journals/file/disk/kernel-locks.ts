// The locks of the kernel that the other kind of writer holds. On Linux, the addon's locks (fcntl) and those of
// flock(1) do not see each other, but the kernel lists both in /proc/locks.
import * as fs from 'node:fs'

/** The addon's and flock(1)'s, as the kernel names them. */
export type KernelLock = 'OFDLCK' | 'FLOCK'

/**
 * Whether anyone has locked the open file in this way. False if it cannot be known: on other platforms, without /proc,
 * and for a FLOCK that a process of another pid namespace holds.
 */
export function hasKernelLock(fd: number, kind: KernelLock): boolean {
  const { dev, ino } = fs.fstatSync(fd, { bigint: true })
  // As the kernel writes it: the device in hexadecimal, the inode in decimal.
  const [major, minor] = [majorOf(dev), minorOf(dev)].map((part) =>
    part.toString(16).padStart(2, '0'),
  )
  const place = `${major}:${minor}:${ino}`
  // `2: FLOCK  ADVISORY  WRITE 4711 fe:00:123456 0 EOF`
  return listed().some((line) => {
    const [, type, , , , where] = line.trim().split(/\s+/)
    return type === kind && where === place
  })
}

function listed(): readonly string[] {
  if (process.platform !== 'linux') return []
  try {
    return fs.readFileSync('/proc/locks', 'utf8').split('\n')
  } catch {
    return []
  }
}

// How glibc packs a device number (sys/sysmacros.h).
const majorOf = (dev: bigint) => ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn)
const minorOf = (dev: bigint) => (dev & 0xffn) | ((dev >> 12n) & ~0xffn)
