// What `store.verify` is asked, and what it answers.

export interface VerifyOptions {
  /** The module that exports the definition, such as `new URL('./broker.js', import.meta.url)`. The worker imports it. */
  module: string | URL
  /** The name of that export. Default: the one whose store has the same name. */
  export?: string | undefined
  /** Ends the verification by throwing the signal's reason. */
  signal?: AbortSignal | undefined
}

export interface VerifyReport {
  /** Whether the journal gives the state that is in memory. */
  readonly ok: boolean
  /** The last record that was compared. */
  readonly seq: number
  /** How many records were replayed. */
  readonly records: number
  /** The digest of the state in memory. */
  readonly memory: string
  /** The digest of the state that the journal gives; `undefined` if it could not be replayed. */
  readonly disk: string | undefined
  /** Why it could not be replayed: the code and the message of the StoreError. */
  readonly problem?: { readonly code: string; readonly message: string }
}
