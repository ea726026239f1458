// The process, the host and its files.
import type { ImpureSource } from '../../mutation/spec.ts'
import type { Host, Traps } from './traps.ts'
import { running, type Watched } from './watch.ts'

export function trapPlaces(traps: Traps): void {
  const { global, process } = traps
  trapEnvironment(traps)
  /** Once real, and then the same for as long as the traps are set. */
  const known = new Map<string, unknown>()
  const answer = (watched: Watched, source: ImpureSource, name: string, read: () => unknown) => {
    const isVaried = watched.use(source, name)
    if (!known.has(name)) known.set(name, read())
    return altered(known.get(name), isVaried ? watched.variant : 0)
  }
  const call = (source: ImpureSource, host: unknown, prefix: string, names: string) =>
    traps.answer(host, names, (watched, name, real) =>
      answer(watched, source, `${prefix}${name}()`, real),
    )
  const get = (source: ImpureSource, host: unknown, prefix: string, names: string) =>
    traps.answerGet(host, names, (watched, name, real) =>
      answer(watched, source, `${prefix}${name}`, () => real),
    )
  call('environment', process, 'process.', 'cwd umask')
  get('environment', process, 'process.', 'argv argv0 execArgv execPath title')
  const ofProcess =
    'memoryUsage cpuUsage resourceUsage constrainedMemory availableMemory getActiveResourcesInfo getuid geteuid getgid getegid getgroups'
  call('host', process, 'process.', ofProcess)
  call('host', process?.['memoryUsage'], 'process.memoryUsage.', 'rss')
  get('host', process, 'process.', 'pid ppid platform arch version versions release')
  const ofSystem =
    'hostname userInfo cpus freemem totalmem loadavg networkInterfaces homedir tmpdir platform release version type machine arch availableParallelism'
  call('host', traps.builtin('os'), 'os.', ofSystem)
  call('clock', global['performance'], 'performance.', 'toJSON eventLoopUtilization')
  call('host', traps.builtin('v8'), 'v8.', 'getHeapStatistics getHeapSpaceStatistics')
  const navigator = global['navigator']
  get('locale', navigator, 'navigator.', 'language languages')
  get('host', navigator, 'navigator.', 'userAgent platform hardwareConcurrency onLine')
  trapFiles(traps)
}

/**
 * What another host would give: the same shape, other values. Copies, so that nothing real gets
 * into a state and is frozen there.
 */
function altered(value: unknown, variant: number): unknown {
  if (Array.isArray(value)) return value.map((each) => altered(each, variant))
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, each]) => [key, altered(each, variant)])
    return Object.fromEntries(entries)
  }
  if (variant === 0) return value
  if (typeof value === 'string') return `other${variant}-${value}`
  if (typeof value === 'number') return value + variant
  if (typeof value === 'bigint') return value + BigInt(variant)
  return typeof value === 'boolean' ? !value : value
}

/** What is set is not set elsewhere, and the other way round. */
function trapEnvironment(traps: Traps): void {
  const { process } = traps
  const env = process?.['env']
  if (!process || typeof env !== 'object' || env === null) return
  const isVaried = (watched: Watched, key: string | symbol) =>
    typeof key === 'string' && watched.use('environment', `process.env.${key}`)
  const value = new Proxy(env, {
    get(target, key) {
      const watched = running()
      const real: unknown = Reflect.get(target, key)
      if (!watched || !isVaried(watched, key)) return real
      // Code asks for this one value.
      if (key === 'NODE_ENV' && real !== 'production') return 'production'
      return real === undefined ? String(watched.variant) : undefined
    },
    // Through a proxy, Node would take it for the definition of a property.
    set: (target, key, next) => Reflect.set(target, key, next),
    has(target, key) {
      const watched = running()
      return Reflect.has(target, key) !== (watched !== undefined && isVaried(watched, key))
    },
    ownKeys(target) {
      const watched = running()
      const isOther = watched?.use('environment', 'process.env')
      return isOther ? [] : Reflect.ownKeys(target)
    },
  })
  traps.define(process, 'env', { value })
}

const READS =
  'readFileSync existsSync statSync lstatSync readdirSync readlinkSync accessSync realpathSync openSync readSync'

const MOST_ANSWERS = 100

/** Another host does not have these files, and cannot run these commands. */
function trapFiles(traps: Traps): void {
  const answers = new WeakMap<Watched, number>()
  for (const [module, names] of [
    ['fs', READS],
    ['child_process', 'execSync execFileSync spawnSync exec execFile spawn fork'],
  ] as const) {
    traps.answer(traps.builtin(module), names, (watched, name, real) => {
      if (!watched.use('files', `${module}.${name}()`)) return real()
      if (name === 'existsSync') {
        const asked = (answers.get(watched) ?? 0) + 1
        answers.set(watched, asked)
        // One that waits for a file gets it at last.
        return asked > MOST_ANSWERS ? real() : !real()
      }
      throw Object.assign(new Error('ENOENT: no such file or directory'), {
        code: 'ENOENT',
      } satisfies Host)
    })
  }
}
