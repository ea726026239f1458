// The inputs that fuzzing keeps, named after their content.
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const directory = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** In the order of their names, so that the same seed does the same. */
export function corpus(): { readonly name: string; readonly bytes: Buffer }[] {
  const names = readdirSync(directory('corpus')).sort()
  return names.map((name) => ({ name, bytes: readFileSync(join(directory('corpus'), name)) }))
}

/** Its path. */
export function keep(bytes: Buffer, into: 'corpus' | 'failing' = 'corpus'): string {
  const name = createHash('sha256').update(bytes).digest('hex').slice(0, 16)
  mkdirSync(directory(into), { recursive: true })
  const path = join(directory(into), `${name}.journal`)
  writeFileSync(path, bytes)
  return path
}
