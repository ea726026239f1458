// One part of a definition, such as a mutation: read, or all that is wrong with it.
import { z } from 'zod'
import { badDefinition } from './bad-definition.ts'
import { type NearMisses, nearMiss, propertiesOf } from './near-misses.ts'
import { isSchema } from './schema.ts'

export interface Shape<T> {
  readonly schema: z.ZodType<T>
  readonly words: NearMisses
  /** The words inside a property of the part, for properties whose own properties are known too. */
  readonly inside?: Readonly<Record<string, NearMisses>>
}

/**
 * `at`: where the part is in the definition. Throws StoreError `bad_definition`, which names each
 * place and, for a property that is not known, the one that was probably meant.
 */
export function readPart<T>(
  maker: string,
  at: readonly string[],
  { schema, words, inside }: Shape<T>,
  value: unknown,
): T {
  const what = at.length === 0 ? 'the definition' : z.core.toDotPath([...at])
  const must = `must be an object with ${propertiesOf(words)}`
  if (isSchema(value)) throw badDefinition(maker, `${what}: is a Zod schema, and ${must}`)
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const { issues } = parsed.error
  const isObject = issues.every(({ code, path }) => code !== 'invalid_type' || path.length > 0)
  if (isObject) throw badDefinition(maker, problemsOf(issues, at, words, inside).join('; '))
  throw badDefinition(maker, `${what}: ${must}`)
}

/** "Check" stands for the replay check alone. */
const NO_CHECK = "a mutation's rule is called guard: rename check to guard"

/** What is not known comes first, and stands for the property that is missing because of it. */
export function problemsOf(
  issues: readonly z.core.$ZodIssue[],
  at: readonly string[],
  words: NearMisses = {},
  inside: Shape<unknown>['inside'] = {},
): string[] {
  const place = (path: readonly PropertyKey[]) => z.core.toDotPath([...at, ...path])
  const meant = new Set<PropertyKey | undefined>()
  const unknown = issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') return []
    const isOwn = issue.path.length === 0
    const known = isOwn ? words : (inside[String(issue.path[0])] ?? {})
    return issue.keys.map((key) => {
      const near = nearMiss(key, known)
      if (isOwn) meant.add(near)
      if (isOwn && near === 'guard' && key === 'check') return `${place([key])}: ${NO_CHECK}`
      const hint = near === undefined ? `known: ${propertiesOf(known)}` : `did you mean ${near}?`
      return `${place([...issue.path, key])}: is not known; ${hint}`
    })
  })
  const others = issues
    .filter(({ code, path }) => code !== 'unrecognized_keys' && !meant.has(path[0]))
    .map(({ path, message }) => `${place(path)}: ${message}`)
  return [...unknown, ...others]
}
