// What modules, deployments and instances are called. All of these names come from outside.
import { z } from 'zod'

export interface ModuleId {
  name: string
  version: string
}

const NAME = /^[A-Za-z0-9_-]{1,128}$/
// Ten digits each: the id is a part of a file's name.
const VERSION = /^(?:0|[1-9]\d{0,9})(?:\.(?:0|[1-9]\d{0,9})){2}$/

const part = (what: string, pattern: RegExp) => {
  const error = ({ input }: { readonly input?: unknown }) =>
    `Invalid module ID ${what}: ${shown(input)}`
  return z.string({ error }).regex(pattern, { error })
}

/** As it is kept: an object. */
export const moduleId = z.strictObject(
  {
    name: part('name', NAME),
    version: part('version', VERSION),
  },
  {
    error: ({ input, code }) =>
      code === 'invalid_type' ? `Invalid module ID format: ${shown(input)}` : undefined,
  },
)

/** As people write it: `name@version`, or the object. */
export const moduleIdInput = z.preprocess(split, moduleId)

/** The key in the registry. */
export const moduleKey = ({ name, version }: Readonly<ModuleId>): string => `${name}@${version}`

/** The file's name before `.deployment.toml`. */
export const deploymentId: z.ZodString = z.string().regex(/^(?!-)[A-Za-z0-9_-]{1,128}(?<!-)$/, {
  error: ({ input }) => `Invalid deployment ID: ${shown(input)}`,
})

/** Replicas are counted from 0. */
export const instanceId = (deployment: string, replica: number): string =>
  `${deployment}.${replica}`

function split(value: unknown): unknown {
  if (typeof value !== 'string') return value
  const at = value.indexOf('@')
  return at < 0 ? value : { name: value.slice(0, at), version: value.slice(at + 1) }
}

/** Short, on one line. */
function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
