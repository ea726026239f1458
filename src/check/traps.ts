// What a reducer may not use: clocks, random numbers, timers, the network. Caught while one runs.

/** Of the reducer that is running; undefined between two. */
let caught: ((what: string) => void) | undefined
let users = 0
let remove: () => void = () => undefined

/** Calls `onUse` with the name of everything impure that `run` uses. Only between set and release. */
export function watch<T>(onUse: (what: string) => void, run: () => T): T {
  const host = globalThis as { Date: DateConstructor }
  const date = host.Date
  caught = onUse
  host.Date = trappedDate(date)
  try {
    return run()
  } finally {
    host.Date = date
    caught = undefined
  }
}

/** `watch`, for a reducer that was watched before: what is blocked is blocked again. */
export const rerun = <T>(run: () => T): T => watch(() => undefined, run)

/** Sets the traps, for all who are checking at this time; returns what releases them. */
export function setTraps(): () => void {
  users += 1
  if (users === 1) remove = install()
  return () => {
    users -= 1
    if (users === 0) remove()
  }
}

let realDate: DateConstructor | undefined
let trapped: DateConstructor | undefined

/** Only there while a reducer runs: elsewhere a date's `constructor` has to be `Date`. */
function trappedDate(date: DateConstructor): DateConstructor {
  if (trapped && realDate === date) return trapped
  realDate = date
  trapped = new Proxy(date, {
    construct(target, args, newTarget) {
      if (args.length === 0) caught?.('new Date()')
      return Reflect.construct(target, args, newTarget)
    },
    apply(target, self, args) {
      caught?.('Date()')
      return Reflect.apply(target, self, args)
    },
  })
  return trapped
}

type Code = (...args: never[]) => unknown
type Host = Record<string, unknown>
type Builtins = { getBuiltinModule?: (name: string) => Host | undefined }

/** Outside of a reducer everything does what it always did. */
function install(): () => void {
  const undo: (() => void)[] = []
  const global = globalThis as unknown as Host
  const process = global['process'] as (Host & Builtins) | undefined
  const builtin = (name: string) => process?.getBuiltinModule?.(`node:${name}`)

  const replace = (host: unknown, name: string, make: (real: Code) => unknown) => {
    const real = host ? Reflect.get(host as object, name) : undefined
    if (typeof real !== 'function') return
    const descriptor = Object.getOwnPropertyDescriptor(host, name)
    const value = make(real as Code)
    if (
      !Reflect.defineProperty(host as object, name, { value, configurable: true, writable: true })
    )
      return
    undo.push(() => {
      if (descriptor) Object.defineProperty(host, name, descriptor)
      else Reflect.deleteProperty(host as object, name)
    })
  }
  /** Told, and answered as ever, so that the check can go on. */
  const tell = (host: unknown, prefix: string, names: string) => {
    for (const name of names.split(' ')) {
      replace(host, name, (real) => {
        const told = function (this: unknown, ...args: never[]) {
          caught?.(`${prefix}${name}()`)
          return real.apply(this, args)
        }
        // What hangs on a function, such as process.hrtime.bigint, stays there.
        return Object.assign(told, real)
      })
    }
  }
  /** Told, and not done: it would come back when the reducer's draft is gone. */
  const block = (host: unknown, prefix: string, names: string) => {
    for (const name of names.split(' ')) {
      replace(host, name, (real) => {
        const blocked = function (this: unknown, ...args: never[]) {
          if (!caught) return real.apply(this, args)
          caught(`${prefix}${name}()`)
          return name === 'fetch' ? new Promise(() => undefined) : undefined
        }
        return Object.defineProperties(blocked, Object.getOwnPropertyDescriptors(real))
      })
    }
  }

  tell(Date, 'Date.', 'now')
  const temporal = global['Temporal'] as Host | undefined
  const ofNow = 'instant plainDateISO plainDateTimeISO plainTimeISO zonedDateTimeISO'
  tell(temporal?.['Now'], 'Temporal.Now.', ofNow)
  tell(Math, 'Math.', 'random')
  tell(global['performance'], 'performance.', 'now')
  tell(global['crypto'], 'crypto.', 'randomUUID getRandomValues')
  const ofCrypto = 'randomBytes randomInt randomUUID randomFillSync getRandomValues'
  tell(builtin('crypto'), 'crypto.', ofCrypto)
  tell((process as Host | undefined)?.['hrtime'], 'process.hrtime.', 'bigint')
  tell(process, 'process.', 'hrtime uptime')
  block(global, '', 'fetch setTimeout setInterval setImmediate queueMicrotask')
  block(process, 'process.', 'nextTick')
  block(builtin('timers'), 'timers.', 'setTimeout setInterval setImmediate')
  // Logging changes no state; how a console writes is its own affair.
  for (const name of 'log info debug warn error trace dir table'.split(' ')) {
    replace(global['console'], name, (real) => {
      return function (this: unknown, ...args: never[]) {
        const reducer = caught
        caught = undefined
        try {
          return real.apply(this, args)
        } finally {
          caught = reducer
        }
      }
    })
  }

  // `import { randomUUID } from 'node:crypto'` sees what the module's object has now.
  const sync = builtin('module')?.['syncBuiltinESMExports'] as (() => void) | undefined
  sync?.()
  return () => {
    for (const each of undo.reverse()) each()
    sync?.()
  }
}
