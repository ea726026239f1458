// What can go wrong with a secret, apart from a payload that its schema refuses.

/** Stable; the messages are not. docs/guides/privacy.md says for each what happened and what to do. */
export type SecretErrorCode =
  | 'forgotten' // the subject was forgotten, so nothing new is sealed for it
  | 'key_missing' // the key store has neither this key nor a note that it was destroyed
  | 'damaged' // the sealed form does not fit its key: one of the two was changed
  | 'bad_key' // the stored key cannot be read: damaged, or wrapped with another master key
  | 'key_store' // the key store refused, cannot be reached, or is open to others

/** `subject`: whose secret it is. No message and no field has plain text or a key. */
export class SecretError extends Error {
  override readonly name = 'SecretError'
  readonly code: SecretErrorCode
  readonly subject?: string | undefined
  constructor(
    code: SecretErrorCode,
    message: string,
    { subject, cause }: ErrorOptions & { subject?: string | undefined } = {},
  ) {
    super(message, cause === undefined ? {} : { cause })
    this.code = code
    this.subject = subject
  }
}
