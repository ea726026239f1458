// A module as its author hands it over: `name.wasm`, and `name.toml` beside it with what it says of itself.
import { basename } from 'node:path'
import { type DeploymentSpec, specInput, templateInput } from '../registry/deployment.ts'
import { deploymentId } from '../registry/ids.ts'
import { manifestInput } from '../registry/manifest.ts'
import type { ModuleFacts } from '../registry/modules.ts'
import { describeIssues } from '../registry/refusals.ts'
import { MAX_TOML_BYTES, TomlDocument, TomlProblem } from '../toml/document.ts'
import { digestOf, MAX_WASM_BYTES, readLimited } from './bytes.ts'
import { ModuleError } from './errors.ts'
import { inspect } from './inspect.ts'

export interface Package {
  readonly bytes: Uint8Array
  readonly facts: ModuleFacts
}

/** Reads and checks all of it, and that it compiles. Throws ModuleError. */
export async function readPackage(path: string): Promise<Package> {
  if (!path.endsWith('.wasm'))
    throw new ModuleError('not_found', `${path} is no .wasm file`, { path })
  const document = await readToml(path.replace(/\.wasm$/, '.toml'))
  const { manifest, template } = refusing(document.file, () => ({
    manifest: document.read(manifestInput, ['component']),
    template: 'deployment' in document.value ? document.read(templateInput, ['deployment']) : null,
  }))
  assertOnly(document, ['component', 'deployment'])
  const bytes = await readLimited(path, MAX_WASM_BYTES)
  const { kind } = await inspect(bytes)
  const facts = { manifest, kind, sha256: digestOf(bytes), size: bytes.length, template }
  return { bytes, facts }
}

export interface DeploymentFile {
  readonly id: string
  readonly spec: DeploymentSpec
}

const SUFFIX = '.deployment.toml'

/** Of a file `<deployment id>.deployment.toml`. Throws ModuleError. */
export async function readDeployment(path: string): Promise<DeploymentFile> {
  const name = basename(path)
  if (!name.endsWith(SUFFIX))
    throw new ModuleError('invalid_toml', `${path} is not called <deployment id>${SUFFIX}`, {
      path,
    })
  const id = deploymentId.safeParse(name.slice(0, -SUFFIX.length))
  if (!id.success)
    throw new ModuleError('invalid_toml', `${path}: ${describeIssues(id.error.issues)}`, { path })
  const document = await readToml(path)
  const spec = refusing(path, () => document.read(specInput, ['deployment']))
  assertOnly(document, ['deployment'])
  return { id: id.data, spec }
}

async function readToml(path: string): Promise<TomlDocument> {
  const bytes = await readLimited(path, MAX_TOML_BYTES)
  return refusing(path, () => new TomlDocument(path, decode(bytes)))
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new Error('it is not UTF-8')
  }
}

function assertOnly(document: TomlDocument, tables: readonly string[]): void {
  const other = Object.keys(document.value).find((key) => !tables.includes(key))
  if (other === undefined) return
  refusing(document.file, () => {
    throw document.problem([other], `${other} does not belong here`)
  })
}

/** Runs it; what it throws becomes a ModuleError. */
function refusing<R>(path: string, run: () => R): R {
  try {
    return run()
  } catch (cause) {
    if (cause instanceof TomlProblem) {
      const { message, line, column, isSyntax } = cause
      const code = isSyntax ? 'broken_toml' : 'invalid_toml'
      throw new ModuleError(code, message, { path, line, column, cause })
    }
    const what = cause instanceof Error ? cause.message : String(cause)
    throw new ModuleError('broken_toml', `${path}: ${what}`, { path, cause })
  }
}
