// A module's bytes, as they were installed or not at all. It loads nothing else: group processes start with it.
import { createHash } from 'node:crypto'
import { open, stat } from 'node:fs/promises'
import { ModuleError } from './errors.ts'

export const MAX_WASM_BYTES: number = 64 * 2 ** 20

/** An installed module's file, and what is in it. */
export interface ModuleFile {
  readonly path: string
  /** In hex. */
  readonly sha256: string
}

/** Throws ModuleError `module_corrupt`, which says what is wrong with it. */
export async function readModule({ path, sha256 }: ModuleFile): Promise<Buffer> {
  const bytes = await readLimited(path, MAX_WASM_BYTES).catch((cause: Error) => {
    throw corrupt(path, cause.message, cause)
  })
  const actual = digestOf(bytes)
  if (actual === sha256) return bytes
  throw corrupt(path, `its SHA-256 is ${actual}, and ${sha256} was installed`)
}

export const digestOf = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex')

/** Throws ModuleError `not_found`, `too_large`, `storage`. */
export async function readLimited(path: string, most: number): Promise<Buffer> {
  try {
    // Before it is opened: opening a pipe would wait for its other end.
    if (!(await stat(path)).isFile())
      throw new ModuleError('not_found', `${path} is no file`, { path })
    const file = await open(path, 'r')
    try {
      const { size } = await file.stat()
      if (size > most) throw tooLarge(path, most)
      // One more than there may be, in case that it grows meanwhile.
      const into = Buffer.allocUnsafe(size + 1)
      let length = 0
      while (length < into.length) {
        const { bytesRead } = await file.read(into, length, into.length - length, length)
        if (bytesRead === 0) return into.subarray(0, length)
        length += bytesRead
      }
      throw new ModuleError('storage', `${path} changed while it was read`, { path })
    } finally {
      await file.close()
    }
  } catch (cause) {
    if (cause instanceof ModuleError) throw cause
    throw asModuleError(path, cause)
  }
}

const tooLarge = (path: string, most: number) =>
  new ModuleError('too_large', `${path} has more than ${most} bytes`, { path })

function asModuleError(path: string, cause: unknown): ModuleError {
  const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
  if (isMissing) return new ModuleError('not_found', `${path} is not there`, { path, cause })
  return new ModuleError('storage', `${path} cannot be read: ${cause}`, { path, cause })
}

const corrupt = (path: string, what: string, cause?: unknown) =>
  new ModuleError('module_corrupt', `the module is corrupt: ${what}. Update or remove it`, {
    path,
    cause,
  })
