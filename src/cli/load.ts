// A user's definition, from a TypeScript or JavaScript file, on every supported Node.
import { stat } from 'node:fs/promises'
import { relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createJiti } from 'jiti'
import { type AnyStoreDefinition, definitionBrand } from '../index.ts'
import { didYouMean } from './suggest.ts'

export interface Loaded {
  readonly definition: AnyStoreDefinition
  /** The absolute path of its file. */
  readonly file: string
  /** The name by which that exports it. */
  readonly name: string
}

/**
 * `where`: a file, or `file#export` where it exports several. What the user's code logs goes to
 * standard error from then on: it is no part of a report.
 */
export async function load(where: string): Promise<Loaded> {
  const { file, wanted } = await split(where)
  const exported = Object.entries(await importFile(file))
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

/** A path may have a `#` of its own. */
async function split(where: string): Promise<{ file: string; wanted?: string }> {
  const at = where.lastIndexOf('#')
  const file = where.slice(0, at)
  if (at === -1 || (await isFile(where))) return { file: where }
  return { file, wanted: where.slice(at + 1) }
}

async function importFile(file: string): Promise<Record<string, unknown>> {
  if (!(await isFile(file))) throw new Error(`--store ${file}: there is no such file`)
  const jiti = createJiti(import.meta.url, {
    tsconfigPaths: true,
    fsCache: false,
    // To transform them takes longer than all that a command does.
    nativeModules: ['zod', 'immer', 'ministore-ts'],
  })
  try {
    return await jiti.import<Record<string, unknown>>(resolve(file))
  } catch (cause) {
    throw new Error(`--store ${file} cannot be loaded: ${reason(cause)}`, { cause })
  }
}

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  )

/** What was thrown, and by which line of the user's: the rest of a stack is not about their code. */
function reason(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  const { message, stack = '' } = thrown
  const [what = ''] = message.split('\nRequire stack:')
  const [, importer] = /\nRequire stack:\n- (.+)/.exec(message) ?? []
  const place = importer === undefined ? placeIn(stack.slice(stack.indexOf(message))) : importer
  // The parser ends its message with the place, on a line of its own.
  const shown = what.replace(/\s+\n\s*/g, ' ').trim()
  return place === undefined ? shown : `${shown} (${relative('', place)})`
}

const OWN = fileURLToPath(new URL('..', import.meta.url))

/** `/home/me/src/broker.ts:3:9` */
function placeIn(stack: string): string | undefined {
  const frames = stack.matchAll(/^ +at (?:.*\()?(?:file:\/\/)?(\/.*?:\d+:\d+)\)?$/gm)
  const places = [...frames].map(([, place = '']) => place)
  return places.find((place) => !place.includes('/node_modules/') && !place.startsWith(OWN))
}

// By its brand, not instanceof: the file may load another copy of this package.
const isDefinition = (value: unknown) =>
  typeof value === 'object' && value !== null && definitionBrand in value
