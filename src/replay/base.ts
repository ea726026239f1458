// The state that a compacted journal begins with, as today's definition takes it.

import type { CompiledDefinition } from '../mutation/spec.ts'
import type { Journal } from '../port/journal.ts'
import type { Snapshot } from '../port/snapshots.ts'
import { isTable, type Table } from '../table/index.ts'

/** Undefined if the journal was never compacted. Throws as the journal does. */
export async function readBase(
  definition: CompiledDefinition,
  journal: Journal,
): Promise<Snapshot | undefined> {
  const base = await journal.snapshots?.readBase()
  return base && grownBase(definition, base)
}

/**
 * Gives the state of a base what the initial state has gained since the journal was compacted: a replay of
 * the records, if they were still there, would begin with it. `base` is the caller's own, and is changed.
 */
export function grownBase({ initial }: CompiledDefinition, base: Snapshot): Snapshot {
  grow(base.state, initial, base.initial)
  return base
}

/**
 * Adds to `state` what `now` has and `before` had not, in objects that all three have at the same place. What
 * the state has is never changed, and what reducers removed does not come back.
 */
function grow(state: unknown, now: unknown, before: unknown): void {
  if (!isKeyed(state) || !isKeyed(now) || isTable(state) !== isTable(now)) return
  for (const key of isTable(now) ? now.keys() : Object.keys(now)) {
    const value = childOf(now, key)
    const old = isKeyed(before) ? childOf(before, key) : undefined
    if (old !== undefined) grow(childOf(state, key), value, old)
    else if (childOf(state, key) === undefined) setAt(state, key, value)
  }
}

type Keyed = Record<string, unknown> | Table<unknown>

const isKeyed = (value: unknown): value is Keyed =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function childOf(container: Keyed, key: string): unknown {
  if (isTable(container)) return container.get(key)
  return Object.hasOwn(container, key) ? container[key] : undefined
}

function setAt(container: Keyed, key: string, value: unknown): void {
  if (isTable(container)) container.set(key, value)
  else container[key] = value
}
