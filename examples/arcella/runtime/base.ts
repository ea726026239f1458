// A base directory, as it is made at its first opening.
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { nodeFileSystem } from 'ministore-ts/file'
import { type Layout, layoutOf } from './layout.ts'

/** For its owner alone; durable when it resolves. */
export async function makeBase(base: string): Promise<Layout> {
  const layout = layoutOf(base)
  const { syncDir } = nodeFileSystem()
  for (const path of [dirname(layout.config), layout.cache, dirname(layout.log)]) {
    const first = await mkdir(path, { recursive: true, mode: 0o700 })
    if (first === undefined) continue
    for (let made = path; made.length >= first.length; made = dirname(made))
      await syncDir(dirname(made))
  }
  return layout
}
