// The format, written down a second time and without any of the code under test.
import { crc32 } from 'node:zlib'

export const UUID = '0b5a3c1e-7f2d-4c8a-9e6b-1d2f3a4b5c6d'

/** `json` with the checksum that ends a line, as bytes with their newline. */
export function seal(json: string | Buffer, journal: string = UUID): Buffer {
  const body = Buffer.from(json).subarray(0, -1)
  const crc = crc32(body, crc32(journal)).toString(16).padStart(8, '0')
  return Buffer.concat([body, Buffer.from(`,"crc":"${crc}"}\n`)])
}

export const header = (fields: Record<string, unknown> = {}, journal: string = UUID): Buffer =>
  seal(
    JSON.stringify({
      format: 'ministore',
      version: 1,
      journal,
      store: 'ledger',
      created: '2026-11-22T12:00:00.000Z',
      ...fields,
    }),
    journal,
  )

/** A note's record; `b` is its index in its group commit. */
export function note(seq: number, text = `note ${seq}`, { b = 0, journal = UUID } = {}): Buffer {
  const index = b > 0 ? `"b":${b},` : ''
  const payload = JSON.stringify(text)
  return seal(
    `{"seq":${seq},${index}"at":"2026-11-22T12:00:00.000Z","type":"note","payload":${payload}}`,
    journal,
  )
}

/** Records 1 … `count`, each its own group, behind a header. */
export const journalOf = (count: number): Buffer =>
  Buffer.concat([header(), ...Array.from({ length: count }, (_, index) => note(index + 1))])

export function flip(bytes: Buffer, at: number, bit = 1): Buffer {
  const flipped = Buffer.from(bytes)
  flipped.writeUInt8(flipped.readUInt8(at) ^ bit, at)
  return flipped
}

/** `bytes` in `file` at `offset`, over what was there. */
export function overwrite(file: Buffer, offset: number, bytes: Buffer): Buffer {
  const written = Buffer.from(file)
  bytes.copy(written, offset)
  return written
}
