// WASI preview 1 by node:wasi, less what would reach past the module: its output is captured, its sleep can be
// ended, and it has no signals and no sockets. node:wasi says itself that it is not a full sandbox.
import type { Buffer } from 'node:buffer'
import { openSync } from 'node:fs'
import { createRequire } from 'node:module'
import { devNull } from 'node:os'
import type { WASI as NodeWasi } from 'node:wasi'
import type { Grants } from '../grants.ts'
import type { GuestMemory } from './memory.ts'
import type { Output } from './output.ts'
import { pollOneoff } from './poll.ts'

const [SUCCESS, EINVAL, ENOTSUP] = [0, 28, 58]
const MOST_PARTS = 1024

/** Thrown through the module by `proc_exit`. */
export class Exit extends Error {
  override readonly name = 'Exit'
  readonly code: number
  constructor(code: number) {
    super(`it ended itself with ${code}`)
    this.code = code
  }
}

export interface WasiOptions {
  readonly name: string
  readonly grants: Grants
  readonly output: Output
  memory(): GuestMemory
  /** `undefined`: here nothing may sleep. */
  readonly sleep: ((ms: number) => void) | undefined
}

export interface Wasi {
  readonly imports: Readonly<Record<string, unknown>>
  /** Before the module is called. */
  attach(memory: WebAssembly.Memory): void
}

export function openWasi({ name, grants, output, memory, sleep }: WasiOptions): Wasi {
  const { env, preopens } = grants
  const nowhere = openSync(devNull, 'r+')
  const stdio = { stdin: nowhere, stdout: nowhere, stderr: nowhere }
  const wasi = new (load())({ version: 'preview1', args: [name], env, preopens, ...stdio })
  const { fd_write, fd_close, fd_renumber } = wasi.wasiImport
  const unsupported = () => ENOTSUP
  const own = {
    fd_write(fd: unknown, parts: unknown, count: unknown, written: unknown) {
      if (fd === 1 || fd === 2)
        return capture(memory(), [parts, count, written], (bytes) =>
          output.write(fd === 1 ? 'stdout' : 'stderr', bytes),
        )
      return fd_write(fd, parts, count, written)
    },
    // The descriptor belongs to the host.
    fd_close: (fd: unknown) => (isStdio(fd) ? SUCCESS : fd_close(fd)),
    fd_renumber: (from: unknown, to: unknown) =>
      isStdio(from) || isStdio(to) ? ENOTSUP : fd_renumber(from, to),
    poll_oneoff: (...args: unknown[]) =>
      sleep === undefined ? ENOTSUP : pollOneoff(memory(), sleep, args),
    proc_exit(code: unknown) {
      throw new Exit(Number(code) >>> 0)
    },
    // It would reach the whole process.
    proc_raise: unsupported,
    sock_accept: unsupported,
    sock_recv: unsupported,
    sock_send: unsupported,
    sock_shutdown: unsupported,
  }
  return {
    imports: { ...wasi.wasiImport, ...own },
    // It needs nothing else of an instance, and is not to call anything of it.
    attach: (exported) => wasi.initialize({ exports: { memory: exported } }),
  }
}

/** Only where a module wants it: Node warns that it is experimental. */
const load = (): typeof NodeWasi => createRequire(import.meta.url)('node:wasi').WASI

const isStdio = (fd: unknown): boolean => fd === 0 || fd === 1 || fd === 2

function capture(
  memory: GuestMemory,
  [parts, count, written]: readonly unknown[],
  write: (bytes: Buffer) => void,
): number {
  if (typeof count !== 'number' || count < 0 || count > MOST_PARTS) return EINVAL
  const places = memory.read(parts, count * 8)
  const bytes = Array.from({ length: count }, (_, index) =>
    memory.read(places.readUInt32LE(index * 8), places.readUInt32LE(index * 8 + 4)),
  )
  let total = 0
  for (const part of bytes) {
    write(part)
    total += part.length
  }
  memory.view(written, 4).setUint32(0, total, true)
  return SUCCESS
}
