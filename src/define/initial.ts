// The state that a store begins with.
import { z } from 'zod'
import { canonicalText, freeze, stateIssue } from '../json/index.ts'
import { restoreTables, tablePaths } from '../table/index.ts'
import { badDefinition } from './bad-definition.ts'
import { problemsOf } from './part.ts'
import { isSchema } from './schema.ts'

/** The path to what is wrong is cut after so many keys: only that of a cycle is longer. */
const MAX_PATH = 16

/**
 * From the literal, or from the defaults of a schema. A copy: what the user does to the literal later
 * is not the store's state. Throws StoreError `bad_definition`.
 */
export function initialState(maker: string, state: object): unknown {
  const initial = isSchema(state) ? defaultsOf(maker, state) : state
  const issue = stateIssue(initial)
  if (issue) {
    const path = z.core.toDotPath(['state', ...issue.path.slice(0, MAX_PATH)])
    const cut = issue.path.length > MAX_PATH ? '…' : ''
    throw badDefinition(maker, `${path}${cut} ${issue.message}`)
  }
  return freeze(restoreTables(JSON.parse(canonicalText(initial) ?? ''), tablePaths(initial)))
}

function defaultsOf(maker: string, schema: z.core.$ZodType): unknown {
  const parsed = parseNothing(maker, schema)
  if (parsed.success) return parsed.data
  const issues = problemsOf(parsed.error.issues, ['state']).join('; ')
  const rule = 'a state schema must accept {}: give every field a .default()'
  throw badDefinition(maker, `state: ${rule} (${issues})`)
}

function parseNothing(maker: string, schema: z.core.$ZodType) {
  try {
    return z.core.safeParse(schema, {})
  } catch (cause) {
    if (!(cause instanceof z.core.$ZodAsyncError)) throw cause
    const rule = 'the schema has an async refinement or transform, and a store is defined at once'
    throw badDefinition(maker, `state: ${rule}`, cause)
  }
}
