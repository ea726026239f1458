// Traps at the clocks, the random numbers and the rest of what a reducer may not depend on. Outside of a
// watched function, everything does what it always did.
import { trapClocks } from './trap-clocks.ts'
import { trapLater } from './trap-later.ts'
import { trapLocales } from './trap-locales.ts'
import { trapPlaces } from './trap-places.ts'
import { trapRandom } from './trap-random.ts'
import { begin, running, unwatched, type Watched } from './watch.ts'

export type Code = (...args: never[]) => unknown
export type Host = Record<string, unknown>
type Builtins = { getBuiltinModule?: (name: string) => Host | undefined }

let users = 0
let remove: () => void = () => undefined

/** Sets the traps, for all who are checking at this time; returns what releases them. */
export function setTraps(): () => void {
  users += 1
  if (users === 1) remove = install()
  return () => {
    users -= 1
    if (users === 0) remove()
  }
}

/** Sets traps at what the runtime has, and takes them away again. */
export class Traps {
  readonly #undo: (() => void)[] = []
  readonly global: Host = globalThis as unknown as Host

  get process(): (Host & Builtins) | undefined {
    return this.global['process'] as (Host & Builtins) | undefined
  }

  /** A module of Node, if it exists. */
  builtin(name: string): Host | undefined {
    return this.process?.getBuiltinModule?.(`node:${name}`)
  }

  onRemove(undo: () => void): void {
    this.#undo.push(undo)
  }

  remove(): void {
    for (const each of this.#undo.reverse()) each()
  }

  /** Replaces a function; what hangs on it, such as `process.hrtime.bigint`, stays there. */
  replace(host: unknown, name: PropertyKey, make: (real: Code) => Code): void {
    const real = host ? Reflect.get(host as object, name) : undefined
    if (typeof real !== 'function') return
    const value = make(real as Code)
    const { length, name: own, prototype, ...others } = Object.getOwnPropertyDescriptors(real)
    this.define(host as object, name, { value: Object.defineProperties(value, others) })
  }

  /** Calls `answer` in place of a function, inside of a watched one. `real` is bound to its object. */
  answer(
    host: unknown,
    names: string,
    answer: (watched: Watched, name: string, real: () => unknown, args: never[]) => unknown,
  ): void {
    for (const name of names.split(' ')) {
      this.replace(host, name, (real) => {
        return function (this: unknown, ...args: never[]) {
          const watched = running()
          if (!watched) return real.apply(this, args)
          // What the runtime reads on the way, such as the environment of a command, is its own.
          return answer(watched, name, () => unwatched(() => real.apply(this, args)), args)
        }
      })
    }
  }

  /** The same for a property that is read. */
  answerGet(
    host: unknown,
    names: string,
    answer: (watched: Watched, name: string, real: unknown, self: object) => unknown,
  ): void {
    for (const name of names.split(' ')) {
      const found = host ? descriptorOf(host as object, name) : undefined
      if (!found) continue
      const { get: getReal, set: setReal, value: constant } = found
      let value: unknown = constant
      const read = (self: object) => (getReal ? getReal.call(self) : value)
      this.define(host as object, name, {
        get(this: object) {
          const watched = running()
          const real = read(this)
          return watched ? answer(watched, name, real, this) : real
        },
        set(this: object, next: unknown) {
          if (setReal) setReal.call(this, next)
          else value = next
        },
      })
    }
  }

  /** `name` may be a symbol. */
  define(host: object, name: PropertyKey, { value, get, set }: PropertyDescriptor): void {
    const before = Object.getOwnPropertyDescriptor(host, name)
    const enumerable = before?.enumerable ?? false
    const descriptor = get
      ? { get, ...(set && { set }), configurable: true, enumerable }
      : { value, configurable: true, writable: true, enumerable }
    if (!Reflect.defineProperty(host, name, descriptor)) return
    this.onRemove(() => {
      if (before) Object.defineProperty(host, name, before)
      else Reflect.deleteProperty(host, name)
    })
  }
}

/** Its own, or an inherited one. */
function descriptorOf(host: object, name: string): PropertyDescriptor | undefined {
  let at: object | null = host
  while (at) {
    const found = Object.getOwnPropertyDescriptor(at, name)
    if (found) return found
    at = Object.getPrototypeOf(at)
  }
  return undefined
}

const LOGS =
  'log info debug warn error trace dir table assert count countReset time timeEnd timeLog group groupCollapsed groupEnd'

function install(): () => void {
  const traps = new Traps()
  begin()
  trapClocks(traps)
  trapRandom(traps)
  trapLocales(traps)
  trapPlaces(traps)
  trapLater(traps)
  // Logging changes no state, and how a console writes is not the reducer's doing.
  for (const name of LOGS.split(' ')) {
    traps.replace(traps.global['console'], name, (real) => {
      return function (this: unknown, ...args: never[]) {
        return unwatched(() => real.apply(this, args))
      }
    })
  }
  // `import { randomUUID } from 'node:crypto'` gets what the module's object has now.
  const sync = traps.builtin('module')?.['syncBuiltinESMExports'] as (() => void) | undefined
  sync?.()
  return () => {
    traps.remove()
    sync?.()
  }
}
