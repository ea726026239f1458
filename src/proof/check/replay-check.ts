// Proof that a journal and today's code still give the same state. Reports, never throws.

import type { AnyStoreDefinition } from '../../define/store-definition.ts'
import { definitionOf } from '../../mutation/brand.ts'
import type { Journal } from '../../port/journal.ts'
import { JournalCheck } from './journal-check.ts'
import type { CheckOptions, ReplayReport } from './report.ts'
import { setTraps } from './traps.ts'

/**
 * Opens `journal`, replays it with `store` in every way there is, compares, and closes it. What is wrong
 * is in the report's findings. Continues after findings that do not change the state, and stops if the
 * state can no longer be known. Throws TypeError where `store` is not a definition.
 */
export async function replayCheck(
  store: AnyStoreDefinition,
  journal: Journal,
  options: CheckOptions = {},
): Promise<ReplayReport> {
  const definition = definitionOf(store)
  if (!definition) throw new TypeError('replayCheck: expected a definition created by defineStore')
  const release = setTraps()
  const check = new JournalCheck(definition, journal, options)
  try {
    return await check.run()
  } finally {
    release()
    // What could not be opened may be open in a store.
    if (check.hasOpened) await close(journal)
  }
}

/** A journal that cannot be closed was read anyway. */
async function close(journal: Journal): Promise<void> {
  try {
    await journal.close()
  } catch {
    // The report says what was read.
  }
}
