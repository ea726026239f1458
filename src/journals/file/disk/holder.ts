// Who holds a lock, and whether that process still runs: what a lock without the kernel stands on.
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { hostname } from 'node:os'
import { threadId } from 'node:worker_threads'

/** What a holder writes down about itself. */
export interface Holder {
  readonly pid: number
  readonly host: string
  /** When it took the lock, as ISO 8601. */
  readonly since: string
  /** When the process started, in the unit of the platform. Tells it from a later process with its pid. */
  readonly start?: string | undefined
  /** Linux: of the running kernel, and of the namespace that `pid` belongs to. */
  readonly boot?: string | undefined
  readonly namespace?: string | undefined
  /** A worker thread's. */
  readonly thread?: number | undefined
}

/** `unknown`: it runs, or ran, where this process cannot see it. */
export type Liveness = 'alive' | 'dead' | 'unknown'

/**
 * This process and thread. On Linux without a readable /proc, `boot`, `namespace` and `start` are
 * missing: then no one can tell later whether it is alive.
 */
export function identify(): Holder {
  return {
    ...{ pid: process.pid, host: hostname(), since: new Date().toISOString() },
    start: ownStart(),
    ...systemIdentity(),
    thread: threadId || undefined,
  }
}

/** Reads what `identify` wrote. Undefined if the text is anything else. */
export function parseHolder(text: string): Holder | undefined {
  try {
    const value: Partial<Holder> | null = JSON.parse(text)
    const isHolder = typeof value?.pid === 'number' && typeof value.host === 'string'
    return isHolder && typeof value.since === 'string' ? (value as Holder) : undefined
  } catch {
    return undefined
  }
}

/** True for a holder in this process, in whichever thread. */
export function isThisProcess({ pid, host, start }: Holder): boolean {
  if (pid !== process.pid || host !== hostname()) return false
  return start === undefined || start === ownStart()
}

/**
 * Pids are reused, so the start time has to match as well. Pids of another namespace (a container)
 * or another host mean nothing here. A namespace's id is reused, but only after all of its
 * processes have ended, so an equal id is this process's own namespace.
 */
export function livenessOf(holder: Holder): Liveness {
  const { boot, namespace } = systemIdentity()
  if (holder.boot !== boot) {
    const hasRebooted =
      holder.boot !== undefined && boot !== undefined && holder.host === hostname()
    return hasRebooted ? 'dead' : 'unknown'
  }
  if (boot === undefined ? holder.host !== hostname() : holder.namespace !== namespace)
    return 'unknown'
  if (!isRunning(holder.pid)) return 'dead'
  const start = startOf(holder.pid)
  const isReused = start !== undefined && holder.start !== undefined && start !== holder.start
  return isReused ? 'dead' : 'alive'
}

/** In words, for messages. */
export function describeHolder({ pid, host, since, thread }: Holder): string {
  const where = thread === undefined ? '' : ` (worker thread ${thread})`
  return `process ${pid}${where} on ${host}, since ${since}`
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it runs, as another user.
    return (error as { code?: unknown }).code !== 'ESRCH'
  }
}

function systemIdentity(): Pick<Holder, 'boot' | 'namespace'> {
  if (process.platform !== 'linux') return {}
  try {
    return {
      boot: fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
      namespace: fs.readlinkSync('/proc/self/ns/pid'),
    }
  } catch {
    return {}
  }
}

let ownStartCache: string | undefined
/** Kept, because `ps` takes milliseconds. */
function ownStart(): string | undefined {
  ownStartCache ??= startOf(process.pid)
  return ownStartCache
}

/** Undefined if the system does not say. */
function startOf(pid: number): string | undefined {
  if (process.platform === 'linux') return linuxStartOf(pid)
  if (process.platform === 'win32') return undefined
  try {
    // FreeBSD and macOS. Its text depends on the time zone and the language.
    const env = { ...process.env, TZ: 'UTC', LC_ALL: 'C' }
    const { stdout } = spawnSync('ps', ['-o', 'lstart=', '-p', `${pid}`], { env, encoding: 'utf8' })
    return stdout?.trim() || undefined
  } catch {
    return undefined
  }
}

/** Field 22 of /proc/<pid>/stat, in clock ticks since boot. A zombie has given up all of its files: `ended`. */
function linuxStartOf(pid: number): string | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The second field is the program's name in parentheses, which may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? 'ended' : fields[19]
  } catch {
    return undefined
  }
}
