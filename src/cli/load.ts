// A user's definition, from a TypeScript or JavaScript file, on every supported Node.
import { resolve } from 'node:path'
import { createJiti } from 'jiti'
import { type AnyStoreDefinition, definitionBrand } from '../index.ts'

/** `where`: a file, or `file#export` where it exports several. Throws what the file throws. */
export async function loadDefinition(where: string): Promise<AnyStoreDefinition> {
  const [file = '', wanted] = where.split('#')
  const jiti = createJiti(import.meta.url, { tsconfigPaths: true, fsCache: false })
  const exported = Object.entries(await jiti.import<Record<string, unknown>>(resolve(file)))
  const definitions = exported.filter(([, value]) => isDefinition(value))
  const found = definitions.filter(([name]) => wanted === undefined || name === wanted)
  const [first] = found
  if (first && found.length === 1) return first[1] as AnyStoreDefinition
  const names = definitions.map(([name]) => `${file}#${name}`).join(', ') || 'none'
  throw new Error(`--store ${where} does not name one definition; ${file} exports: ${names}`)
}

// By its brand, not instanceof: the file may load another copy of this package.
const isDefinition = (value: unknown) =>
  typeof value === 'object' && value !== null && definitionBrand in value
