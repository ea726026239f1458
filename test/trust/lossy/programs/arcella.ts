// arcella's runtime under load, in its own process: it installs modules, updates and removes them, and deploys them.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openRuntime, type Runtime } from '../../../../examples/arcella/runtime/runtime.ts'
import { say, telling } from './said.ts'

const EMPTY_MODULE = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]

const [base = '', life = ''] = process.argv.slice(2)
/** Beside the base, so that the loop removes it too. */
const packages = `${base}.in`
mkdirSync(packages, { recursive: true })
const runtime = await openRuntime(base, {
  onStop: (error) => {
    throw error
  },
})
say('opened')
await Promise.all(['ann', 'ben'].map((client) => change(runtime, client)))

async function change(runtime: Runtime, client: string): Promise<void> {
  for (let number = 1; ; number++) {
    const name = `${client}-${life}-${number}`
    const version = '1.0.0'
    const module = { subject: `module ${name}@${version}` }
    const deployment = { subject: `deployment ${name}` }
    await telling({ ...module, value: 'there' }, () => runtime.install(pack(name, 0)))
    await telling({ ...deployment, value: '1' }, () => runtime.deploy(specify(name)))
    await telling({ ...deployment, value: '3' }, () => runtime.scale(name, 3))
    await telling({ ...module, value: 'there' }, () => runtime.update(pack(name, 1)))
    if (number % 2 === 0) continue
    await telling({ ...deployment, value: 'absent' }, () => runtime.undeploy(name))
    await telling({ ...module, value: 'absent' }, () => runtime.remove({ name, version }))
  }
}

/** A module in a file; its path. Another `content` is another module with the same id. */
function pack(name: string, content: number): string {
  const path = join(packages, `${name}.wasm`)
  writeFileSync(path, Uint8Array.from([...EMPTY_MODULE, 0, 2, 1, 97 + content]))
  writeFileSync(path.replace('.wasm', '.toml'), `[component]\nid = "${name}@1.0.0"\n`)
  return path
}

function specify(name: string): string {
  const path = join(packages, `${name}.deployment.toml`)
  writeFileSync(path, `[deployment]\nmodule_id = "${name}@1.0.0"\ngroup = "g"\n`)
  return path
}
