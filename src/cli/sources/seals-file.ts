// The files of seals and of their keys.

import type { KeyObject } from 'node:crypto'
import { existsSync } from 'node:fs'
import { open, readFile, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { nodeFileSystem } from '../../journals/file/index.ts'
import { newKeyPair, readPrivateKey, readPublicKey } from '../../proof/seals/keys.ts'
import { readSeals, type Seal } from '../../proof/seals/seal.ts'

/** Where seals are if no one names another file. */
export const sealsPath = (journal: string): string => `${journal}.seals`

/** No seals if there is no such file. Throws SealError as `readSeals` does. */
export async function loadSeals(path: string): Promise<readonly Seal[]> {
  return existsSync(path) ? readSeals(await readFile(path, 'utf8'), path) : []
}

/** Appends the line, durable when this resolves. The file is created for this user alone. */
export async function appendSeal(path: string, line: string): Promise<void> {
  const file = await open(path, 'a', 0o600)
  try {
    await file.appendFile(line)
    await file.sync()
  } finally {
    await file.close()
  }
  await nodeFileSystem().syncDir(dirname(resolve(path)))
}

/** Runs it while no other process appends to the file of seals. Throws StoreError `locked`. */
export async function whileLocked<R>(path: string, run: () => Promise<R>): Promise<R> {
  const unlock = await nodeFileSystem().lock(`${resolve(path)}.lock`)
  try {
    return await run()
  } finally {
    await unlock()
  }
}

/** Writes `path`, for this user alone, and `path`.pub. Throws Error if one exists. */
export async function writeKeyPair(path: string): Promise<string> {
  const { privateKey, publicKey } = newKeyPair()
  const publicPath = `${path}.pub`
  for (const name of [path, publicPath])
    if (existsSync(name)) throw new Error(`${name} exists, and a key is never written over`)
  for (const [name, text, mode] of [
    [path, privateKey, 0o600],
    [publicPath, publicKey, 0o644],
  ] as const) {
    const file = await open(name, 'wx', mode)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
  }
  return publicPath
}

/** Throws Error if others may read the file. */
export async function loadPrivateKey(path: string): Promise<KeyObject> {
  const { mode } = await stat(path)
  // Windows has other rights, which these bits do not show.
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    const bits = (mode & 0o777).toString(8).padStart(4, '0')
    throw new Error(
      `${path}: other users may read or write this private key (mode ${bits}). Run chmod 600 ${path}, and make a new key if one of them could have read it`,
    )
  }
  return readPrivateKey(await readFile(path, 'utf8'), path)
}

export const loadPublicKeys = (paths: readonly string[]): Promise<readonly KeyObject[]> =>
  Promise.all(paths.map(async (path) => readPublicKey(await readFile(path, 'utf8'), path)))
