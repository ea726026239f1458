// What the user wrote → what the core runs, or StoreError `bad_definition` saying which part of it.
import { z } from 'zod'
import { StoreError } from '../errors.ts'
import { canonicalText, freeze, stateIssue } from '../json/index.ts'
import { parse } from '../mutation/validate.ts'
import { restoreTables, tablePaths } from '../table/index.ts'
import type { Declaration, Definition } from '../types.ts'
import { unknownName } from './names.ts'
import { isSchema, schemaIssue } from './schema.ts'

// biome-ignore lint/suspicious/noExplicitAny: called with what the types half has checked
type Code = (...args: any[]) => unknown
const code = z.custom<Code>(isSynchronous, 'must be a function, and not an async one')
const schema = z.custom<z.core.$ZodType>(isSchema, 'must be a Zod schema')
const apply = {
  payload: schema.optional(),
  upcast: z.record(z.string(), schema).default({}),
  apply: code,
}
const CONFIG = z.strictObject({
  name: z.string().regex(/^[^\p{C}]{1,128}$/u, 'must be 1 to 128 printable characters'),
  state: z.custom<object>(
    (state) => typeof state === 'object' && state !== null,
    'must be an object',
  ),
  mutations: z.record(z.string(), z.strictObject({ ...apply, check: code.optional() })),
  retired: z.record(z.string(), z.object(apply)).default({}),
  commands: z
    .record(z.string(), z.strictObject({ input: schema.optional(), run: code }))
    .default({}),
})
type Config = z.output<typeof CONFIG>

export function readConfig(config: unknown): Definition {
  const parsed = CONFIG.safeParse(config)
  if (!parsed.success) {
    const told = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
    throw bad(config, told.join('; '))
  }
  const { name, state, mutations, retired, commands } = parsed.data
  const declared = new Map<string, Declaration>()
  for (const [group, all] of Object.entries({ mutations, retired })) {
    for (const [type, mutation] of Object.entries(all)) {
      const where = `${group}.${type}`
      if (declared.has(type)) throw bad(config, `${where}: is in mutations too; keep one`)
      const issue = mutation.payload && schemaIssue(mutation.payload, 'payload')
      if (issue) throw bad(config, `${where}: ${issue}, which the journal cannot hold`)
      declared.set(type, declare(config, where, type, mutation))
    }
  }
  return {
    name,
    initial: readState(config, state),
    state: isSchema(state) ? state : undefined,
    mutations: declared,
    find(type, seq) {
      const found = declared.get(type)
      if (found && (seq !== undefined || !found.retired)) return found
      const known = Object.keys(seq === undefined ? mutations : { ...mutations, ...retired })
      throw unknownName(type, known, seq === undefined ? 'mutations' : 'mutations or retired', seq)
    },
    commands: Object.keys(commands),
    command(name, input) {
      const command = Object.hasOwn(commands, name) ? commands[name] : undefined
      if (!command) throw unknownName(name, Object.keys(commands), 'commands')
      const parsed = parse(name, command.input, input, 'input')
      return (tx) => command.run(tx, parsed)
    },
  }
}

function declare(
  config: unknown,
  where: string,
  type: string,
  mutation: Config['retired'][string] & { check?: Code | undefined },
): Declaration {
  const { payload, upcast, check, apply } = mutation
  const versions = Object.keys(upcast)
  if (versions.some((version, index) => version !== String(index + 1))) {
    const have = `upcast has versions ${versions.join(', ')}`
    throw bad(config, `${where}: ${have}; it needs every old version from 1, without gaps`)
  }
  const retired = where.startsWith('retired.')
  return {
    type,
    payload,
    upcast,
    version: versions.length + 1,
    check,
    apply,
    retired,
    proved: false,
  }
}

/** A copy: what the user does to the literal later is not the store's state. */
function readState(config: unknown, state: object): unknown {
  const initial = isSchema(state) ? parse('state', state, {}) : state
  const issue = stateIssue(initial)
  if (issue) throw bad(config, `${['state', ...issue.path].join('.')} ${issue.message}`)
  return freeze(restoreTables(JSON.parse(canonicalText(initial) ?? ''), tablePaths(initial)))
}

function bad(config: unknown, problem: string): StoreError {
  const { name } = (config ?? {}) as { name?: unknown }
  return new StoreError('bad_definition', `defineStore(${JSON.stringify(name)}): ${problem}`)
}

function isSynchronous(value: unknown): boolean {
  return typeof value === 'function' && value.constructor.name !== 'AsyncFunction'
}
