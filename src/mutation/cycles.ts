// Whether what a reducer assigned puts an object into itself, directly or by way of others.
import type { DraftState } from './other-immer.ts'

/** The first holds the second: the reducer assigned it there, or an object that holds it. */
export type Link = readonly [holder: DraftState, held: DraftState]

export const CYCLE =
  'it puts an object into itself, or into a part of itself, which JSON cannot hold. Put a copy or an id there'

/**
 * Throws TypeError if a draft would be a part of itself. A cycle needs a link that the reducer made, so
 * without `links` this looks at nothing.
 */
export function assertNoCycle(links: readonly Link[], drafts: Iterable<DraftState>): void {
  if (links.length === 0) return
  const held = new Map<DraftState, DraftState[]>()
  const note = ([holder, inner]: Link) => {
    const known = held.get(holder)
    if (known) known.push(inner)
    else held.set(holder, [inner])
  }
  links.forEach(note)
  for (const draft of drafts) if (isInPlace(draft)) note([draft.parent_, draft])
  const [path, done] = [new Set<DraftState>(), new Set<DraftState>()]
  const visit = (draft: DraftState) => {
    if (path.has(draft)) throw new TypeError(CYCLE)
    if (done.has(draft)) return
    path.add(draft)
    held.get(draft)?.forEach(visit)
    path.delete(draft)
    done.add(draft)
  }
  for (const [holder] of links) visit(holder)
}

/** Whether a draft still is where the reducer found it. */
const isInPlace = (draft: DraftState): draft is DraftState & { readonly parent_: DraftState } =>
  draft.key_ !== undefined && draft.parent_?.copy_?.[draft.key_] === draft.draft_
