// Listeners of an open store, and values that they select.

import type { SubscribeOptions } from '../define/open-store.ts'
import type { Listener } from '../store/listeners.ts'

export type Selector = (state: unknown) => unknown

import type { StoreCore } from '../store/store.ts'

/** Told at once: at the first record, no one would know anymore who subscribed it. */
function assertCode(what: string, value: unknown): void {
  if (typeof value !== 'function') throw new TypeError(`subscribe: ${what} must be a function`)
}

/** Returns the unsubscribe function. Throws TypeError. */
export function subscribe(listeners: StoreCore['listeners'], listener: Listener): () => void {
  assertCode('the listener', listener)
  // Wrapped, so that the same function subscribed twice is two subscriptions.
  const own: Listener = (state, previous, records) => listener(state, previous, records)
  listeners.add(own)
  return () => void listeners.delete(own)
}

/** A listener that is called when the selected value changed. */
export function select(
  state: unknown,
  selector: Selector,
  listener: Listener,
  { equals = Object.is, immediate = false }: SubscribeOptions<unknown> = {},
): Listener {
  assertCode('the selector', selector)
  assertCode('the listener', listener)
  assertCode('options.equals', equals)
  let value = selector(state)
  if (immediate) listener(value, value, [])
  return (next, _, records) => {
    const previous = value
    const selected = selector(next)
    if (equals(selected, previous)) return undefined
    value = selected
    return listener(value, previous, records)
  }
}
