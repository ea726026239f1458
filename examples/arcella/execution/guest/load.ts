// From a file to a module that can be run: compared with its digest, its memory limited, compiled.
import { type ModuleFile, readModule } from '../../modules/bytes.ts'
import { limitMemory, pagesOf } from '../../modules/memory.ts'

/** Throws ModuleError, WebAssembly.CompileError. */
export async function loadModule(file: ModuleFile, memoryMb: number): Promise<WebAssembly.Module> {
  return WebAssembly.compile(limitMemory(await readModule(file), pagesOf(memoryMb)))
}
