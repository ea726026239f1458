// A directory of keys on disk. No locks: a file appears whole or not at all, and under a name that only one can take.
import { createHash, randomBytes } from 'node:crypto'
import { type FileHandle, link, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { SecretError } from './error.ts'
import type { KeyEntry, KeyStorage } from './keys.ts'

const FILE = z.strictObject({
  format: z.literal('ministore-keys'),
  version: z.literal(1),
  subject: z.string(),
  key: z.strictObject({ id: z.string(), bytes: z.string() }).optional(),
  forgotten: z.array(z.string()),
})

/** Group and others. Windows has no such bits. */
const OTHERS = process.platform === 'win32' ? 0 : 0o077

/** Creates the directory if it does not exist. Throws SecretError `key_store`, as each method does. */
export async function openKeyDirectory(path: string): Promise<KeyStorage> {
  const directory = resolve(path)
  return attempt(directory, async () => {
    const created = await mkdir(directory, { recursive: true, mode: 0o700 })
    if (created !== undefined) await syncUp(directory, dirname(created))
    assertPrivate(directory, await stat(directory), '700')
    return new KeyDirectory(directory)
  })
}

class KeyDirectory implements KeyStorage {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  read(subject: string): Promise<KeyEntry | undefined> {
    return attempt(this.#directory, () => this.#read(subject))
  }

  create(subject: string, entry: KeyEntry): Promise<KeyEntry> {
    return attempt(this.#directory, async () => {
      for (;;) {
        const draft = await this.#write(subject, entry)
        try {
          // Unlike a rename, a link never replaces the file that another process was first with.
          await link(draft, this.#fileOf(subject))
          await this.#sync()
          return entry
        } catch (error) {
          // `ENOENT`: the subject was forgotten meanwhile, with all that was under way for it.
          if (!['EEXIST', 'ENOENT'].includes(codeOf(error))) throw error
        } finally {
          await unlink(draft).catch(() => undefined)
        }
        const found = await this.#read(subject)
        if (found) return found
      }
    })
  }

  replace(subject: string, entry: KeyEntry): Promise<void> {
    return attempt(this.#directory, async () => {
      const file = this.#fileOf(subject)
      const old = await open(file, 'r+')
      try {
        await rename(await this.#write(subject, entry), file)
        await this.#sync()
        // First the new entry, then the end of the old key: a crash in between leaves a subject that is forgotten.
        await overwrite(old)
      } finally {
        await old.close()
      }
      await this.#removeDrafts(subject)
    })
  }

  #fileOf(subject: string): string {
    return join(this.#directory, `${nameOf(subject)}.json`)
  }

  async #read(subject: string): Promise<KeyEntry | undefined> {
    const path = this.#fileOf(subject)
    const file = await open(path, 'r').catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return undefined
      throw error
    })
    if (!file) return undefined
    try {
      const stats = await file.stat()
      assertPrivate(path, stats, '600')
      // Its maker still has the draft: the name may not be durable yet.
      if (stats.nlink > 1) await this.#sync()
      const text = await file.readFile('utf8')
      // Replaced meanwhile: then what was read here may be half overwritten.
      if ((await stat(path)).ino !== stats.ino) return await this.#read(subject)
      return entryIn(text, path, subject)
    } finally {
      await file.close()
    }
  }

  /** Under a name of its own; durable but for that name. */
  async #write(subject: string, entry: KeyEntry): Promise<string> {
    const draft = `${nameOf(subject)}.${randomBytes(8).toString('hex')}.new`
    const path = join(this.#directory, draft)
    const file = await open(path, 'wx', 0o600)
    try {
      const content = { format: 'ministore-keys', version: 1, subject, ...entry }
      await file.writeFile(`${JSON.stringify(content)}\n`)
      await file.sync()
    } catch (error) {
      await unlink(path).catch(() => undefined)
      throw error
    } finally {
      await file.close()
    }
    return path
  }

  #sync(): Promise<void> {
    return syncDirectory(this.#directory)
  }

  /** What crashes left of this subject's keys. */
  async #removeDrafts(subject: string): Promise<void> {
    const names = await readdir(this.#directory)
    for (const name of names) {
      if (!name.startsWith(`${nameOf(subject)}.`) || !name.endsWith('.new')) continue
      const path = join(this.#directory, name)
      const file = await open(path, 'r+')
      await overwrite(file).finally(() => file.close())
      await unlink(path)
    }
    await this.#sync()
  }
}

/** Subjects are no file names: they may have any length, `/`, and differ in case only. */
const nameOf = (subject: string): string => createHash('sha256').update(subject).digest('hex')

function entryIn(text: string, path: string, subject: string): KeyEntry {
  const parsed = FILE.safeParse(parsedJson(text))
  if (parsed.success && parsed.data.subject === subject) {
    const { key, forgotten } = parsed.data
    return { ...(key && { key }), forgotten }
  }
  const what = `${path} is not the key file of this subject: it was damaged. Restore it from its backup.`
  throw new SecretError('bad_key', what, { subject })
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Without the parser's message, which quotes the text.
    return undefined
  }
}

async function overwrite(file: FileHandle): Promise<void> {
  const { size } = await file.stat()
  await file.write(Buffer.alloc(size), 0, size, 0)
  await file.sync()
}

/** Each directory from here up to and with `top`, whose entry in its parent is durable. */
async function syncUp(directory: string, top: string): Promise<void> {
  await syncDirectory(directory)
  if (directory !== top && dirname(directory) !== directory) await syncUp(dirname(directory), top)
}

/** Windows cannot open directories. */
async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const directory = await open(path, 'r')
  await directory.sync().finally(() => directory.close())
}

function assertPrivate(path: string, { mode }: { mode: number }, wanted: string): void {
  if ((mode & OTHERS) === 0) return
  const what = `${path} can be used by other users: its mode is ${(mode & 0o777).toString(8)}.`
  throw new SecretError('key_store', `${what} Run: chmod ${wanted} ${JSON.stringify(path)}`)
}

const codeOf = (error: unknown): string => String(Object(error).code)

async function attempt<T>(directory: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (cause) {
    if (cause instanceof SecretError) throw cause
    const what = `the key directory ${directory} refused: ${(cause as Error).message}`
    throw new SecretError('key_store', what, { cause })
  }
}
