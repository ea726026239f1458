// What the worker thread runs. It is a text, so that a bundler cannot lose its file, and it imports nothing of
// this package: it finds the definition in the user's module and uses its own `replay`.

/** Messages that the worker answers with. */
export type Answer =
  | { readonly kind: 'disk'; readonly digest: string; readonly records: number }
  | { readonly kind: 'problem'; readonly code: string; readonly message: string }
  | { readonly kind: 'module'; readonly message: string }
  | { readonly kind: 'next' }
  | { readonly kind: 'memory'; readonly digest: string }

/** What the worker is started with. */
export interface Assignment {
  readonly module: string
  readonly export: string | undefined
  readonly store: string
  readonly path: string
  readonly until: number
}

export const WORKER_CODE: string = `
const { parentPort, workerData } = require('node:worker_threads')
const { createHash } = require('node:crypto')
const { module, store, path, until } = workerData
const say = (message) => parentPort.postMessage(message)
const brand = Symbol.for('ministore.definition')
const textOf = (error) => {
  try { return String(error instanceof Error ? error.message : error) } catch { return typeof error }
}
const isMeant = ([name, value]) =>
  typeof value === 'object' && value !== null && brand in value &&
  (workerData.export === undefined ? value.name === store : name === workerData.export)

async function findDefinition() {
  const exported = Object.entries(await import(module))
  const [found] = exported.filter(isMeant)
  if (found) return found[1]
  const names = exported.map(([name]) => name).join(', ') || 'nothing'
  throw new Error('it does not export the definition of ' + JSON.stringify(store) + '; it exports ' + names)
}

async function run() {
  let definition
  try {
    definition = await findDefinition()
  } catch (error) {
    return say({ kind: 'module', message: textOf(error) })
  }
  try {
    const { digest, records } = await definition.replay(path, { until })
    say({ kind: 'disk', digest, records })
  } catch (error) {
    const code = typeof error?.code === 'string' ? error.code : 'unknown'
    return say({ kind: 'problem', code, message: textOf(error) })
  }
}

const hash = createHash('sha256')
parentPort.on('message', (chunk) => {
  if (chunk === null) return say({ kind: 'memory', digest: 'sha256:' + hash.digest('hex') })
  hash.update(chunk)
  say({ kind: 'next' })
})
run()
`
