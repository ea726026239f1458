// The schema lock's file: read with suspicion, replaced as a whole.
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import {
  parseSchemaLock,
  type SchemaLock,
  SchemaLockError,
  schemaLockText,
} from '../../proof/schema/index.ts'

const MAX_BYTES = 16 * 1024 * 1024

/** Undefined if there is no such file. Throws SchemaLockError if it cannot be used. */
export async function readSchemaLock(path: string): Promise<SchemaLock | undefined> {
  const problem = (what: string) =>
    new SchemaLockError(path, what, { remedy: 'name the lock file by --lock' })
  try {
    const found = await stat(path)
    if (!found.isFile()) throw problem('this is not a file')
    if (found.size > MAX_BYTES) throw problem(`${found.size} bytes are more than any lock has`)
    return parseSchemaLock(await readFile(path, 'utf8'), path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** The whole new file or the whole old one: never a part. */
export async function writeSchemaLock(path: string, lock: SchemaLock): Promise<void> {
  const unfinished = `${path}.${process.pid}.tmp`
  try {
    await writeFile(unfinished, schemaLockText(lock), { mode: 0o644, flag: 'wx' })
    await rename(unfinished, path)
  } catch (cause) {
    await rm(unfinished, { force: true })
    throw new Error(`${path} cannot be written: ${(cause as Error).message}`, { cause })
  }
}
