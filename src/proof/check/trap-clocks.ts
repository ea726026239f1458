// Clocks, and dates that show the local time zone.
import type { Host, Traps } from './traps.ts'
import { isSinceBegin, running, setWatchedDate, unwatched, type Watched } from './watch.ts'

export function trapClocks(traps: Traps): void {
  const { global, process } = traps
  trapDate(traps)
  const performance = global['performance'] as (Host & { timeOrigin: number }) | undefined
  const origin = performance?.timeOrigin ?? 0
  traps.answer(performance, 'now', (watched) => {
    watched.use('clock', 'performance.now()')
    return watched.elapsed(origin)
  })
  traps.answerGet(performance, 'timeOrigin', (watched, name, real) => {
    const isVaried = watched.use('clock', `performance.${name}`)
    return isVaried ? watched.now() : real
  })
  const ofEntries = 'mark measure getEntries getEntriesByName getEntriesByType'
  traps.answer(performance, ofEntries, (watched, name, real) => {
    watched.use('clock', `performance.${name}()`)
    return real()
  })
  const entry = prototypeOf(global['PerformanceEntry'])
  traps.answerGet(entry, 'startTime', (watched, name, real) => {
    // One that was given is not a clock.
    if (!isSinceBegin(Number(real) + origin, realNow() + 1)) return real
    watched.use('clock', `PerformanceEntry.${name}`)
    return watched.elapsed(origin)
  })
  traps.answerGet(entry, 'duration', (watched, name, real) => {
    if (real === 0) return real
    watched.use('clock', `PerformanceEntry.${name}`)
    return -watched.elapsed(origin) + watched.elapsed(origin)
  })
  traps.answerGet(prototypeOf(global['Event']), 'timeStamp', (watched, name) => {
    watched.use('clock', `Event.${name}`)
    return watched.elapsed(origin)
  })
  traps.answerGet(prototypeOf(global['File']), 'lastModified', (watched, name, real) => {
    if (!isSinceBegin(Number(real), realNow())) return real
    watched.use('clock', `File.${name}`)
    return Math.floor(watched.now())
  })
  trapProcessClocks(traps, process, origin)
  const temporal = global['Temporal'] as Host | undefined
  const ofNow = 'instant plainDateISO plainDateTimeISO plainTimeISO zonedDateTimeISO'
  traps.answer(temporal?.['Now'], ofNow, (watched, name, real) => {
    const isVaried = watched.use('clock', `Temporal.Now.${name}()`, true)
    return isVaried ? moved(real(), watched.now() - realNow()) : real()
  })
  traps.answer(temporal?.['Now'], 'timeZoneId', (watched, name, real) => {
    useTimeZone(watched, `Temporal.Now.${name}()`)
    return real()
  })
}

function trapProcessClocks(traps: Traps, process: Host | undefined, origin: number): void {
  const hrtime = process?.['hrtime']
  const nanoseconds = (watched: Watched) => BigInt(Math.floor(watched.elapsed(origin) * 1e6))
  traps.answer(process, 'hrtime', (watched, name, _, [before]) => {
    watched.use('clock', `process.${name}()`)
    const [s = 0, ns = 0] = (before ?? []) as number[]
    const since = nanoseconds(watched) - (BigInt(s) * 1_000_000_000n + BigInt(ns))
    return [Number(since / 1_000_000_000n), Number(since % 1_000_000_000n)]
  })
  const bigint = (watched: Watched) => {
    watched.use('clock', 'process.hrtime.bigint()')
    return nanoseconds(watched)
  }
  traps.answer(hrtime, 'bigint', bigint)
  // The trap at hrtime has a copy of what hung on it.
  if (process?.['hrtime'] !== hrtime) traps.answer(process?.['hrtime'], 'bigint', bigint)
  for (const [host, prefix] of [
    [process, 'process.'],
    [traps.builtin('os'), 'os.'],
  ] as const) {
    traps.answer(host, 'uptime', (watched, name) => {
      watched.use('clock', `${prefix}${name}()`)
      return watched.elapsed(origin) / 1_000
    })
  }
}

const prototypeOf = (kind: unknown): unknown =>
  (kind as { prototype?: unknown } | undefined)?.prototype

