// What the user wrote → what the core runs, or StoreError `bad_definition` saying which part of it.
import { z } from 'zod'
import { metadataSpec } from '../mutation/metadata.ts'
import type {
  CompiledDefinition,
  ImpureSource,
  MetadataSpec,
  MutationSpec,
  Upcaster,
} from '../mutation/spec.ts'
import { parseInput } from '../mutation/validate.ts'
import { badDefinition, reading } from './bad-definition.ts'
import { initialState } from './initial.ts'
import { notAName, unknownName } from './names.ts'
import { COMMAND_WORDS, MUTATION_WORDS, SOURCE_WORDS, STORE_WORDS } from './near-misses.ts'
import { outputIssue } from './output.ts'
import { readPart } from './part.ts'
import { isSchema } from './schema.ts'
import { isUpcaster } from './upcaster.ts'

// biome-ignore lint/suspicious/noExplicitAny: called with what the types half has checked
type Code = (...args: any[]) => unknown
const code = z.custom<Code>(isSynchronous, 'must be a function, and not an async one')
const schema = z.custom<z.core.$ZodType>(isSchema, 'must be a Zod schema')
const group = z.custom<Readonly<Record<string, unknown>>>(
  (value) => z.core.util.isPlainObject(value) && !isSchema(value),
  'must be an object with a property for each name',
)
const metadata = z.custom<z.core.$ZodObject>(
  (value) => isSchema(value) && value._zod.def.type === 'object',
  'must be a z.object(…)',
)
const KEEP = 'must be { records } or { days }, a number above 0'
const keyWindow = z.strictObject(
  {
    keep: z.union(
      [
        z.strictObject({ records: z.int().positive() }),
        z.strictObject({ days: z.number().positive() }),
      ],
      KEEP,
    ),
  },
  'must be { keep: { records } } or { keep: { days } }',
)
const STORE = {
  words: STORE_WORDS,
  schema: z.strictObject({
    name: z
      .string('must be a string')
      .regex(/^[^\p{C}]{1,128}$/u, 'must be 1 to 128 printable characters'),
    state: z.custom<object>(
      (state) => typeof state === 'object' && state !== null,
      'must be an object',
    ),
    metadata: metadata.optional(),
    keys: keyWindow.optional(),
    mutations: group,
    retired: group.default({}),
    commands: group.default({}),
  }),
}
const upcaster = z.custom<z.core.$ZodType | Upcaster<unknown>>(
  (value) => isSchema(value) || isUpcaster(value),
  'must be a Zod schema, or what upcaster() returns',
)
const sources = z.enum([
  'clock',
  'random',
  'timeZone',
  'locale',
  'environment',
  'host',
  'files',
  'later',
] as const satisfies ImpureSource[])
const REASON = 'must give the reason'
const MUTATION = {
  words: MUTATION_WORDS,
  inside: { accept: SOURCE_WORDS },
  schema: z.strictObject({
    payload: schema.optional(),
    upcast: z
      .record(z.string(), upcaster, 'must be an object with a schema for each old version')
      .default({}),
    accept: z
      .partialRecord(
        sources,
        z.string(REASON).min(1, REASON),
        'must be an object with a reason for each source',
      )
      .default({}),
    guard: code.optional(),
    apply: code,
  }),
}
const COMMAND = {
  words: COMMAND_WORDS,
  schema: z.strictObject({ input: schema.optional(), run: code }),
}
type Mutation = z.output<typeof MUTATION.schema>
type Command = z.output<typeof COMMAND.schema>

/** `config` is whatever was handed in. Throws StoreError `bad_definition`, and nothing else. */
export function readConfig(config: unknown): CompiledDefinition {
  const maker = `defineStore(${nameIn(config)})`
  return reading(maker, 'the definition', () => readStore(maker, config))
}

