// Reading the binary format of WebAssembly, byte by byte. Nothing is read beyond the end.
import { ModuleError } from './errors.ts'

export const broken = (what: string) =>
  new ModuleError('broken_wasm', `this is no WebAssembly module: ${what}`)

export class Reader {
  readonly bytes: Uint8Array
  readonly end: number
  at: number

  constructor(bytes: Uint8Array, at = 0, end: number = bytes.length) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  get isDone(): boolean {
    return this.at >= this.end
  }

  byte(): number {
    const byte = this.at < this.end ? this.bytes[this.at] : undefined
    if (byte === undefined) throw broken(`it ends too early, at byte ${this.at}`)
    this.at += 1
    return byte
  }

  /** Unsigned LEB128, of at most that many bytes. Above 2⁵³ it is rounded. */
  number(most = 5): number {
    let value = 0
    for (let index = 0; index < most; index += 1) {
      const byte = this.byte()
      value += (byte & 0x7f) * 2 ** (7 * index)
      if (byte < 0x80) return value
    }
    throw broken(`a number is too long, at byte ${this.at}`)
  }

  advance(length: number): void {
    if (length > this.end - this.at) throw broken(`it ends too early, at byte ${this.at}`)
    this.at += length
  }

  /** Of the next `length` bytes. */
  part(length: number): Reader {
    const begin = this.at
    this.advance(length)
    return new Reader(this.bytes, begin, this.at)
  }

  text(): string {
    const { at, end } = this.part(this.number())
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(this.bytes.subarray(at, end))
    } catch {
      throw broken(`a name is not UTF-8, at byte ${at}`)
    }
  }
}

export interface Section {
  readonly id: number
  /** From its id on. */
  readonly begin: number
  readonly content: Reader
}

const MAGIC = [0x00, 0x61, 0x73, 0x6d]

/** Of a core module. Throws ModuleError `broken_wasm`, and `component_model` for a component. */
export function* sections(bytes: Uint8Array): Generator<Section> {
  const reader = new Reader(bytes)
  for (const byte of MAGIC)
    if (reader.byte() !== byte) throw broken('it does not begin with \\0asm')
  const [version = 0, , layer] = [reader.byte(), reader.byte(), reader.byte(), reader.byte()]
  if (layer === 1) {
    const what = 'this is a component; Node runs core modules and WASI preview 1 only'
    throw new ModuleError('component_model', what)
  }
  if (version !== 1) throw broken(`its version is ${version}, and not 1`)
  while (!reader.isDone) {
    const begin = reader.at
    const id = reader.byte()
    yield { id, begin, content: reader.part(reader.number()) }
  }
}

export function encodeNumber(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80)
    rest = Math.floor(rest / 0x80)
  }
  return [...bytes, rest]
}
