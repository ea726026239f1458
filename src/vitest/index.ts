// The matcher `toReplay`: `import 'ministore-ts/vitest'`, once, adds it to vitest's expect.
import { expect } from 'vitest'
import type { AnyStoreDefinition, Journal } from '../index.ts'
import { definitionBrand } from '../mutation/brand.ts'
import { errorsOf } from '../testing/findings.ts'

type CheckOptions = Parameters<AnyStoreDefinition['replayCheck']>[1]

declare global {
  // vitest 5 gave its Matchers other type parameters than 3 and 4: no declaration fits them all. What
  // all three make their assertions of is this one.
  namespace Chai {
    interface Assertion {
      /**
       * `await expect(definition).toReplay(journal)`: its replay check finds no error. `journal`: a
       * path, a file URL or a Journal. Options as those of `definition.replayCheck`.
       */
      toReplay(journal: string | URL | Journal, options?: CheckOptions): Promise<void>
    }
  }
}

expect.extend({
  async toReplay(received: unknown, journal: string | URL | Journal, options?: CheckOptions) {
    if (!isDefinition(received)) {
      throw new TypeError('expect(…).toReplay(journal): expect takes what defineStore returned')
    }
    const source = journal instanceof URL ? await pathOf(journal) : journal
    const report = await received.replayCheck(source, options)
    const { ok, journal: name, records } = report
    const what = `${received.name} to replay ${name}`
    return {
      pass: ok,
      message: () =>
        ok
          ? `expected ${what} with errors, and it has none in ${records} records`
          : `expected ${what}:\n\n${errorsOf(report)}\n`,
    }
  },
})

/** By its brand: it may be of another copy of this package. */
const isDefinition = (received: unknown): received is AnyStoreDefinition =>
  typeof received === 'object' && received !== null && definitionBrand in received

async function pathOf(url: URL): Promise<string> {
  // Not needed in vitest's browser mode, and not there.
  const { fileURLToPath } = await import('node:url')
  return fileURLToPath(url)
}
