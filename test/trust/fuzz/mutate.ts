// Changes a journal's bytes: blindly, or so that its checksums fit again, without which no change gets far.

import { crc32 } from 'node:zlib'
import type { Random } from 'ministore-ts/testing'

const MAX_BYTES = 3000
const TOKENS = [
  ...[
    '\n',
    '{"seq":1,',
    '{"seq":2,',
    '"b":1,',
    '"b":2,',
    ',"crc":"00000000"}',
    '"batch":[',
    'null',
  ],
  ...[
    '{"format":"ministore",',
    '"base":{"seq":1,"lines":1,"bytes":9}',
    '"v":2,',
    '\\u2028',
    '\r',
    '0',
  ],
  ...['"at":"2026-11-22T16:00:00.000Z",', '"type":"t"', '"payload":{"__proto__":1}', '\u{1f600}'],
].map((token) => Buffer.from(token))
const NULS = [1, 18, 100, 512, 1024].map((length) => Buffer.alloc(length))

/** A few changes of one input, perhaps with a part of `other`. */
export function mutate(bytes: Buffer, other: Buffer, random: Random): Buffer {
  let next = bytes
  for (let changes = 1 + random.below(4); changes > 0; changes--) next = change(next, other, random)
  if (random.chance(0.6)) next = reseal(next, random.chance(0.7) ? 1 : 0.5, random)
  return next.subarray(0, MAX_BYTES)
}

function change(bytes: Buffer, other: Buffer, random: Random): Buffer {
  const at = random.below(bytes.length + 1)
  const end = Math.min(bytes.length, at + random.below(random.pick([4, 40, 600])))
  const put = (from: number, to: number, ...parts: Buffer[]) =>
    Buffer.concat([bytes.subarray(0, from), ...parts, bytes.subarray(to)])
  const lines = splitLines(bytes)
  const line = () => random.pick(lines.length > 0 ? lines : [Buffer.alloc(1)])
  return random.pick<() => Buffer>([
    () => put(at, at + 1, Buffer.of(random.below(256))),
    () => put(at, at + 1, Buffer.of((bytes[at] ?? 0) ^ (1 << random.below(8)))),
    () => put(at, end),
    () => put(at, at, bytes.subarray(at, end)),
    () => put(at, at, random.pick(TOKENS)),
    () => put(at, end, random.pick(NULS)),
    () => put(at, Math.min(bytes.length, at + 512), Buffer.alloc(512)),
    () => put(at, end, other.subarray(at, end)),
    () => Buffer.concat([bytes.subarray(0, at), other.subarray(random.below(other.length))]),
    () => bytes.subarray(0, at),
    () => Buffer.concat([bytes, line()]),
    () => Buffer.concat(lines.toSpliced(random.below(lines.length + 1), 0, line())),
    () => Buffer.concat(lines.toSpliced(random.below(lines.length + 1), 1)),
    () => loseSector(bytes, Math.floor(at / 512)),
  ])()
}

function loseSector(bytes: Buffer, sector: number): Buffer {
  const next = Buffer.from(bytes)
  next.subarray(sector * 512, (sector + 1) * 512).fill(0)
  return next
}

function splitLines(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = []
  for (let begin = 0; begin < bytes.length; ) {
    const end = bytes.indexOf('\n', begin) + 1 || bytes.length
    lines.push(bytes.subarray(begin, end))
    begin = end
  }
  return lines
}

/** Gives lines checksums that fit, each with this probability. */
function reseal(bytes: Buffer, probability: number, random: Random): Buffer {
  const [first] = splitLines(bytes)
  const journal = /"journal":"([^"]*)"/.exec(first?.toString('latin1') ?? '')?.[1] ?? ''
  const lines = splitLines(bytes).map((line) => {
    const at = line.lastIndexOf(',"crc":"')
    if (at < 0 || !random.chance(probability)) return line
    const crc = crc32(line.subarray(0, at), crc32(journal)).toString(16).padStart(8, '0')
    return Buffer.concat([
      line.subarray(0, at),
      Buffer.from(`,"crc":"${crc}"}`),
      line.subarray(at + 18),
    ])
  })
  return Buffer.concat(lines)
}