function readStore(maker: string, config: unknown): CompiledDefinition {
  const { name, state, ...groups } = readPart(maker, [], STORE, config)
  const { mutations, retired } = groups
  const declared = new Map<string, MutationSpec>()
  for (const [group, all] of Object.entries({ mutations, retired })) {
    for (const type of namesIn(maker, group, all)) {
      const where = z.core.toDotPath([group, type])
      if (declared.has(type)) throw badDefinition(maker, `${where}: is in mutations too; keep one`)
      const mutation = reading(maker, where, () => {
        const read = readPart(maker, [group, type], MUTATION, all[type])
        const issue = read.payload && outputIssue(read.payload, 'payload')
        if (issue === undefined) return declare(maker, where, type, read, group === 'retired')
        throw badDefinition(maker, `${where}: ${issue}, which the journal cannot hold`)
      })
      declared.set(type, mutation)
    }
  }
  const commands = new Map<string, Command>()
  for (const name of namesIn(maker, 'commands', groups.commands)) {
    const path = ['commands', name]
    const read = () => readPart(maker, path, COMMAND, groups.commands[name])
    commands.set(name, reading(maker, z.core.toDotPath(path), read))
  }
  const commandNamed = (name: string): Command => {
    const command = commands.get(name)
    if (!command) throw unknownName(name, commands.keys(), 'commands')
    return command
  }
  return {
    name,
    keys: groups.keys,
    metadata: reading(maker, 'metadata', () => readMetadata(maker, groups.metadata)),
    initial: reading(maker, 'state', () => initialState(maker, state)),
    state: isSchema(state) ? state : undefined,
    mutations: declared,
    find(type, seq) {
      const found = declared.get(type)
      if (found && (seq !== undefined || !found.retired)) return found
      const known = [...declared.values()]
        .filter((each) => seq !== undefined || !each.retired)
        .map((each) => each.type)
      if (typeof type !== 'string') throw notAName(type)
      throw unknownName(type, known, seq === undefined ? 'mutations' : 'mutations or retired', seq)
    },
    commands: [...commands.keys()],
    inputOf: (name) => commandNamed(name).input,
    command(name, input) {
      const command = commandNamed(name)
      const parsed = parseInput(name, command.input, input, 'input')
      return { input: parsed, run: (tx) => command.run(tx, parsed) }
    },
  }
}

function readMetadata(maker: string, schema: z.core.$ZodObject | undefined): MetadataSpec {
  const issue = schema && outputIssue(schema, 'metadata')
  if (issue === undefined) return metadataSpec(schema)
  throw badDefinition(maker, `${issue}, which the journal cannot hold`)
}

/** Each name is a string of its own: symbols would be lost on the way to a journal. */
function namesIn(maker: string, group: string, all: object): string[] {
  return reading(maker, group, () =>
    Reflect.ownKeys(all).map((name) => {
      if (typeof name === 'string') return name
      throw badDefinition(maker, `${z.core.toDotPath([group, name])}: a name must be a string`)
    }),
  )
}

function declare(
  maker: string,
  where: string,
  type: string,
  { payload, upcast, accept, guard, apply }: Mutation,
  retired: boolean,
): MutationSpec {
  const versions = Object.keys(upcast)
  if (versions.some((version, index) => version !== String(index + 1))) {
    const have = `upcast has versions ${versions.join(', ')}`
    throw badDefinition(maker, `${where}: ${have}; it needs every old version from 1, without gaps`)
  }
  const version = versions.length + 1
  return { type, payload, upcast, accept, version, guard, apply, retired }
}

/** The name for messages: quoted, or nothing if there is no such text. */
function nameIn(config: unknown): string {
  try {
    const { name } = config as { name?: unknown }
    return typeof name === 'string' ? JSON.stringify(name) : ''
  } catch {
    return ''
  }
}

/** By what it says it is: a function's own `constructor` and `toString` may be anything. */
/** What a generator returns is refused when it was called, as from any other function. */
function isSynchronous(value: unknown): boolean {
  try {
    return /^\[object (Generator)?Function\]$/.test(Object.prototype.toString.call(value))
  } catch {
    return false
  }
}
