// A record as JSON text: the compatibility promise of every journal.
import { StoreError } from '../errors.ts'
import type { Meta, PreparedMutation } from '../mutation/spec.ts'
import type { Journal } from '../port/journal.ts'
import type { Decoded } from './record.ts'

export interface Unnumbered extends Omit<Decoded, 'meta' | 'metadata' | 'value'> {
  readonly meta: Omit<Meta, 'seq'>
  /** Each with its canonical text. */
  readonly value?: { readonly text?: string | undefined } | undefined
  readonly metadata?: { readonly text: string } | undefined
}

/** What a record says apart from when, under which key, and by whom: equal bodies are equal mutations. */
export function encodeBody(parts: readonly PreparedMutation[]): string {
  const texts = parts.map(({ text }) => text)
  return texts.length === 1 ? texts.join() : `"batch":[${texts.map((text) => `{${text}}`).join()}]`
}

/** A record as JSON, without its seq: that is the journal's to write. Throws StoreError `too_large`. */
export function encode(record: Unnumbered, journal: Journal): string {
  const { meta, command, input, value, metadata, parts } = record
  const key = meta.key === undefined ? '' : `"key":${JSON.stringify(meta.key)},`
  const by = command === undefined ? '' : `"command":${JSON.stringify(command)},`
  const asked = input === undefined ? '' : `"input":"${input}",`
  const answer = value?.text === undefined ? '' : `"value":${value.text},`
  const about = metadata === undefined ? '' : `"metadata":${metadata.text},`
  const text = `{"at":"${meta.at}",${key}${by}${asked}${answer}${about}${encodeBody(parts)}}`
  const { name, maxEntryBytes } = journal
  // No UTF-16 unit takes more than three bytes of UTF-8, so nearly nothing needs to be measured.
  if (text.length * 3 <= maxEntryBytes) return text
  const { length } = new TextEncoder().encode(text)
  if (length <= maxEntryBytes) return text
  const what = `a record of ${length} bytes, where ${name} takes ${maxEntryBytes}`
  throw new StoreError('too_large', `${what}: split it, or keep large values elsewhere`)
}
