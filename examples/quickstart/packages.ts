// The real input: this repository's own package-lock.json.
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Package } from './registry.ts'

const lockFile = z.object({
  packages: z.record(
    z.string(),
    z.object({
      name: z.string().optional(),
      version: z.string().optional(),
      license: z.string().optional(),
      dependencies: z.record(z.string(), z.string()).default({}),
    }),
  ),
})

/**
 * Every installed package. It says only what name and version determine: a package may be installed
 * in several places, and the same idempotency key must always come with the same payload.
 */
export function readPackages(): Package[] {
  const text = readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')
  const { packages } = lockFile.parse(JSON.parse(text))
  return Object.entries(packages).flatMap(([path, { name, version, license, dependencies }]) => {
    // `node_modules/a/node_modules/b` is b; a path without node_modules is this repository itself.
    const [, folder] = /.*node_modules\/(.+)$/.exec(path) ?? []
    if (folder === undefined || version === undefined) return []
    return [{ name: name ?? folder, version, license, dependencies: Object.keys(dependencies) }]
  })
}
