// lossy.c, compiled, and the environment of a process that runs with it.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { whyNot } from '../probe.ts'

/** Why this machine cannot use the library; undefined if it can. Throws if only a package is missing on a CI machine. */
export function whyNotLossy(): string | undefined {
  if (process.platform !== 'linux') return 'LD_PRELOAD of glibc is needed'
  const why = whyNot(['cc', '--version'])
  if (why && process.env['CI']) throw new Error(`CI is set and ${why}: install gcc and libc6-dev`)
  return why
}

export interface LossyLibrary {
  readonly path: string
  remove(): void
}

export function compileLossy(): LossyLibrary {
  const directory = mkdtempSync(join(tmpdir(), 'ministore-lossy-'))
  const source = fileURLToPath(new URL('lossy.c', import.meta.url))
  const path = join(directory, 'lossy.so')
  const flags = ['-O2', '-shared', '-fPIC']
  execFileSync('cc', [...flags, '-o', path, source, '-ldl', '-lpthread'], { stdio: 'inherit' })
  return { path, remove: () => rmSync(directory, { recursive: true }) }
}

export interface LossyPlace {
  /** What a kill takes unsynced changes from. */
  readonly files: string
  /** The undo log; on the same file system. */
  readonly undo: string
  /** Each sync takes so long, so that kills come during one. */
  readonly syncMicroseconds: number
}

export const lossyEnvironment = (
  { path }: LossyLibrary,
  { files, undo, syncMicroseconds }: LossyPlace,
): NodeJS.ProcessEnv => ({
  ...process.env,
  LD_PRELOAD: path,
  LOSSY_FILES: files,
  LOSSY_UNDO: undo,
  LOSSY_SYNC_US: String(syncMicroseconds),
  // System calls of libuv's own would pass the library by.
  UV_USE_IO_URING: '0',
})
