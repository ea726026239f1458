// A user's definition, out of the module that `--store` names.
import { resolve } from 'node:path'
import type { AnyStoreDefinition } from '../../define/store-definition.ts'
import { definitionBrand } from '../../mutation/brand.ts'
import { didYouMean } from '../terminal/suggest.ts'
import { importNamed } from './module.ts'

export interface Loaded {
  readonly definition: AnyStoreDefinition
  /** The absolute path of its file. */
  readonly file: string
  /** The name by which that exports it. */
  readonly name: string
}

/**
 * `where`: a file, or `file#export` if it exports several. What the user's code logs goes to
 * standard error from then on: it is not a part of a report.
 */
export async function load(where: string): Promise<Loaded> {
  const { file, wanted, exported } = await importNamed('--store', where)
  const definitions = exported.filter(([, value]) => isDefinition(value))
  const found = definitions.filter(([name]) => wanted === undefined || name === wanted)
  const [first] = found
  // One definition may have two names, such as its own and `default`.
  if (first && found.every(([, value]) => value === first[1])) {
    return { name: first[0], definition: first[1] as AnyStoreDefinition, file: resolve(file) }
  }
  const names = definitions.map(([name]) => name)
  const listed = names.map((name) => `${file}#${name}`).join(', ') || 'none'
  const hint = wanted === undefined ? '' : didYouMean(wanted, names)
  throw new Error(
    `--store ${where} does not name one definition; ${file} exports: ${listed}${hint}`,
  )
}

/** The definition alone. */
export async function loadDefinition(where: string): Promise<AnyStoreDefinition> {
  return (await load(where)).definition
}

// By its brand, not instanceof: the file may load another copy of this package.
const isDefinition = (value: unknown) =>
  typeof value === 'object' && value !== null && definitionBrand in value
