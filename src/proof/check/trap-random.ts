// Random numbers.
import type { Host, Traps } from './traps.ts'
import type { Watched } from './watch.ts'

export function trapRandom(traps: Traps): void {
  const web = traps.global['crypto'] as Host | undefined
  const node = traps.builtin('crypto')
  traps.answer(Math, 'random', (watched) => {
    watched.use('random', 'Math.random()')
    return watched.random()
  })
  for (const host of [web, node]) {
    traps.answer(host, 'randomUUID', (watched, name) => {
      watched.use('random', `crypto.${name}()`)
      return uuid(fill(watched, new Uint8Array(16)))
    })
    traps.answer(
      host,
      'getRandomValues randomFillSync',
      (watched, name, real, [, offset, size]) => {
        watched.use('random', `crypto.${name}()`)
        const filled = real() as ArrayBufferView | ArrayBuffer
        // In elements, and checked by the real one.
        const unit = Number(Reflect.get(filled, 'BYTES_PER_ELEMENT') ?? 1)
        const from = Number(offset ?? 0) * unit
        const bytes = bytesOf(filled)
        fill(
          watched,
          bytes.subarray(from, size === undefined ? undefined : from + Number(size) * unit),
        )
        return filled
      },
    )
  }
  traps.answer(node, 'randomBytes pseudoRandomBytes', (watched, name, real, [, callback]) => {
    watched.use('random', `crypto.${name}()`)
    return callback ? undefined : fill(watched, real() as Uint8Array)
  })
  traps.answer(node, 'randomInt', (watched, name, real, [first, second, third]) => {
    watched.use('random', `crypto.${name}()`)
    if ([first, second, third].some((each) => typeof each === 'function')) return undefined
    // The real one checks what it was given.
    real()
    const [low, high] = second === undefined ? [0, Number(first)] : [Number(first), Number(second)]
    return low + Math.floor(watched.random() * (high - low))
  })
  const ofKeys = 'generateKeySync generateKeyPairSync generatePrimeSync'
  traps.answer(node, ofKeys, (watched, name, real) => {
    watched.use('random', `crypto.${name}()`, true)
    return real()
  })
}

function fill(watched: Watched, bytes: Uint8Array): Uint8Array {
  for (const index of bytes.keys()) bytes[index] = Math.floor(watched.random() * 256)
  return bytes
}

const bytesOf = (filled: ArrayBufferView | ArrayBuffer): Uint8Array =>
  ArrayBuffer.isView(filled)
    ? new Uint8Array(filled.buffer, filled.byteOffset, filled.byteLength)
    : new Uint8Array(filled)

/** Version 4 (RFC 9562). */
function uuid(bytes: Uint8Array): string {
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
