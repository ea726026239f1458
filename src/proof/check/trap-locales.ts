// The locale of the process, where no other one is named, and the local time zone in Intl.
import { useTimeZone } from './trap-clocks.ts'
import type { Code, Host, Traps } from './traps.ts'
import { running, type Watched } from './watch.ts'

/** Each sorts, formats and changes case in another way than most. */
const LOCALES = { number: ['de', 'ar-EG'], sort: ['da', 'lt'], case: ['tr', 'lt'] } as const

const otherLocale = (watched: Watched, of: keyof typeof LOCALES): string =>
  LOCALES[of][watched.variant % 2 === 1 ? 0 : 1]

export function trapLocales(traps: Traps): void {
  const ofDates = 'toLocaleString toLocaleDateString toLocaleTimeString'
  method(traps, Number.prototype, 'Number.prototype.', 'toLocaleString', 0, 'number')
  method(traps, BigInt.prototype, 'BigInt.prototype.', 'toLocaleString', 0, 'number')
  method(traps, Array.prototype, 'Array.prototype.', 'toLocaleString', 0, 'number')
  method(traps, Date.prototype, 'Date.prototype.', ofDates, 0, 'number')
  method(traps, String.prototype, 'String.prototype.', 'localeCompare', 1, 'sort')
  const ofCase = 'toLocaleLowerCase toLocaleUpperCase'
  method(traps, String.prototype, 'String.prototype.', ofCase, 0, 'case')
  const intl = traps.global['Intl'] as Host | undefined
  for (const [name, methods] of Object.entries(INTL)) trapIntl(traps, intl, name, methods)
}

/** Whether it names no locale, or none that this runtime knows: then the locale of the process is taken. */
function isDefault(locales: unknown, of?: keyof typeof LOCALES): boolean {
  if (locales === undefined) return true
  if (of === 'case') return Array.isArray(locales) && locales.length === 0
  try {
    return Intl.NumberFormat.supportedLocalesOf(locales as string[]).length === 0
  } catch {
    // The real one refuses it too.
    return false
  }
}

/** A method whose argument `at` is a locale. */
function method(
  traps: Traps,
  host: object,
  prefix: string,
  names: string,
  at: number,
  of: keyof typeof LOCALES,
): void {
  for (const name of names.split(' ')) {
    traps.replace(host, name, (real) => {
      return function (this: unknown, ...args: unknown[]) {
        const watched = running()
        if (watched) {
          if (isDefault(args[at], of) && watched.use('locale', `${prefix}${name}()`)) {
            args.length = Math.max(args.length, at + 1)
            args[at] = otherLocale(watched, of)
          }
          if (host === Date.prototype && !hasZone(args[1]))
            useTimeZone(watched, `${prefix}${name}()`)
        }
        return real.apply(this, args as never[])
      }
    })
  }
}

const hasZone = (options: unknown): boolean =>
  (Object(options) as { timeZone?: unknown }).timeZone !== undefined

/** Which depend on the locale, and what reads it of an instance. */
const INTL: Readonly<Record<string, string>> = {
  Collator: 'compare resolvedOptions',
  DateTimeFormat: 'format formatToParts formatRange formatRangeToParts resolvedOptions',
  DisplayNames: 'of resolvedOptions',
  DurationFormat: 'format formatToParts resolvedOptions',
  ListFormat: 'format formatToParts resolvedOptions',
  NumberFormat: 'format formatToParts formatRange formatRangeToParts resolvedOptions',
  PluralRules: 'select selectRange resolvedOptions',
  RelativeTimeFormat: 'format formatToParts resolvedOptions',
  Segmenter: 'segment resolvedOptions',
}
/** What `format()` formats without an argument. */
const OF_NOW = ['format', 'formatToParts']

type Constructor = new (...args: unknown[]) => object

function trapIntl(traps: Traps, intl: Host | undefined, name: string, methods: string): void {
  const real = intl?.[name] as Constructor | undefined
  if (!intl || !real) return
  /** What the instances were made with that the traps have seen. */
  const made = new WeakMap<object, readonly unknown[]>()
  const make = (args: unknown[], newTarget: unknown) => {
    const instance = Reflect.construct(real, args, newTarget as Constructor)
    made.set(instance, args)
    return instance
  }
  const trapped: Constructor = new Proxy(real, {
    construct: (_, args, newTarget): object => make(args, newTarget === trapped ? real : newTarget),
    apply: (_, __, args) => make(args, real),
  })
  traps.define(intl, name, { value: trapped })
  /** The instance that these conditions would have made. */
  const elsewhere = (watched: Watched, self: object): object => {
    const args = made.get(self)
    if (!args) return self
    const [locales, options] = args
    const isVaried = isDefault(locales) && watched.use('locale', `Intl.${name}`)
    if (name === 'DateTimeFormat' && !hasZone(options)) useTimeZone(watched, `Intl.${name}`)
    if (!isVaried && !watched.release) return self
    const of = name === 'Collator' ? 'sort' : 'number'
    return new real(isVaried ? otherLocale(watched, of) : locales, options)
  }
  for (const each of methods.split(' ')) {
    trapMethod(traps, real.prototype, name, each, elsewhere)
  }
}

/** A method, or a getter that gives a function bound to the instance. */
function trapMethod(
  traps: Traps,
  prototype: object,
  of: string,
  name: string,
  elsewhere: (watched: Watched, self: object) => object,
): void {
  const found = Object.getOwnPropertyDescriptor(prototype, name)
  if (!found) return
  const { get: getReal, value: real } = found
  const call = (self: object, args: unknown[]) => {
    const watched = running()
    const at = watched ? elsewhere(watched, self) : self
    if (watched && of === 'DateTimeFormat' && OF_NOW.includes(name) && args[0] === undefined) {
      watched.use('clock', `Intl.DateTimeFormat.prototype.${name}()`)
      args[0] = watched.now()
    }
    const run = (getReal ? getReal.call(at) : real) as Code
    return run.apply(at, args as never[])
  }
  if (!getReal) {
    traps.replace(prototype, name, () => {
      return function (this: object, ...args: unknown[]) {
        return call(this, args)
      } as Code
    })
    return
  }
  const bound = new WeakMap<object, Code>()
  traps.define(prototype, name, {
    get(this: object) {
      const before = bound.get(this) ?? ((...args: unknown[]) => call(this, args))
      // Throws where this is not an instance, as ever.
      getReal.call(this)
      bound.set(this, before as Code)
      return before
    },
  })
}
