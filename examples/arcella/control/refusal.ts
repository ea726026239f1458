// Every error as the one sentence that ALME shows: the only place where errors of the registry, of modules and of
// the store become messages.
import { Rejection, StoreError } from 'ministore-ts'
import { ModuleError } from '../modules/errors.ts'
import { sentenceOf } from '../registry/refusals.ts'

/** What is no one's refusal is a bug, or a broken disk: its text is for the daemon's own log. */
export function messageOf(error: unknown, onError: (error: unknown) => void): string {
  if (error instanceof Rejection) return sentenceOf(error)
  if (error instanceof ModuleError) return error.message
  onError(error)
  if (!(error instanceof StoreError)) return "Something broke; the daemon's log has more"
  return error.code === 'unknown'
    ? 'The registry failed, and it is not known whether this was done: start the daemon again'
    : `The registry failed, and this was not done: ${error.code}`
}
