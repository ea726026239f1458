// What the worker thread runs. It is a text, so that a bundler cannot lose its file, and it imports nothing of
// this package: it finds the definition in the user's module and uses its own `replay`.

/** Messages that the worker answers with. */
export type Answer =
  | { readonly kind: 'disk'; readonly digest: string; readonly records: number }
  | { readonly kind: 'problem'; readonly code: string; readonly message: string }
  | { readonly kind: 'module'; readonly message: string }
  | { readonly kind: 'imported' }
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

// The messages go through a port of their own: the module may use `parentPort` itself. Nothing listens on
// the port while the module is imported, so that a module that waits without end ends the worker.
export const WORKER_CODE: string = `
const { workerData } = process.getBuiltinModule('node:worker_threads')
const { createHash } = process.getBuiltinModule('node:crypto')
const { module, store, path, until, port } = workerData
const say = (message) => port.postMessage(message)
const brand = Symbol.for('ministore.definition')
const textOf = (error) => {
  try { return String(error instanceof Error ? error.message : error) } catch { return typeof error }
}
const isDefinition = (value) => {
  try { return typeof value === 'object' && value !== null && brand in value } catch { return false }
}
const isMeant = ([name, value]) =>
  isDefinition(value) && (workerData.export === undefined ? value.name === store : name === workerData.export)

function exportsOf(namespace) {
  const all = namespace.default
  // A CommonJS module whose exports Node did not find in its text.
  const inner = typeof all === 'object' && all !== null && !isDefinition(all) ? all : {}
  return Object.entries({ ...inner, ...namespace })
}

async function findDefinition() {
  const exported = exportsOf(await import(module))
  const meant = exported.filter(isMeant)
  const found = new Set(meant.map(([, value]) => value))
  if (found.size === 1) return meant[0][1]
  const [what, listed] = found.size === 0
    ? ['it does not export the definition of ' + JSON.stringify(store) + '; it exports ', exported]
    : ['it exports several definitions of ' + JSON.stringify(store) + ', so name one with "export": ', meant]
  throw new Error(what + (listed.map(([name]) => name).join(', ') || 'nothing'))
}

async function run() {
  let definition
  try {
    definition = await findDefinition()
  } catch (error) {
    return say({ kind: 'module', message: textOf(error) })
  }
  say({ kind: 'imported' })
  try {
    const { digest, records } = await definition.replay(path, { until })
    say({ kind: 'disk', digest, records })
  } catch (error) {
    const code = typeof error?.code === 'string' ? error.code : 'unknown'
    say({ kind: 'problem', code, message: textOf(error) })
  }
  const hash = createHash('sha256')
  port.on('message', (chunk) => {
    if (chunk === null) return say({ kind: 'memory', digest: 'sha256:' + hash.digest('hex') })
    hash.update(chunk)
    say({ kind: 'next' })
  })
}

run()
`
