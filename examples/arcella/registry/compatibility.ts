// What a deployment asks for, and Node cannot give. It is told at deploy; it is not a reason to refuse.
import type { Immutable } from 'ministore-ts'
import type { FullDeployment } from './deployment.ts'
import type { InstalledModule } from './state.ts'

export interface CompatibilityWarning {
  /** The field that it is about. */
  readonly field: string
  readonly message: string
}

export function compatibilityWarnings(
  { manifest, kind }: Immutable<Pick<InstalledModule, 'manifest' | 'kind'>>,
  full: Immutable<FullDeployment>,
): CompatibilityWarning[] {
  const { wasi, network, filesystem, environment, ...needs } = manifest.capabilities
  const { isolation, resources } = full
  const unknownWasi = wasi.filter((name) => !PREVIEW_1.has(withoutVersion(name)))
  const linked = [...Object.keys(manifest.imports)].filter((name) => !name.startsWith('wasi:'))
  // What the host itself gives is not a network.
  const outside = network.filter((name) => !name.startsWith('arcella:'))
  const files = [...filesystem, ...environment]
  const { allowed_syscalls } = needs.security
  const cpuShares = resources.cpu_shares ?? needs.resources.cpu_shares
  const all: (readonly [applies: boolean, field: string, message: string])[] = [
    [
      resources.fuel !== undefined,
      'resources.fuel',
      'Node has no fuel: a time limit for each call stands in for it',
    ],
    [
      cpuShares !== undefined,
      'resources.cpu_shares',
      'Node has no CPU shares: all replicas compete as the system has it',
    ],
    [
      allowed_syscalls.length > 0,
      'security.allowed_syscalls',
      'Node filters no system calls: the list has no effect',
    ],
    [
      outside.length > 0,
      'capabilities.network',
      `WASI preview 1 has no sockets: the module does not get ${listed(outside)}`,
    ],
    [
      unknownWasi.length > 0,
      'capabilities.wasi',
      `Node has WASI preview 1 only: ${listed(unknownWasi)} is not there`,
    ],
    [
      linked.length > 0,
      'imports',
      `Node has no component model: ${listed(linked)} is linked to nothing`,
    ],
    [
      kind === 'core' && files.length > 0,
      'capabilities',
      'the module does not import WASI: it sees no files and no environment',
    ],
    [
      kind === 'wasi',
      'sandbox',
      'node:wasi is no full sandbox: run only modules whose author you trust with your files',
    ],
    [
      isolation === 'main',
      'isolation',
      'the module runs inside the daemon: nothing can stop a call of it that does not return',
    ],
  ]
  return all.filter(([applies]) => applies).map(([, field, message]) => ({ field, message }))
}

/** What preview 2 calls that which preview 1 has, too. */
const PREVIEW_1: ReadonlySet<string> = new Set(
  [
    ...['cli', 'cli/environment', 'cli/exit', 'cli/run', 'cli/stdin', 'cli/stdout', 'cli/stderr'],
    ...['cli/stdio', 'clocks', 'clocks/monotonic-clock', 'clocks/wall-clock', 'filesystem'],
    ...['filesystem/preopens', 'filesystem/types', 'random', 'random/random', 'io', 'io/streams'],
  ].map((name) => `wasi:${name}`),
)

const withoutVersion = (name: string): string => name.replace(/@.*$/, '')

const listed = (names: readonly string[]): string =>
  names.length > 3
    ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`
    : names.join(', ')
