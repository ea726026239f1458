// What a module says of itself: who it is, what it offers and needs, and what it must be granted.
import { z } from 'zod'
import { moduleId, moduleIdInput } from './ids.ts'

export const MAX_INTERFACES = 256
export const MAX_CAPABILITIES = 64

const INTERFACE = /^[\w-]+:[\w/-]+(@[\w.+-]+)?$/
const text = (most: number) => z.string().max(most)
/** Of capabilities of one kind. */
const few = <T extends z.ZodType>(item: T) => z.array(item).max(MAX_CAPABILITIES)

const itemSpec = z.strictObject({
  kind: z.enum(['unknown', 'func', 'instance', 'component', 'module', 'resource', 'type']),
  /** Of a function: the names of types. */
  params: z.array(text(256)).max(64).optional(),
  results: z.array(text(256)).max(64).optional(),
})
export type ItemSpec = z.output<typeof itemSpec>

const interfaces = (what: 'import' | 'export') => {
  const error = ({ input }: { readonly input?: unknown }) =>
    `Invalid ${what} interface format: ${String(input).slice(0, 200)}`
  const name = z.string().max(256, { error }).regex(INTERFACE, { error })
  return z.record(name, itemSpec).refine((list) => Object.keys(list).length <= MAX_INTERFACES, {
    error: `more than ${MAX_INTERFACES} ${what}s`,
  })
}

export const capabilities = z.strictObject({
  /** WASI interfaces, by their names in preview 2, such as `wasi:cli/stdio`. */
  wasi: few(
    text(256).regex(INTERFACE, { error: ({ input }) => `Invalid WASI interface: ${input}` }),
  ),
  /** Paths as the module sees them. Which directory each one is, the daemon's configuration says. */
  filesystem: few(
    text(256).regex(/^(?:\/(?!\.{1,2}(?:\/|$))[^/\p{Cc}]+)+$/u, {
      error: ({ input }) => `Invalid path: ${input} must be absolute, without "." and ".."`,
    }),
  ),
  /** Such as `tcp:localhost:8080`. */
  network: few(text(256)),
  /** Names of variables. */
  environment: few(
    text(128).regex(/^[A-Za-z_]\w*$/, { error: ({ input }) => `Invalid variable name: ${input}` }),
  ),
  resources: z.strictObject({
    /** In bytes. */
    memory_max: z.int().positive().optional(),
    cpu_shares: z.int().positive().optional(),
  }),
  security: z.strictObject({
    requires_tee: z.boolean(),
    allowed_syscalls: few(text(64)),
  }),
})
/** Only what is declared here is granted. */
export type Capabilities = z.output<typeof capabilities>

const description = text(1024).optional()

export const componentManifest = z.strictObject({
  id: moduleId,
  description,
  exports: interfaces('export'),
  imports: interfaces('import'),
  capabilities,
})
export type ComponentManifest = z.output<typeof componentManifest>

// ── As people write it ──────────────────────────────────────────────────────────────────────────

/** An array of names, or a map from name to item spec. */
const interfacesInput = (what: 'import' | 'export') => {
  const listed = (value: unknown, ctx: z.RefinementCtx): unknown => {
    if (!Array.isArray(value)) return value
    const names = value.map(String)
    // As a key, zod would pass over it.
    if (names.includes('__proto__')) ctx.addIssue(`Invalid ${what} interface format: __proto__`)
    return Object.fromEntries(names.map((name) => [name, { kind: 'unknown' }]))
  }
  return z.preprocess(listed, interfaces(what)).default({})
}

const { wasi, filesystem, network, environment, resources, security } = capabilities.shape
const capabilitiesInput = z.strictObject({
  wasi: wasi.default([]),
  filesystem: filesystem.default([]),
  network: network.default([]),
  environment: environment.default([]),
  resources: resources.default({}),
  security: security
    .extend({
      requires_tee: z.boolean().default(false),
      allowed_syscalls: security.shape.allowed_syscalls.default([]),
    })
    .prefault({}),
})

/** `id`, or `name` and `version` beside the rest. */
function withId(value: unknown): unknown {
  if (typeof value === 'string') return { id: value }
  if (!isObject(value) || 'id' in value || !('name' in value)) return value
  const { name, version, ...rest } = value
  return { id: { name, version }, ...rest }
}

/** The table `[component]`. */
export const manifestInput = z.preprocess(
  withId,
  z.strictObject({
    id: moduleIdInput,
    description,
    exports: interfacesInput('export'),
    imports: interfacesInput('import'),
    capabilities: capabilitiesInput.prefault({}),
  }),
)

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
