// What a writer does, by its name and a number: whoever takes its place asks for the very same.
import { createHash } from 'node:crypto'
import type { MutationInput } from 'ministore-ts'
import type { chaos } from './store.ts'

/**
 * `keyed`: with an idempotency key; `expecting`: that, and with the seq that is expected; `once`: without a
 * key, so it is not asked for again; `command`: its own rule knows it again. `keyless`: all are so; where one is
 * written twice, nothing but the journal can prevent it.
 */
export type Operation =
  | {
      readonly how: 'keyed' | 'expecting' | 'once'
      readonly mutations: readonly MutationInput<typeof chaos>[]
    }
  | { readonly how: 'command'; readonly names: readonly string[] }

const NAMES = Array.from({ length: 24 }, (_, at) => `name-${at}`)

export function operation(by: string, n: number, keyless = false): Operation {
  const op = { by, n }
  if (keyless) return { how: 'once', mutations: [{ type: 'note', payload: op }] }
  const dice = createHash('sha256').update(keyOf(by, n)).digest()
  const [kind = 0, first = 0, second = 0] = dice
  const name = NAMES[first % NAMES.length] ?? ''
  const other = NAMES[second % NAMES.length] ?? ''
  const note = { type: 'note', payload: op } as const
  const keyed = (...mutations: MutationInput<typeof chaos>[]) =>
    ({ how: 'keyed', mutations }) as const
  const share = kind % 16
  if (share < 2) return keyed(note)
  if (share < 4) return { how: 'once', mutations: [note] }
  if (share < 6) return { how: 'expecting', mutations: [note] }
  if (share < 8) return keyed({ type: 'take', payload: { ...op, name } })
  if (share < 10) return keyed({ type: 'free', payload: { ...op, name } })
  if (share < 11) return keyed({ type: 'refill', payload: op })
  const spend = { type: 'spend', payload: { ...op, amount: 1 + (second % 5) } } as const
  if (share < 13) return keyed(spend)
  if (share < 14) return keyed(spend, note, { type: 'take', payload: { ...op, name: other } })
  return { how: 'command', names: NAMES }
}

export const keyOf = (by: string, n: number): string => `${by}/${n}`
