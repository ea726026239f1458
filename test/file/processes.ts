import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { onTestFinished } from 'vitest'
import { home } from '../cli/build.ts'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const ALIAS = {
  'ministore-ts/file': here('../../src/journals/file/index.ts'),
  'ministore-ts': here('../../src/index.ts'),
}

export interface Child extends Speaker {
  readonly process: ChildProcess
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>
}

export interface Thread extends Speaker {
  readonly worker: Worker
}

interface Speaker {
  /** What it says next; undefined when it ended. */
  next(): Promise<Record<string, unknown> | undefined>
}

interface StartOptions {
  /** Runs as this user. Only root may do that. */
  readonly user?: number
  /** Options of node. */
  readonly node?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
}

/** Starts child.ts; it is killed when the test ends at the latest. */
export function start(what: string, path: string, options: StartOptions = {}): Child {
  return startProgram('child.js', [what, path, `${options.user ?? ''}`], options)
}

/** Runs child.ts to its end, and returns what it said first. */
export async function run(
  what: string,
  path: string,
  options: StartOptions = {},
): Promise<Record<string, unknown>> {
  const child = start(what, path, options)
  const said = await child.next()
  await child.ended
  return said ?? {}
}

/** Starts contender.ts likewise. */
export function contend(path: string, rounds: number, options: StartOptions): Child {
  return startProgram('contender.js', [path, `${rounds}`], options)
}

function startProgram(name: string, args: readonly string[], options: StartOptions): Child {
  // As it was built: what is loaded once is not looked for again by somebody who may not see it.
  const program = join(home(), 'test/file', name)
  const child = spawn(process.execPath, [...(options.node ?? []), program, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...options.env },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  if (!child.stdout) throw new Error('a child without stdout')
  return {
    process: child,
    next: listen(child.stdout),
    ended: once(child, 'close').then(([code, signal]) => code ?? signal),
  }
}

/** Starts child.ts as a thread of this process; it is terminated when the test ends at the latest. */
export function startThread(what: string, path: string): Thread {
  const code = `
    const { createJiti } = await import(${JSON.stringify(import.meta.resolve('jiti'))})
    const file = ${JSON.stringify(here('child.ts'))}
    await createJiti(file, { alias: ${JSON.stringify(ALIAS)} }).import(file)`
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), {
    // Such a worker has no file's name before them.
    argv: ['child.ts', what, path],
    stdin: true,
    stdout: true,
  })
  onTestFinished(async () => void (await worker.terminate()))
  return { worker, next: listen(worker.stdout) }
}

function listen(output: Readable): Speaker['next'] {
  const lines = createInterface({ input: output })[Symbol.asyncIterator]()
  return async () => {
    const { done, value } = await lines.next()
    return done ? undefined : JSON.parse(value)
  }
}
