// Somebody who can write to a journal and knows its format: checksums and hashes are computed again, without any of the code under test.
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'

export interface ForgedRecord {
  readonly seq: number
  readonly b: number
  /** Without seq, group index, hash and checksum. */
  readonly text: string
  /** As it was; undefined: as the chain needs it. */
  readonly hash?: string | undefined
}
export interface Forged {
  // biome-ignore lint/suspicious/noExplicitAny: a forger writes anything
  header: Record<string, any>
  /** The lines of the state, without their checksums. */
  state: readonly string[]
  records: readonly ForgedRecord[]
}

export const sha256 = (text: string | Uint8Array): string =>
  createHash('sha256').update(text).digest('hex')

export const chained = (previous: string, seq: number, text: string): string =>
  sha256(`${previous}{"seq":${seq},${text.slice(1)}`)

const RECORD = /^\{"seq":(\d+),(?:"b":(\d+),)?(.*),"hash":"([0-9a-f]{64})","crc":"[0-9a-f]{8}"\}$/s

export function take(bytes: Uint8Array): Forged {
  const lines = Buffer.from(bytes).toString().split('\n').slice(0, -1)
  const { crc: _, ...header } = JSON.parse(lines[0] ?? '')
  const states = header.base?.lines ?? 0
  return {
    header,
    state: lines.slice(1, 1 + states).map((line) => `${line.slice(0, -18)}}`),
    records: lines.slice(1 + states).map((line) => {
      const [, seq = '', b = '0', text = '', hash] = RECORD.exec(line) ?? []
      return { seq: Number(seq), b: Number(b), text: `{${text}}`, hash }
    }),
  }
}

/** With the right checksums, and the right hashes where none is given. */
export function put({ header, state, records }: Forged): Buffer {
  const seed = crc32(String(header['journal']))
  const line = (json: string) => {
    const body = json.slice(0, -1)
    return `${body},"crc":"${crc32(body, seed).toString(16).padStart(8, '0')}"}\n`
  }
  const states = state.map(line)
  const { base } = header
  const bytes = Buffer.byteLength(states.join(''))
  const sized = base ? { ...header, base: { ...base, lines: states.length, bytes } } : header
  const widest = base && { ...header, base: { ...base, lines: 2 ** 53 - 1, bytes: 2 ** 53 - 1 } }
  const text = JSON.stringify(sized)
  const room = widest ? JSON.stringify(widest).length - text.length : 0
  let last: string = base?.hash ?? header['chain'] ?? ''
  const lines = records.map(({ seq, b, text, hash }) => {
    last = hash ?? chained(last, seq, text)
    const index = b > 0 ? `"b":${b},` : ''
    return line(`{"seq":${seq},${index}${text.slice(1, -1)},"hash":"${last}"}`)
  })
  return Buffer.from(
    [line(`${text.slice(0, -1)}${' '.repeat(room)}}`), ...states, ...lines].join(''),
  )
}
