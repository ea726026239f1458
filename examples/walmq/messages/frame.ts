// The bytes of one message, as FORMAT.md has them.
import { crc32 } from 'node:zlib'

/** What a frame says, before anything is decrypted. */
export interface Frame {
  /** Milliseconds since 1970. */
  readonly ts: number
  readonly key: string | undefined
  /** With nonce and tag where it is encrypted. */
  readonly body: Uint8Array
  readonly isEncrypted: boolean
  /** Written together with the frame before: both were durable at the same time. */
  readonly isJoined: boolean
  /** The append goes on with the next frame: without that one, this one does not count either. */
  readonly goesOn: boolean
}

/** What no version of this format may change: where length and checksum are. */
const LENGTH_BYTES = 4
const CRC_AT = 2
const BEHIND_CRC = 6
const TS_AT = BEHIND_CRC
const KEY_LENGTH_AT = TS_AT + 8
const KEY_AT = KEY_LENGTH_AT + 2

const VERSION = 1
const ENCRYPTED = 1
const KEYED = 2
const JOINED = 4
const GOES_ON = 8
const ALL_FLAGS = ENCRYPTED | KEYED | JOINED | GOES_ON

export const MAX_KEY_BYTES = 0xffff
/** Of the payload: a longer one is damage. Leaves room for 16 MiB and what encryption adds. */
export const MAX_PAYLOAD_BYTES: number = 2 ** 24 + 2 ** 17

export function encodeFrame(frame: Frame, seed: number): Buffer {
  const key = Buffer.from(frame.key ?? '')
  const bytes = Buffer.alloc(LENGTH_BYTES + KEY_AT + key.length + frame.body.length)
  const payload = bytes.subarray(LENGTH_BYTES)
  bytes.writeUInt32LE(payload.length)
  payload.writeUInt8(VERSION, 0)
  payload.writeUInt8(flagsOf(frame), 1)
  payload.writeBigUInt64LE(BigInt(frame.ts), TS_AT)
  payload.writeUInt16LE(key.length, KEY_LENGTH_AT)
  payload.set(key, KEY_AT)
  payload.set(frame.body, KEY_AT + key.length)
  payload.writeUInt32LE(checksum(payload, seed), CRC_AT)
  return bytes
}

const flagsOf = ({ key, isEncrypted, isJoined, goesOn }: Frame): number =>
  (isEncrypted ? ENCRYPTED : 0) |
  (key === undefined ? 0 : KEYED) |
  (isJoined ? JOINED : 0) |
  (goesOn ? GOES_ON : 0)

/** Everything but the length and itself. The length needs none: with a wrong one, nothing fits. */
const checksum = (payload: Buffer, seed: number): number =>
  crc32(payload.subarray(BEHIND_CRC), crc32(payload.subarray(0, CRC_AT), seed))

/** How many bytes a frame at `at` would take; undefined if none can begin, or its length is not all there. */
export function frameLength(bytes: Buffer, at: number): number | undefined {
  if (bytes.length - at < LENGTH_BYTES) return undefined
  const length = bytes.readUInt32LE(at)
  return length < KEY_AT || length > MAX_PAYLOAD_BYTES ? undefined : LENGTH_BYTES + length
}

/** Fits its checksum, but no one who can read this wrote it. */
export class UnknownFrame extends Error {}

/**
 * The frame at `at`, as a view of `bytes`; undefined if none is, or not all of it. Throws UnknownFrame
 * for one of a later version: it is whole, so it must not be taken for damage.
 */
export function decodeFrame(bytes: Buffer, at: number, seed: number): Frame | undefined {
  const length = frameLength(bytes, at)
  if (length === undefined || at + length > bytes.length) return undefined
  const payload = bytes.subarray(at + LENGTH_BYTES, at + length)
  if (payload.readUInt32LE(CRC_AT) !== checksum(payload, seed)) return undefined
  const [version, flags] = [payload.readUInt8(0), payload.readUInt8(1)]
  const bodyAt = KEY_AT + payload.readUInt16LE(KEY_LENGTH_AT)
  if (version !== VERSION || (flags & ~ALL_FLAGS) !== 0 || bodyAt > payload.length)
    throw new UnknownFrame(`version ${version} with flags ${flags} is not known here`)
  return {
    ts: Number(payload.readBigUInt64LE(TS_AT)),
    key: (flags & KEYED) === 0 ? undefined : payload.toString('utf8', KEY_AT, bodyAt),
    body: payload.subarray(bodyAt),
    isEncrypted: (flags & ENCRYPTED) !== 0,
    isJoined: (flags & JOINED) !== 0,
    goesOn: (flags & GOES_ON) !== 0,
  }
}

/** Cheap: whether it is worth to compute a checksum here, where frames are looked for in damaged bytes. */
export function mayBeFrame(bytes: Buffer, at: number): boolean {
  const length = frameLength(bytes, at)
  if (length === undefined || at + length > bytes.length) return false
  const keyLength = bytes.readUInt16LE(at + LENGTH_BYTES + KEY_LENGTH_AT)
  return bytes[at + LENGTH_BYTES] === VERSION && LENGTH_BYTES + KEY_AT + keyLength <= length
}