/** A time of Temporal, some milliseconds later; any other value stays as it is. */
function moved(time: unknown, milliseconds: number): unknown {
  const { add } = Object(time) as { add?: (by: object) => unknown }
  return typeof add === 'function'
    ? add.call(time, { seconds: Math.floor(milliseconds / 1_000) })
    : time
}

const LOCAL =
  'getFullYear getYear getMonth getDate getDay getHours getMinutes getSeconds getMilliseconds getTimezoneOffset setFullYear setYear setMonth setDate setHours setMinutes setSeconds setMilliseconds toString toDateString toTimeString'
const UNIVERSAL =
  'getTime valueOf getUTCFullYear getUTCMonth getUTCDate getUTCDay getUTCHours getUTCMinutes getUTCSeconds getUTCMilliseconds toISOString toJSON toUTCString toLocaleString toLocaleDateString toLocaleTimeString toTemporalInstant'

/** The real ones, whatever is trapped. */
const realNow = Date.now
const { getTime, setTime } = Date.prototype

function trapDate(traps: Traps): void {
  traps.answer(Date, 'now', (watched) => {
    watched.use('clock', 'Date.now()')
    return Math.floor(watched.now())
  })
  traps.answer(Date, 'parse', (watched, name, real, [text]) => {
    if (isLocal(text)) useTimeZone(watched, `Date.${name}()`)
    return real()
  })
  for (const [names, isOfPlace] of [
    [LOCAL, true],
    [UNIVERSAL, false],
  ] as const) {
    for (const name of names.split(' ')) {
      traps.replace(Date.prototype, name, (real) => {
        return function (this: Date, ...args: never[]) {
          const watched = running()
          if (watched) {
            adopt(watched, this)
            if (isOfPlace) useTimeZone(watched, `Date.prototype.${name}()`)
          }
          return real.apply(this, args)
        }
      })
    }
  }
  traps.replace(Date.prototype, Symbol.toPrimitive, (real) => {
    return function (this: Date, ...args: never[]) {
      const watched = running()
      if (watched) adopt(watched, this)
      return real.apply(this, args)
    }
  })
  setWatchedDate(watchedDate(Date))
  traps.onRemove(() => setWatchedDate(undefined))
}

/**
 * A date that shows a moment since the check began was made by a constructor that no trap can see, such
 * as that of a class that extends Date. It gets the time of these conditions.
 */
function adopt(watched: Watched, date: Date): void {
  if (watched.hasReadClock || !(date instanceof Date)) return
  if (!isSinceBegin(getTime.call(date), realNow())) return
  watched.use('clock', 'new Date()')
  setTime.call(date, watched.now())
}

/** Only there while a function is watched: elsewhere a date's `constructor` has to be `Date`. */
function watchedDate(date: DateConstructor): DateConstructor {
  return new Proxy(date, {
    construct(target, args, newTarget) {
      const watched = running()
      if (watched && args.length === 0) {
        watched.use('clock', 'new Date()')
        return Reflect.construct(target, [watched.now()], newTarget)
      }
      if (watched && (args.length > 1 || isLocal(args[0]))) useTimeZone(watched, 'new Date(…)')
      return Reflect.construct(target, args, newTarget)
    },
    apply(target, self, args) {
      const watched = running()
      if (!watched) return Reflect.apply(target, self, args)
      watched.use('clock', 'Date()')
      useTimeZone(watched, 'Date()')
      return unwatched(() => String(new target(watched.now())))
    },
  })
}

/** Whether a text stands for a time of the local zone: it has a time of day, and no zone. */
function isLocal(text: unknown): boolean {
  if (typeof text !== 'string') return false
  const hasZone = /(z|gmt|utc?|[+-]\d\d:?\d\d)\s*(\(.*\))?$/i.test(text.trim())
  return !hasZone && !/^[+-]?\d{4,6}(-\d\d){0,2}$/.test(text)
}

const ZONES = ['Pacific/Kiritimati', 'America/St_Johns'] as const

/** Notes that the local time zone is used and, if it has to differ, sets another one for this run. */
export function useTimeZone(watched: Watched, name: string): void {
  if (!watched.use('timeZone', name) || watched.release) return
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } }
  const env = process?.env
  if (!env) return
  const before = unwatched(() => {
    const zone = env['TZ']
    env['TZ'] = ZONES[watched.variant % 2]
    return zone
  })
  watched.release = () => {
    if (before === undefined) delete env['TZ']
    else env['TZ'] = before
  }
}
