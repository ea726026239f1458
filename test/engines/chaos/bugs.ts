// Engines as they must not be: what the campaign has to find.
import { StoreError } from 'ministore-ts'
import type { Engine } from 'ministore-ts/shared'
import type { Tally } from './report.ts'

const BUGS = {
  /** An append of unknown outcome is sent again behind whatever the journal ends with by then. */
  'again-without-expected': (engine: Engine): Partial<Engine> => ({
    append: (batch, expected) =>
      onUnknown(engine.append(batch, expected), async () => {
        let head = expected
        for await (const found of engine.read(head)) head = found.at(-1)?.seq ?? head
        return engine.append(batch, head)
      }),
  }),
  'unknown-as-unavailable': (engine: Engine): Partial<Engine> => ({
    append: (batch, expected) =>
      onUnknown(engine.append(batch, expected), () => {
        throw new StoreError('unavailable', 'not written')
      }),
  }),
  'unknown-as-written': (engine: Engine): Partial<Engine> => ({
    append: (batch, expected) =>
      onUnknown(engine.append(batch, expected), () => ({ ok: true, seq: expected + batch.length })),
  }),
  /** What may have arrived counts as too late, so that it is decided again: one dispatch becomes two records. */
  'unknown-as-too-late': (engine: Engine): Partial<Engine> => ({
    append: (batch, expected) =>
      onUnknown(engine.append(batch, expected), () => ({ ok: false, head: expected })),
  }),
  'too-late-as-written': (engine: Engine): Partial<Engine> => ({
    async append(batch, expected) {
      const result = await engine.append(batch, expected)
      return result.ok ? result : { ok: true, seq: expected + batch.length }
    },
  }),
  /** What comes after is numbered as if nothing was missing. */
  'follow-skips-one': (engine: Engine): Partial<Engine> => ({
    async *follow(after, signal) {
      let seq = after
      for await (const batch of engine.follow(after, signal)) {
        const kept = batch.filter((entry) => entry.seq !== after + 20)
        yield kept.map((entry) => {
          seq += 1
          return { ...entry, seq }
        })
      }
    },
  }),
}

export type Bug = keyof typeof BUGS
export const bugs = (): string[] => Object.keys(BUGS)
export const isBug = (name: string): name is Bug => Object.hasOwn(BUGS, name)

export const withBug = (engine: Engine, bug: Bug): Engine => altered(engine, BUGS[bug](engine))

/** Counts how appends end. */
export const counted = (engine: Engine, tally: Tally): Engine =>
  altered(engine, {
    async append(batch, expected) {
      tally.appends += 1
      try {
        const result = await engine.append(batch, expected)
        if (!result.ok) tally.appendsTooLate += 1
        return result
      } catch (error) {
        const code = error instanceof StoreError ? error.code : undefined
        if (code === 'unknown') tally.appendsUnknown += 1
        if (code === 'unavailable') tally.appendsUnavailable += 1
        throw error
      }
    },
  })

function altered(engine: Engine, changes: Partial<Engine>): Engine {
  return new Proxy(engine, {
    get(_, name) {
      if (Object.hasOwn(changes, name)) return Reflect.get(changes, name)
      const value: unknown = Reflect.get(engine, name, engine)
      return typeof value === 'function' ? value.bind(engine) : value
    },
  })
}

async function onUnknown<R>(work: Promise<R>, instead: () => R | Promise<R>): Promise<R> {
  try {
    return await work
  } catch (error) {
    if (error instanceof StoreError && error.code === 'unknown') return instead()
    throw error
  }
}
