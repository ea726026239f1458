// The campaigns that take minutes: what test:long runs with fixed seeds, and soak with new ones.
import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { root } from './bundle.ts'

export interface Part {
  readonly name: string
  /** A command of `node`, for this seed. Chaos has none: its faults strike in a fixed order, at any moment. */
  argv(seed: number): readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** It has no seed to vary, so soak leaves it out. */
  readonly once?: true
  /** It fails if it takes longer. */
  readonly timeoutSeconds: number
}

const script = (path: string, ...more: string[]) => ['--import', 'jiti/register', path, ...more]
const torture = (options: Record<string, string>, seed: number) => {
  const none = { trials: '0', kills: '0', lossy: '0', seed: String(seed) }
  const flags = Object.entries({ ...none, ...options }).flatMap(([name, value]) => [
    `--${name}`,
    ...(value === '' ? [] : [value]),
  ])
  return script('test/trust/torture.ts', '--json', ...flags)
}
const chaos = (engine: string) =>
  script(
    'test/engines/chaos/main.ts',
    ...`--engine ${engine} --seconds 120 --format json`.split(' '),
  )
const vitest = (...files: string[]) => ['node_modules/vitest/vitest.mjs', 'run', ...files]

export const PARTS: readonly Part[] = [
  {
    name: 'trials on a simulated disk',
    argv: (seed) => torture({ trials: '6000' }, seed),
    timeoutSeconds: 600,
  },
  {
    name: 'every crash of small programs',
    argv: (seed) => torture({ exhaustive: '' }, seed),
    timeoutSeconds: 600,
  },
  {
    name: 'kill -9',
    argv: (seed) => torture({ kills: '300' }, seed),
    timeoutSeconds: 600,
  },
  {
    name: 'kill -9 that loses what was not synced',
    argv: (seed) => torture({ lossy: '300' }, seed),
    timeoutSeconds: 600,
  },
  {
    name: 'tests that npm test shortens',
    argv: () =>
      vitest(
        'test/trust/campaign.test.ts',
        'test/trust/exhaustive',
        'test/trust/kill-sweep.test.ts',
        'test/trust/lossy',
        'test/trust/out-of-memory.test.ts',
        'test/trust/real-faults.test.ts',
        'test/types/versions.test.ts',
      ),
    env: { MINISTORE_LONG: '1' },
    timeoutSeconds: 600,
  },
  {
    name: 'kill -9 of walmq',
    argv: () => vitest('test/examples/walmq/server/kill.test.ts'),
    env: { WALMQ_KILLS: '40' },
    timeoutSeconds: 300,
  },
  {
    name: 'kill -9 of arcella',
    argv: () => vitest('test/examples/arcella/runtime/kill.test.ts'),
    env: { ARCELLA_KILLS: '10' },
    timeoutSeconds: 300,
  },
  {
    name: 'fuzzing of the format',
    argv: (seed) => script('test/trust/fuzz/fuzz.ts', '--seconds', '60', '--seed', String(seed)),
    timeoutSeconds: 180,
  },
  {
    name: 'random programs that use all of Immer',
    argv: (seed) => script('test/replay/campaign.ts', '--count', '1500', '--seed', String(seed)),
    timeoutSeconds: 300,
  },
  {
    name: 'linearizability of simulated histories',
    argv: () => vitest('test/linearizability/shared-store.test.ts'),
    env: { LINEARIZABILITY_RUNS: '600' },
    timeoutSeconds: 300,
  },
  { name: 'chaos of PostgreSQL', argv: () => chaos('postgres'), timeoutSeconds: 420 },
  { name: 'chaos of NATS', argv: () => chaos('nats'), timeoutSeconds: 420 },
  { name: 'chaos of SQLite', argv: () => chaos('sqlite'), timeoutSeconds: 420 },
  {
    name: 'the site: built, and searched in Chromium',
    argv: () => script('test/docs/built-site.ts', '--build'),
    once: true,
    timeoutSeconds: 420,
  },
]

export interface Ran {
  /** Why it failed; undefined if it did not. */
  readonly failure: string | undefined
  readonly seconds: number
  /** What it printed. */
  readonly output: string
}

/** Never rejects. Prints that it goes on, once a minute. */
export async function runPart(part: Part, seed: number): Promise<Ran> {
  const start = Date.now()
  const seconds = () => Math.round((Date.now() - start) / 1000)
  // In a process group of its own, so that a time-out ends all that it started.
  const child = spawn(process.execPath, part.argv(seed), {
    cwd: root,
    env: { ...process.env, JITI_TSCONFIG_PATHS: 'true', NO_COLOR: '1', ...part.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let output = ''
  let complaint = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    complaint += text
  })
  const beat = setInterval(() => console.log(`  ${part.name}: ${seconds()} s`), 60_000)
  const killGroup = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // All of it has ended.
    }
  }
  process.once('exit', killGroup)
  const ended = new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(String(error)))
    child.once('close', (code, signal) =>
      resolve(code === 0 ? undefined : `it ended with ${code ?? signal}`),
    )
  })
  const late = new AbortController()
  const timeout = sleep(part.timeoutSeconds * 1000, undefined, { signal: late.signal }).then(
    () => `it took longer than ${part.timeoutSeconds} s`,
    () => undefined,
  )
  const failure = await Promise.race([ended, timeout])
  killGroup()
  late.abort()
  clearInterval(beat)
  process.off('exit', killGroup)
  return {
    failure: failure && `${failure}\n${complaint.slice(-4000)}${output.slice(-4000)}`,
    seconds: seconds(),
    output,
  }
}
