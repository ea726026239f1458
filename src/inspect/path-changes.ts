// The changes of one path of the state, as a journal's records make them.

import type { Source } from '../cli/sources/source.ts'
import { progress } from '../cli/terminal/progress.ts'
import { Refusal } from '../cli/terminal/refusal.ts'
import type { AnyStoreDefinition } from '../define/store-definition.ts'
import { isSame } from '../diff/index.ts'
import type { Committed } from '../record/record.ts'
import { type StatePath, valueAt } from './path.ts'
import { steps } from './replay.ts'
import { copyOf } from './state-copy.ts'

/** To compare more than this, in characters of JSON, after every record would take too long. */
const LARGE_CHARACTERS = 2 ** 16
const FIRST_WINDOW = 16

/** What one mutation did to the path; undefined if there was or is nothing. */
export interface PathChange {
  readonly record: Committed
  readonly pointer: string
  readonly before: unknown
  readonly after: unknown
}

interface Followed {
  readonly last: PathChange | undefined
  /** Where the records begin, and what was at the path there. */
  readonly base: { readonly seq: number; readonly value: unknown }
  /** The state in the end. */
  readonly state: unknown
  readonly seq: number
  /** Why the rest of the journal is not known. */
  readonly refusal: Refusal | undefined
}

interface FollowOptions {
  /** Changes up to this seq are passed over. */
  readonly after?: number
  /** Given each change in order; false ends it there. */
  readonly take?: (change: PathChange) => boolean | Promise<boolean>
}

/** Goes through all records that there are, from the first on. */
export async function follow(
  definition: AnyStoreDefinition,
  source: Source,
  path: StatePath,
  { after = 0, take = () => true }: FollowOptions = {},
): Promise<Followed> {
  const { report, end } = progress('replaying', source.name)
  let [state, seq]: [unknown, number] = [undefined, 0]
  let base: Followed['base'] = { seq, value: undefined }
  let before: unknown
  let last: PathChange | undefined
  let refusal: Refusal | undefined
  try {
    for await (const step of steps(definition, source)) {
      const { record, isBase } = step
      ;({ state, seq } = step)
      report(seq)
      if (isBase) base = { seq, value: copyOf(valueAt(state, path)) }
      if (isBase) before = base.value
      if (!record || seq < after) continue
      const value = valueAt(state, path)
      if (isSame(before, value)) continue
      const change = { record, pointer: path.pointer, before, after: copyOf(value) }
      before = change.after
      if (seq <= after) continue
      last = change
      // What it prints begins on a line of its own.
      end()
      if (!(await take(change))) break
    }
  } catch (error) {
    // Not even where the records begin is known.
    if (!(error instanceof Refusal) || state === undefined) throw error
    refusal = error
  } finally {
    end()
  }
  return { last, base, state, seq, refusal }
}

/** Only the last change is looked for, which for something large is from the end. */
export async function followToLast(
  definition: AnyStoreDefinition,
  source: Source,
  path: StatePath,
): Promise<Followed> {
  let isLarge = false
  const take = ({ after }: PathChange) => {
    isLarge = JSON.stringify(after ?? null).length > LARGE_CHARACTERS
    return !isLarge
  }
  const found = await follow(definition, source, path, { take })
  if (!isLarge) return found
  const { seq, base } = await follow(definition, source, path, {
    after: Number.POSITIVE_INFINITY,
  })
  for (let window = FIRST_WINDOW; ; window *= FIRST_WINDOW) {
    const after = Math.max(base.seq, seq - window)
    const inWindow = await follow(definition, source, path, { after })
    if (inWindow.last || after === base.seq) return inWindow
  }
}
