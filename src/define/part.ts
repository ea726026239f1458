// One part of a definition, such as a mutation: read, or all that is wrong with it.
import { z } from 'zod'
import { badDefinition } from './bad-definition.ts'
import { type NearMisses, nearMiss, propertiesOf } from './near-misses.ts'

export interface Shape<T> {
  readonly schema: z.ZodType<T>
  readonly words: NearMisses
}

/**
 * `at`: where the part is in the definition. Throws StoreError `bad_definition`, which names each
 * place and, for a property that is not known, the one that was probably meant.
 */
export function readPart<T>(
  maker: string,
  at: readonly string[],
  { schema, words }: Shape<T>,
  value: unknown,
): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const { issues } = parsed.error
  const isObject = issues.every(({ code, path }) => code !== 'invalid_type' || path.length > 0)
  if (isObject) throw badDefinition(maker, problemsOf(issues, at, words).join('; '))
  const what = at.length === 0 ? 'the definition' : z.core.toDotPath([...at])
  throw badDefinition(maker, `${what}: must be an object with ${propertiesOf(words)}`)
}

/** What is not known comes first, and stands for the property that is missing because of it. */
export function problemsOf(
  issues: readonly z.core.$ZodIssue[],
  at: readonly string[],
  words: NearMisses = {},
): string[] {
  const place = (path: readonly PropertyKey[]) => z.core.toDotPath([...at, ...path])
  const meant = new Set<PropertyKey | undefined>()
  const unknown = issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') return []
    return issue.keys.map((key) => {
      const near = nearMiss(key, words)
      meant.add(near)
      const hint = near === undefined ? `known: ${propertiesOf(words)}` : `did you mean ${near}?`
      return `${place([...issue.path, key])}: is not known; ${hint}`
    })
  })
  const others = issues
    .filter(({ code, path }) => code !== 'unrecognized_keys' && !meant.has(path[0]))
    .map(({ path, message }) => `${place(path)}: ${message}`)
  return [...unknown, ...others]
}
