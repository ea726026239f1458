// The children, built once so that they start in a fraction of a second, and talked to.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Job, Said } from './children/bank.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Program {
  /** Starts it, loaded and waiting for its job; behind `wrapper`, a command that runs it. */
  start(wrapper?: readonly string[]): Child
  /** Removes what was built. */
  remove(): void
}

/** Compiles children/writer.ts with the sources that it imports, inside node_modules. */
export function buildWriter(): Program {
  const cache = join(root, 'node_modules/.cache')
  mkdirSync(cache, { recursive: true })
  const directory = mkdtempSync(join(cache, 'ministore-trust-'))
  const remove = () => rmSync(directory, { recursive: true, force: true })
  const write = (name: string, content: object) =>
    writeFileSync(join(directory, name), JSON.stringify(content))
  // By its own name, a package reaches its own exports: here, the sources as they are now.
  const exports = { '.': './src/index.js', './*': './src/*/index.js' }
  write('package.json', { name: 'ministore-ts', type: 'module', exports })
  write('tsconfig.json', {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      rootDir: root,
      outDir: directory,
      noEmit: false,
      noCheck: true,
      allowImportingTsExtensions: false,
      rewriteRelativeImportExtensions: true,
    },
    include: [],
    files: [join(root, 'test/trust/children/writer.ts')],
  })
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const built = spawnSync(process.execPath, [tsc, '-p', directory], { encoding: 'utf8' })
  if (built.status !== 0) {
    remove()
    throw new Error(`the children could not be built: ${built.stdout}${built.stderr}`)
  }
  const node = [process.execPath, join(directory, 'test/trust/children/writer.js')]
  return { start: (wrapper = []) => new Child([...wrapper, ...node]), remove }
}

export class Child {
  readonly said: Said[] = []
  /** Its exit code, or the signal that ended it. All that it said is in `said` by then. */
  readonly ended: Promise<number | string>
  /** What it wrote to its standard error. */
  complaint = ''
  readonly #process: ChildProcess
  readonly #watchers = new Set<() => void>()
  #hasEnded = false

  constructor([command = '', ...args]: readonly string[]) {
    const child = spawn(command, args, { stdio: 'pipe' })
    this.#process = child
    // Killed before it read its job: that is what killing is about.
    child.stdin.on('error', () => undefined)
    child.stderr.setEncoding('utf8').on('data', (chunk) => {
      this.complaint += chunk
    })
    let line = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      // A last line without its end was not said.
      const [first = '', ...lines] = chunk.split('\n')
      line += first
      for (const next of lines) {
        this.said.push(JSON.parse(line))
        line = next
      }
      this.#look()
    })
    this.ended = once(child, 'close').then(([code, signal]) => {
      this.#hasEnded = true
      this.#look()
      return signal ?? code
    })
  }

  give(job: Job): void {
    this.#process.stdin?.end(JSON.stringify(job))
  }

  kill(): void {
    this.#process.kill('SIGKILL')
  }

  /** Resolves once it has said enough, or ended. */
  saying(isEnough: (said: readonly Said[]) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const watcher = () => {
        if (!this.#hasEnded && !isEnough(this.said)) return
        this.#watchers.delete(watcher)
        resolve()
      }
      this.#watchers.add(watcher)
      watcher()
    })
  }

  #look(): void {
    for (const watcher of [...this.#watchers]) watcher()
  }
}
