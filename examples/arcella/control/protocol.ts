// ALME: one JSON object per line, in both directions. What may be asked, and with which arguments.
import { z } from 'zod'
import { replicas } from '../registry/deployment.ts'
import { deploymentId, moduleIdInput } from '../registry/ids.ts'

/** Of a request without its newline, and of an answer to `log:tail`. */
export const MAX_LINE_BYTES: number = 64 * 1024

const path = z.string().min(1).max(4096)
const nothing = z.strictObject({})
const one = z.strictObject({ deployment_id: deploymentId })
const maybeOne = z.strictObject({ deployment_id: deploymentId.nullish() })

const shapes = {
  Ping: nothing,
  'log:tail': z.strictObject({ n: z.int().min(1).max(10_000).default(100) }),

  'module:status': maybeOne,
  'module:list': nothing,
  'module:install': z.strictObject({ path }),
  'module:update': z.strictObject({ path }),
  'module:remove': z.strictObject({ module_id: moduleIdInput }),

  'module:deploy': z.strictObject({ file: path }),
  'module:start': one,
  'module:stop': one,
  'module:scale': z.strictObject({ deployment_id: deploymentId, replicas }),
  'module:undeploy': one,

  'deployment:list': nothing,
  'instance:list': maybeOne,
} as const

export type Command = keyof typeof shapes
export type Args = { [C in Command]: z.output<(typeof shapes)[C]> }

/** The arguments of each command. */
export const commands: { readonly [C in Command]: z.ZodType<Args[C]> } = shapes

export const request = z.strictObject({ cmd: z.string().max(64), args: z.unknown().optional() })

/** `Ping` has two names. */
export function commandOf(cmd: string): Command | undefined {
  const name = cmd === 'ping' ? 'Ping' : cmd
  return isCommand(name) ? name : undefined
}

const isCommand = (name: string): name is Command => Object.hasOwn(commands, name)

export const answer = z.object({
  success: z.boolean(),
  message: z.string(),
  data: z.unknown().optional(),
})
/** `data` is omitted if the answer has no data. */
export type Answer = z.output<typeof answer>
