// Why a module's files are refused. The registry's own refusals are Rejections.

export type ModuleErrorCode =
  | 'not_found' // no such file
  | 'too_large'
  | 'broken_wasm' // not WebAssembly, or cut off, or not valid
  | 'component_model' // a component, which Node does not run
  | 'broken_toml'
  | 'invalid_toml' // TOML, but not what belongs there
  | 'memory_limit' // it needs more memory than it is given
  | 'module_corrupt' // installed, and on the disk it is missing or not what was installed
  | 'storage' // the disk refused

export interface ModuleErrorPlace {
  readonly path?: string | undefined
  /** From 1. */
  readonly line?: number | undefined
  readonly column?: number | undefined
  readonly cause?: unknown
}

export class ModuleError extends Error {
  override readonly name = 'ModuleError'
  readonly code: ModuleErrorCode
  readonly path: string | undefined
  readonly line: number | undefined
  readonly column: number | undefined
  constructor(code: ModuleErrorCode, message: string, place: ModuleErrorPlace = {}) {
    super(message, place.cause === undefined ? {} : { cause: place.cause })
    this.code = code
    this.path = place.path
    this.line = place.line
    this.column = place.column
  }
}
