// What a user's module, or a process that it starts, writes to file descriptor 1: it goes to standard error,
// because standard output has the report and nothing else.
type Code = (this: unknown, ...args: unknown[]) => unknown
type Host = Record<string, unknown>

const STDERR = 2
const PATHS = new Map<unknown, string>([
  ['/dev/stdout', '/dev/stderr'],
  ['/dev/fd/1', '/dev/fd/2'],
  ['/proc/self/fd/1', '/proc/self/fd/2'],
])

const WRITERS =
  'write writeSync writev writevSync writeFile writeFileSync appendFile appendFileSync'.split(' ')
const OPENERS = 'open openSync createWriteStream'.split(' ')

/** For good: call it once, after `process.stdout` was used, which writes by some of these functions. */
export function redirectForeignOutput(): void {
  const files = builtin('node:fs')
  const processes = builtin('node:child_process')
  const promises = files['promises'] as Host
  for (const name of WRITERS) {
    wrap(files, name, ([file, ...rest]) => [toStderr(file), ...rest])
    // A path, not a descriptor: they take no number.
    if (name in promises) wrap(promises, name, ([file, ...rest]) => [pathOf(file), ...rest])
  }
  for (const host of [files, promises]) {
    for (const name of OPENERS.filter((each) => each in host))
      wrap(host, name, ([path, ...rest]) => [pathOf(path), ...rest.map(withDescriptor)])
  }
  // Asynchronous ones all end there.
  const { prototype } = processes['ChildProcess'] as { prototype: Host }
  wrap(prototype, 'spawn', (args) => args.map(withOutput))
  for (const name of ['spawnSync', 'execSync', 'execFileSync']) {
    wrap(processes, name, (args) => args.map(withOutput))
  }
  // `import { spawn } from 'node:child_process'` gets what the module's object has now.
  const sync = builtin('node:module')['syncBuiltinESMExports'] as () => void
  sync()
}

/** The module's object itself, which can be changed. */
const builtin = (name: string): Host => process.getBuiltinModule(name) as unknown as Host

function wrap(host: Host, name: string, change: (args: unknown[]) => unknown[]): void {
  const real = host[name] as Code
  const wrapped: Code = function (...args) {
    return real.apply(this, change(args))
  }
  host[name] = Object.defineProperties(wrapped, Object.getOwnPropertyDescriptors(real))
}

const toStderr = (file: unknown): unknown => (file === 1 || PATHS.has(file) ? STDERR : file)

const pathOf = (path: unknown): unknown => PATHS.get(path) ?? path

/** `fs.createWriteStream(path, { fd: 1 })`. */
const withDescriptor = (options: unknown): unknown =>
  isObject(options) && options['fd'] === 1 ? { ...options, fd: STDERR } : options

/** The options of a child process that would write to this process's standard output. */
function withOutput(options: unknown): unknown {
  if (!isObject(options) || Array.isArray(options)) return options
  const { stdio } = options
  if (stdio === 'inherit') return { ...options, stdio: ['inherit', STDERR, STDERR] }
  if (!Array.isArray(stdio)) return options
  const isOurs = (each: unknown, index: number) =>
    each === 1 || each === process.stdout || (each === 'inherit' && index === 1)
  return { ...options, stdio: stdio.map((each, index) => (isOurs(each, index) ? STDERR : each)) }
}

const isObject = (value: unknown): value is Host => typeof value === 'object' && value !== null
