// One listener on an AbortSignal, however many wait for it: Node warns of a leak beyond ten.

const waiting = new WeakMap<AbortSignal, Set<() => void>>()

/** Calls `callback` when the signal is aborted, at most once; returns the function that takes it back. */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  // Wrapped, so that a callback that is given twice is called twice.
  const own = () => callback()
  let callbacks = waiting.get(signal)
  if (!callbacks) {
    callbacks = new Set()
    waiting.set(signal, callbacks)
    signal.addEventListener('abort', callAll)
  }
  callbacks.add(own)
  return () => {
    callbacks.delete(own)
    if (callbacks.size === 0 && waiting.get(signal) === callbacks) release(signal)
  }
}

function callAll(this: AbortSignal): void {
  const callbacks = waiting.get(this) ?? []
  release(this)
  for (const callback of callbacks) callback()
}

function release(signal: AbortSignal): void {
  waiting.delete(signal)
  signal.removeEventListener('abort', callAll)
}
