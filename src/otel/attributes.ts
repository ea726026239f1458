// What spans and metrics say of an event. Names: https://opentelemetry.io/docs/specs/semconv/database/
import type { Attributes } from '@opentelemetry/api'
import type { StoreEvent } from '../index.ts'

export const attributesOf = ({ store, journal }: StoreEvent): Attributes => ({
  'db.system.name': 'ministore',
  'db.namespace': store,
  'ministore.journal': journal,
})

/** `_OTHER`, as the conventions want it, for an error without a code. Empty for an event without an error. */
export function errorType(event: { readonly outcome: string; readonly code?: string }): Attributes {
  if (event.code !== undefined) return { 'error.type': event.code }
  return event.outcome === 'failed' ? { 'error.type': '_OTHER' } : {}
}
