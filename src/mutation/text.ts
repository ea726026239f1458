// A mutation as text.
import type { MutationSpec } from './spec.ts'

/** The fields of a record that are the mutation's. */
export function encodeMutation(
  { type, version }: MutationSpec,
  payload: string | undefined,
): string {
  const v = version > 1 ? `,"v":${version}` : ''
  return `"type":${JSON.stringify(type)}${v}${payload === undefined ? '' : `,"payload":${payload}`}`
}
