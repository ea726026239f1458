// What a binary is: whether it compiles, and what it wants from its host.
import type { ModuleKind } from '../registry/state.ts'
import { sections } from './binary.ts'
import { ModuleError } from './errors.ts'

export interface Inspection {
  readonly kind: ModuleKind
  readonly imports: readonly WebAssembly.ModuleImportDescriptor[]
  readonly exports: readonly WebAssembly.ModuleExportDescriptor[]
}

/** What WASI preview 1 is imported from. */
export const WASI_MODULE = 'wasi_snapshot_preview1'

/** Throws ModuleError `broken_wasm`, `component_model`. */
export async function inspect(bytes: Uint8Array): Promise<Inspection> {
  // Of its beginning alone: a component is reported apart before anything is compiled.
  sections(bytes).next()
  const module = await WebAssembly.compile(bytes).catch((cause: Error) => {
    throw new ModuleError('broken_wasm', `WebAssembly does not compile: ${cause.message}`, {
      cause,
    })
  })
  const imports = WebAssembly.Module.imports(module)
  const kind = imports.some((each) => each.module === WASI_MODULE) ? 'wasi' : 'core'
  return { kind, imports, exports: WebAssembly.Module.exports(module) }
}
