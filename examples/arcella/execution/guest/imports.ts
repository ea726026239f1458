// What a module may import. Everything else is refused, by name, before any of it runs.
import type { Buffer } from 'node:buffer'
import { type Grants, NotGranted, PUBLISH } from '../grants.ts'
import type { Limits } from '../types.ts'
import type { GuestMemory } from './memory.ts'
import type { Output } from './output.ts'
import { Rate } from './rate.ts'
import type { Wasi } from './wasi.ts'

const WASI_MODULE = 'wasi_snapshot_preview1'
const HOST_MODULE = 'arcella'
/** The packages of WASI that each function of preview 1 belongs to; any of them is enough. */
const PACKAGES: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^(args|environ|proc)_/, ['wasi:cli']],
  // Standard output is a file, too.
  [/^fd_/, ['wasi:cli', 'wasi:filesystem']],
  [/^path_/, ['wasi:filesystem']],
  [/^clock_/, ['wasi:clocks']],
  [/^random_/, ['wasi:random']],
  [/^(poll|sched)_/, ['wasi:io', 'wasi:clocks']],
  // They do nothing; programs that were linked with a network library import them anyway.
  [/^sock_/, ['wasi:cli', 'wasi:sockets']],
]

export interface HostImports {
  readonly grants: Grants
  readonly limits: Limits
  readonly output: Output
  memory(): GuestMemory
  publish(body: Buffer): void
}

/** Throws NotGranted, which names the first import that is not granted. */
export function link(
  module: WebAssembly.Module,
  host: HostImports,
  openWasi: () => Wasi,
): { imports: WebAssembly.Imports; wasi: Wasi | undefined } {
  const wanted = WebAssembly.Module.imports(module)
  const wasi = wanted.some((each) => each.module === WASI_MODULE) ? openWasi() : undefined
  const offered: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
    [HOST_MODULE]: hostFunctions(host),
    [WASI_MODULE]: wasi?.imports ?? {},
  }
  const imports: Record<string, Record<string, unknown>> = {}
  for (const { module: from, name, kind } of wanted) {
    const title = `${from}.${name}`
    const functions = Object.hasOwn(offered, from) ? offered[from] : undefined
    if (functions === undefined || !Object.hasOwn(functions, name) || kind !== 'function')
      throw new NotGranted(`it imports ${title}, a ${kind}, which does not exist here`)
    const missing = missingFor(from, name, host.grants)
    if (missing !== undefined)
      throw new NotGranted(`it imports ${title}, and its manifest does not declare ${missing}`)
    imports[from] = { ...imports[from], [name]: functions[name] }
  }
  return { imports, wasi }
}

function missingFor(from: string, name: string, { wasi, publish }: Grants): string | undefined {
  if (from === HOST_MODULE)
    return name === 'publish' && !publish ? `the network ${PUBLISH}` : undefined
  const [, packages = []] = PACKAGES.find(([pattern]) => pattern.test(name)) ?? []
  return packages.some((each) => wasi.includes(each)) ? undefined : packages.join(' or ')
}

function hostFunctions({ limits, output, memory, publish }: HostImports): Record<string, unknown> {
  const rate = new Rate(limits.publishesPerSecond)
  return {
    /** (pointer, length), UTF-8. */
    log(pointer: unknown, length: unknown): void {
      output.log(memory().read(pointer, length))
    },
    /** Milliseconds since 1970, as i64. */
    now: (): bigint => BigInt(Date.now()),
    /** (pointer, length) → 0: it was handed over, and nothing more is reported; 1: too large; 2: too many in a second. */
    publish(pointer: unknown, length: unknown): number {
      const body = memory().read(pointer, length)
      if (body.length > limits.publishBytes) return 1
      if (!rate.take()) return 2
      publish(body)
      return 0
    },
  }
}
