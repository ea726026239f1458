// The memory of a module. What a module gives as an address is checked before it is used.
import { Buffer } from 'node:buffer'

/** What a module must not do: it ends there, as at a trap of its own. */
export class GuestFault extends Error {
  override readonly name = 'GuestFault'
}

export class GuestMemory {
  readonly #memory: WebAssembly.Memory

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory
  }

  /** A copy. The arguments are what wasm gave: perhaps not even numbers. */
  read(pointer: unknown, length: unknown): Buffer {
    const [from, bytes] = this.#range(pointer, length)
    return Buffer.from(new Uint8Array(this.#memory.buffer, from, bytes))
  }

  /** Until the module runs again, which may let its memory grow, and so replace it. */
  view(pointer: unknown, length: number): DataView {
    const [from, bytes] = this.#range(pointer, length)
    return new DataView(this.#memory.buffer, from, bytes)
  }

  #range(pointer: unknown, length: unknown): [number, number] {
    if (typeof pointer !== 'number' || typeof length !== 'number')
      throw new GuestFault('an address and a length are of type i32')
    const [from, bytes] = [pointer >>> 0, length >>> 0]
    const size = this.#memory.buffer.byteLength
    if (from + bytes > size)
      throw new GuestFault(`${bytes} bytes at ${from} are outside of the memory of ${size} bytes`)
    return [from, bytes]
  }
}
