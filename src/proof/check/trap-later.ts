// What goes on when the reducer is done: timers, promises of the runtime, the network.
import type { Traps } from './traps.ts'
import type { Watched } from './watch.ts'

export function trapLater(traps: Traps): void {
  const { global, process } = traps
  // Not done: it would come back when the reducer's draft is gone.
  const block = (host: unknown, prefix: string, names: string, result: () => unknown) => {
    traps.answer(host, names, (watched, name) => {
      watched.use('later', `${prefix}${name}()`)
      return result()
    })
  }
  const nothing = () => undefined
  const never = () => new Promise(() => undefined)
  block(global, '', 'setTimeout setInterval setImmediate queueMicrotask', nothing)
  block(global, '', 'fetch', never)
  block(process, 'process.', 'nextTick', nothing)
  block(traps.builtin('timers'), 'timers.', 'setTimeout setInterval setImmediate', nothing)
  block(traps.builtin('timers/promises'), 'timers/promises.', 'setTimeout setImmediate', never)
  const ofCrypto = 'randomFill generateKey generateKeyPair generatePrime pbkdf2 scrypt hkdf'
  block(traps.builtin('crypto'), 'crypto.', ofCrypto, nothing)
  const told = (prefix: string) => (watched: Watched, name: string, real: () => unknown) => {
    watched.use('later', `${prefix}${name}()`, true)
    return real()
  }
  const ofSubtle =
    'digest encrypt decrypt sign verify generateKey deriveBits deriveKey importKey exportKey wrapKey unwrapKey'
  const { subtle } = (global['crypto'] ?? {}) as { subtle?: object }
  traps.answer(subtle, ofSubtle, told('crypto.subtle.'))
  for (const [module, names] of [
    ['http', 'request get'],
    ['https', 'request get'],
    ['net', 'connect createConnection'],
    ['dns', 'lookup resolve'],
  ] as const) {
    traps.answer(traps.builtin(module), names, told(`${module}.`))
  }
}
