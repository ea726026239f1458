// The token that TCP connections show: who can read the file is who can use the broker.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BrokerError } from '../broker/errors.ts'

export const tokenPath = (directory: string): string => join(directory, 'token')

/** Made at the first use. For the one process that has the directory's lock. */
export async function ensureToken(directory: string): Promise<string> {
  const path = tokenPath(directory)
  try {
    return await readToken(directory)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
  const token = randomBytes(32).toString('hex')
  // Under its name it is whole.
  await writeFile(`${path}.new`, `${token}\n`, { mode: 0o600 })
  await rename(`${path}.new`, path)
  return token
}

export async function readToken(directory: string): Promise<string> {
  const path = tokenPath(directory)
  const token = (await readFile(path, 'utf8')).trim()
  if (/^[0-9a-f]{64}$/.test(token)) return token
  throw new BrokerError('invalid', `${path} is no token: remove it, and a new one is made`, {
    path,
  })
}

/** Takes the same time, wherever they differ. */
export function isToken(given: string, token: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(hash(given), hash(token))
}
