// What a schema gives that JSON cannot hold, as far as the schema tells before it runs.
import { z } from 'zod'

/** The values of these schemas are never JSON. */
const NOT_JSON: ReadonlySet<string> = new Set(
  'bigint date file function map nan promise set symbol'.split(' '),
)
/** A lazy schema can give new schemas at every level without end. */
const MAX_SCHEMAS = 10_000

/**
 * The first part of the schema's output that JSON cannot hold, with its path below `at`, such as
 * `payload.rows[].day is a date`. `[]` is each element of an array and each value of a record.
 * A getter that throws is skipped: it may refer to a schema that is declared later.
 */
export function outputIssue(schema: z.core.$ZodType, at: string): string | undefined {
  const seen = new Set<z.core.$ZodType>([schema])
  const queue: Located[] = [[schema, at]]
  for (const [each, path] of queue) {
    const { def } = (each as z.core.$ZodTypes)._zod
    const kind = notJson(def)
    if (kind !== undefined) return `${path} is a ${kind}`
    for (const inner of partsOf(def, path)) {
      if (seen.has(inner[0]) || seen.size === MAX_SCHEMAS) continue
      seen.add(inner[0])
      queue.push(inner)
    }
  }
  return undefined
}

type Located = readonly [schema: z.core.$ZodType, path: string]
type Def = z.core.$ZodTypes['_zod']['def']

function notJson(def: Def): string | undefined {
  if (NOT_JSON.has(def.type)) return def.type
  const isBigint = def.type === 'literal' && def.values.some((value) => typeof value === 'bigint')
  return isBigint ? 'bigint' : undefined
}

/** The schemas that this one's output consists of. */
function partsOf(def: Def, at: string): Located[] {
  switch (def.type) {
    case 'array':
      return [[def.element, `${at}[]`]]
    case 'record':
      return [[def.valueType, `${at}[]`]]
    case 'tuple':
      return [
        ...def.items.map((item, index): Located => [item, `${at}[${index}]`]),
        ...(def.rest ? [[def.rest, `${at}[]`] as const] : []),
      ]
    case 'object':
      return [
        ...orNone(() => fieldsOf(def, at)),
        ...(def.catchall ? [[def.catchall, `${at}[]`] as const] : []),
      ]
    case 'union':
      return def.options.map((option) => [option, at])
    case 'intersection':
      return [
        [def.left, at],
        [def.right, at],
      ]
    case 'pipe':
      return [[def.out, at]]
    case 'lazy':
      return orNone(() => [[def.getter(), at]])
    case 'optional':
    case 'nonoptional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'catch':
    case 'readonly':
      return [[def.innerType, at]]
    default:
      return []
  }
}

const fieldsOf = ({ shape }: z.core.$ZodObjectDef, at: string): Located[] =>
  Object.entries(shape).map(([key, field]) => [field, at + z.core.toDotPath(['', key])])

function orNone(run: () => Located[]): Located[] {
  try {
    return run()
  } catch {
    return []
  }
}
