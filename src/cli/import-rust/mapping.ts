// Which mutations an imported line stands for: by its name, or as the user's own function says.
import type { CompiledDefinition, Input } from '../../mutation/spec.ts'
import { importNamed } from '../sources/module.ts'
import { didYouMean } from '../terminal/suggest.ts'
import type { Variant } from './journal.ts'

/** The mutations of one record, in order; none if the line is left out. Throws what is wrong with it. */
export type Mapping = (variant: Variant) => readonly Input[]

/**
 * A variant is the mutation of its name, in whatever case the two are written, and its value is the
 * payload.
 */
export function mappingByName({ mutations }: CompiledDefinition): Mapping {
  const known = [...mutations.keys()]
  return ({ name, value }) => {
    if (name === '')
      throw new Error('this line is not one variant of an enum: convert it with --map')
    const near = known.filter((type) => plain(type) === plain(name))
    const type = mutations.has(name) ? name : near.length === 1 ? near[0] : undefined
    if (type !== undefined)
      return [{ type, payload: payloadOf(value, mutations.get(type)?.payload) }]
    const camel = name.charAt(0).toLowerCase() + name.slice(1)
    const hint = near.length > 1 ? `, but may be ${near.join(' or ')}` : didYouMean(camel, known)
    throw new Error(`no mutation of the definition has this name${hint}`)
  }
}

const plain = (name: string) => name.replaceAll(/[_-]/g, '').toLowerCase()

/** For a mutation without payload, all that serde writes for nothing is nothing. */
function payloadOf(value: unknown, schema: unknown): unknown {
  const isNothing = typeof value === 'object' && Object.keys(value ?? {}).length === 0
  return schema === undefined && isNothing ? undefined : value
}

/**
 * A function from a TypeScript or JavaScript file: gets a variant, returns `{ type, payload }`, an
 * array of them to make one batch, or null to leave the line out. `where`: `file#export`, or a file
 * that exports one function.
 */
export async function loadMapping(where: string): Promise<Mapping> {
  const { file, wanted, exported } = await importNamed('--map', where)
  const functions = exported.filter(([, value]) => typeof value === 'function')
  const found = functions.filter(([name]) => wanted === undefined || name === wanted)
  const [first] = found
  if (first && found.length === 1) return checked(first[1] as (variant: Variant) => unknown)
  const names = functions.map(([name]) => `${file}#${name}`).join(', ') || 'none'
  throw new Error(`--map ${where} does not name one function; ${file} exports: ${names}`)
}

const checked =
  (map: (variant: Variant) => unknown): Mapping =>
  (variant) => {
    const mapped = map(variant)
    const inputs = mapped === null ? [] : [mapped].flat()
    if (inputs.every(isInput)) return inputs
    throw new Error(
      'the function of --map returned neither { type, payload }, nor an array of them, nor null',
    )
  }

const isInput = (value: unknown): value is Input =>
  typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
