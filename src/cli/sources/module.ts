// A user's module, in TypeScript or JavaScript, on every supported Node: what `--store` and `--map` name.
import { stat } from 'node:fs/promises'
import { relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createJiti } from 'jiti'

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
    const module = await jiti.import<Record<string, unknown>>(resolve(file))
    return { file, wanted, exported: Object.entries(module) }
  } catch (cause) {
    throw new Error(`${option} ${file} cannot be loaded: ${reason(cause)}`, { cause })
  }
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
