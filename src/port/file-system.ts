// The port below the file journal: what it asks of a disk.
import type { Awaitable } from './journal.ts'

/** What the file journal asks of a disk. Errors carry the system's `code`, such as `ENOSPC`. */
export interface FileSystem {
  /**
   * The absolute path of the file that `path` names: if `path` is a symbolic link, of the file that the
   * link leads to, which need not exist. Throws `ELOOP`, and `ENOENT` if the link leads to a missing directory.
   */
  resolve(path: string): Awaitable<string>
  /** `r`: read. `r+`: read and write. `wx`: write a new file, mode 0600, or fail with `EEXIST`. */
  open(path: string, flags: 'r' | 'r+' | 'wx'): Awaitable<OpenFile>
  /** With missing parents; durable when it resolves. */
  mkdir(path: string): Awaitable<void>
  rename(from: string, to: string): Awaitable<void>
  /** Another name for the same file. Throws `EEXIST` if that is taken. */
  link(from: string, to: string): Awaitable<void>
  unlink(path: string): Awaitable<void>
  /** The names of the files in this directory. */
  list(path: string): Awaitable<readonly string[]>
  /**
   * Makes what was created, renamed or removed in this directory durable. Does nothing if the file system
   * cannot sync directories.
   */
  syncDir(path: string): Awaitable<void>
  /** Resolves to the release function, or throws StoreError `locked`. */
  lock(path: string): Awaitable<() => Awaitable<void>>
}

export interface OpenFile {
  /** Bytes. Throws `EISDIR` and the like if there can be none. */
  size(): Awaitable<number>
  /** How many bytes were read; 0 at the end. */
  read(into: Uint8Array, position: number): Awaitable<number>
  /** How many bytes were written: fewer than given is a failure whose reason is lost. */
  write(bytes: Uint8Array, position: number): Awaitable<number>
  truncate(size: number): Awaitable<void>
  /** The bytes, and what is needed to find them again. */
  datasync(): Awaitable<void>
  sync(): Awaitable<void>
  /** Bytes; undefined where `path` no longer leads to this file, since it was removed, renamed or replaced. */
  sizeAt(path: string): Awaitable<number | undefined>
  /** How many names (hard links) it has; 0 if the last one was removed. */
  links(): Awaitable<number>
  /**
   * Gives it the owner, group, mode, access control list and extended attributes of the file at `path`.
   * Throws if this process may not set one of them.
   */
  copyAccess(path: string): Awaitable<void>
  /** Until it is closed, no other process gets this file's lock, by whatever name they open it; false if one has it. */
  tryLock(): Awaitable<boolean>
  close(): Awaitable<void>
}
