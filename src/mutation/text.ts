// A mutation as text.
import type { Declaration } from './spec.ts'

/** The fields of a record that are the mutation's. */
export function encodeMutation(
  { type, version }: Declaration,
  payload: string | undefined,
): string {
  const v = version > 1 ? `,"v":${version}` : ''
  return `"type":${JSON.stringify(type)}${v}${payload === undefined ? '' : `,"payload":${payload}`}`
}
