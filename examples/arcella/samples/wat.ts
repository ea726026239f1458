// WebAssembly as people write it, to bytes.
import wabt from 'wabt'

/** Throws where it is no `.wat`, and says where. */
export async function assemble(name: string, text: string): Promise<Uint8Array> {
  const module = (await wabt()).parseWat(name, text, { bulk_memory: true })
  try {
    return module.toBinary({}).buffer
  } finally {
    module.destroy()
  }
}
