// Who a partition is: a small file beside its segments. Without the key it was made with, it does not open.
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { BrokerError } from '../broker/errors.ts'
import { type Cipher, makeCipher } from './cipher.ts'
import { type Disk, isMissing, readAll, withFile, writeAll } from './disk.ts'
import { decodeFrame, encodeFrame, type Frame } from './frame.ts'

export interface Identity {
  /**
   * Its checksums begin with it. So a frame of another partition is not a frame here: no publisher can put one into a
   * body, to be found there when the bytes around it are damaged.
   */
  readonly seed: number
  /** Undefined where bodies are not encrypted. */
  readonly cipher: Cipher | undefined
}

export const IDENTITY_FILE = 'partition'
const NOWHERE = -1

/** Throws BrokerError `wrong_key`, or `corrupt`. Undefined if the file is missing. */
export async function readIdentity(
  disk: Disk,
  directory: string,
  encryptionKey: Uint8Array | undefined,
): Promise<Identity | undefined> {
  const path = join(directory, IDENTITY_FILE)
  const bytes = await readFile(disk, path)
  if (!bytes) return undefined
  const frame = decodeFrame(bytes, 0, 0)
  if (frame?.key === undefined)
    throw new BrokerError('corrupt', `${path} is not what walmq wrote`, { path })
  const cipher = encryptionKey && makeCipher(encryptionKey, frame.key)
  const why = whyWrong(frame, cipher)
  if (why !== undefined) throw new BrokerError('wrong_key', `${directory} ${why}`, { path })
  return { seed: crc32(frame.key), cipher }
}

function whyWrong({ ts, key, body, isEncrypted }: Frame, cipher: Cipher | undefined) {
  if (!cipher) return isEncrypted ? 'is encrypted: open it with its key' : undefined
  if (!isEncrypted) return 'is not encrypted: open it without a key'
  const isRight = cipher.open(body, { offset: NOWHERE, ts, key }) !== undefined
  return isRight ? undefined : 'is encrypted with another key'
}

async function readFile(disk: Disk, path: string): Promise<Buffer | undefined> {
  try {
    return await withFile(disk, path, 'r', async (file) => readAll(file, 0, await file.size()))
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** Durable when it resolves; a crash leaves all of it or nothing. */
export async function createIdentity(
  disk: Disk,
  directory: string,
  encryptionKey: Uint8Array | undefined,
  ts: number,
): Promise<Identity> {
  const key = randomUUID()
  const cipher = encryptionKey && makeCipher(encryptionKey, key)
  const body = cipher?.seal(Buffer.alloc(0), { offset: NOWHERE, ts, key }) ?? Buffer.alloc(0)
  const flags = { isEncrypted: cipher !== undefined, isJoined: false, goesOn: false }
  const path = join(directory, IDENTITY_FILE)
  const temporary = `${path}.new`
  await removeIfThere(disk, temporary)
  await withFile(disk, temporary, 'wx', async (file) => {
    await writeAll(file, encodeFrame({ ts, key, body, ...flags }, 0), 0)
    await file.sync()
  })
  await disk.rename(temporary, path)
  await disk.syncDir(directory)
  return { seed: crc32(key), cipher }
}

async function removeIfThere(disk: Disk, path: string): Promise<void> {
  try {
    await disk.unlink(path)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}
