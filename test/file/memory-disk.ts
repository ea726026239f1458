import { basename, dirname, resolve } from 'node:path'
import { StoreError } from 'ministore-ts'
import type { FileSystem, OpenFile } from 'ministore-ts/file'

/** Files in memory, for tests that open thousands of journals. Nothing fails and nothing is lost. */
export class MemoryDisk implements FileSystem {
  readonly #files = new Map<string, { bytes: Buffer }>()
  readonly #locks = new Set<string>()
  readonly #lockedFiles = new Set<object>()

  constructor(files: Record<string, Uint8Array> = {}) {
    for (const [path, bytes] of Object.entries(files)) {
      this.#files.set(path, { bytes: Buffer.from(bytes) })
    }
  }

  /** A copy; undefined where there is no such file. */
  read(path: string): Buffer | undefined {
    const file = this.#files.get(path)
    return file && Buffer.from(file.bytes)
  }

  get names(): string[] {
    return [...this.#files.keys()].sort()
  }

  get locks(): string[] {
    return [...this.#locks]
  }

  /** As the kernel does when their holder dies. */
  releaseLocks(): void {
    this.#locks.clear()
    this.#lockedFiles.clear()
  }

  open(path: string, flags: 'r' | 'r+' | 'wx'): OpenFile {
    const old = this.#files.get(path)
    if (!old && flags.startsWith('r')) throw errno('ENOENT', path)
    if (old && flags === 'wx') throw errno('EEXIST', path)
    const file = old ?? { bytes: Buffer.alloc(0) }
    this.#files.set(path, file)
    let isLocked = false
    return {
      size: () => file.bytes.length,
      read(into, position) {
        if (flags === 'wx') throw errno('EBADF', path)
        return file.bytes.subarray(position).copy(into)
      },
      write(bytes, position) {
        const length = Math.max(file.bytes.length, position + bytes.length)
        const grown = Buffer.alloc(length)
        file.bytes.copy(grown)
        grown.set(bytes, position)
        file.bytes = grown
        return bytes.length
      },
      truncate(size) {
        const cut = Buffer.alloc(size)
        file.bytes.copy(cut)
        file.bytes = cut
      },
      datasync() {},
      sync() {},
      sizeAt: (name) => (this.#files.get(name) === file ? file.bytes.length : undefined),
      links: () => [...this.#files.values()].filter((each) => each === file).length,
      copyAccess() {},
      tryLock: () => {
        isLocked ||= !this.#lockedFiles.has(file)
        if (isLocked) this.#lockedFiles.add(file)
        return isLocked
      },
      close: () => {
        if (isLocked) this.#lockedFiles.delete(file)
      },
    }
  }

  resolve(path: string): string {
    return resolve(path)
  }

  list(path: string): string[] {
    return this.names.filter((name) => dirname(name) === path).map((name) => basename(name))
  }

  mkdir(): void {}

  rename(from: string, to: string): void {
    const file = this.#files.get(from)
    if (!file) throw errno('ENOENT', from)
    this.#files.delete(from)
    this.#files.set(to, file)
  }

  link(from: string, to: string): void {
    const file = this.#files.get(from)
    if (!file) throw errno('ENOENT', from)
    if (this.#files.has(to)) throw errno('EEXIST', to)
    this.#files.set(to, file)
  }

  unlink(path: string): void {
    if (!this.#files.delete(path)) throw errno('ENOENT', path)
  }

  syncDir(): void {}

  lock(path: string): () => void {
    if (this.#locks.has(path)) throw new StoreError('locked', `${path} is held by this test`)
    this.#locks.add(path)
    return () => void this.#locks.delete(path)
  }
}

export const errno = (code: string, what = 'as the test wants it'): Error =>
  Object.assign(new Error(`${code}: ${what}`), { code })
