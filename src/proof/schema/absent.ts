// What zod makes of a value that is not there. It depends on wrappers in wrappers, so zod itself is asked.
import { z } from 'zod'

/** `filled`: there is a value then; `unknown`: the schema's code threw, or is asynchronous. */
export type Absence = 'refused' | 'absent' | 'filled' | 'unknown'

/** Of a property that an object does not have. */
export const absentProperty = (schema: z.core.$ZodType): Absence =>
  outcome(() => {
    const object = new z.core.$ZodObject({ type: 'object', shape: { key: schema } })
    const parsed = z.core.safeParse(object, {}, { jitless: true })
    return parsed.success ? { value: parsed.data['key'] } : undefined
  })

/** Of an entry that a record should have, or of the payload itself. */
export const absentValue = (schema: z.core.$ZodType): Absence =>
  outcome(() => {
    const parsed = z.core.safeParse(schema, undefined)
    return parsed.success ? { value: parsed.data } : undefined
  })

/** Whether the schema accepts the value; false if its code throws. */
export const accepts = (schema: z.core.$ZodType, value: unknown): boolean =>
  outcome(() => (z.core.safeParse(schema, value).success ? { value } : undefined)) === 'filled'

function outcome(parse: () => { value: unknown } | undefined): Absence {
  try {
    const parsed = parse()
    if (!parsed) return 'refused'
    return parsed.value === undefined ? 'absent' : 'filled'
  } catch {
    return 'unknown'
  }
}
