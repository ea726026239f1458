// A user's module, in TypeScript or JavaScript, on every supported Node: what `--store` and `--map` name.
import { stat } from 'node:fs/promises'
import { relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createJiti } from 'jiti'
import { neverLoaded, whileLoading } from '../terminal/exit.ts'

/** How long a module may take to load. */
const LOAD_TIMEOUT_MS = 30_000

export interface Named {
  readonly file: string
  /** The export that was named, if one was. */
  readonly wanted: string | undefined
  readonly exported: readonly (readonly [name: string, value: unknown])[]
}

/** `where`: a file, or `file#export`. Throws Error that says which line of the user's code is wrong. */
export async function importNamed(option: '--store' | '--map', where: string): Promise<Named> {
  const { file, wanted } = await split(where)
  if (!(await isFile(file))) throw new Error(`${option} ${file}: the file does not exist`)
  const jiti = createJiti(import.meta.url, {
    tsconfigPaths: true,
    fsCache: false,
    // To transform them takes longer than all that a command does.
    nativeModules: ['zod', 'immer', 'ministore-ts'],
  })
  try {
    const load = () => jiti.import<Record<string, unknown>>(resolve(file))
    const module = await whileLoading(`${option} ${file}`, () => inTime(load()))
    return { file, wanted, exported: Object.entries(module) }
  } catch (cause) {
    if (cause instanceof NeverLoaded) throw new Error(neverLoaded(`${option} ${file}`), { cause })
    throw new Error(`${option} ${file} cannot be loaded: ${reason(cause)}`, { cause })
  }
}

/** The module keeps the process alive, and does not come to its end. */
class NeverLoaded extends Error {}

async function inTime<T>(loading: Promise<T>): Promise<T> {
  const limit = Number(process.env['MINISTORE_LOAD_TIMEOUT'] || LOAD_TIMEOUT_MS)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    // If nothing else keeps the process alive, it ends before, with the same message.
    timer = setTimeout(() => reject(new NeverLoaded()), limit).unref()
  })
  return Promise.race([loading, late]).finally(() => clearTimeout(timer))
}

/** A path may have a `#` of its own. */
async function split(where: string): Promise<Pick<Named, 'file' | 'wanted'>> {
  const at = where.lastIndexOf('#')
  if (at === -1 || (await isFile(where))) return { file: where, wanted: undefined }
  return { file: where.slice(0, at), wanted: where.slice(at + 1) }
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

const OWN = fileURLToPath(new URL('../..', import.meta.url))

/** `/home/me/src/broker.ts:3:9` */
function placeIn(stack: string): string | undefined {
  const frames = stack.matchAll(/^ +at (?:.*\()?(?:file:\/\/)?(\/.*?:\d+:\d+)\)?$/gm)
  const places = [...frames].map(([, place = '']) => place)
  return places.find((place) => !place.includes('/node_modules/') && !place.startsWith(OWN))
}
