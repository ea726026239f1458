import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { onTestFinished } from 'vitest'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const ALIAS = {
  'ministore-ts/file': here('../../src/file/index.ts'),
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

/**
 * Starts child.ts, from the sources and as another user where one is given (only root may); it is
 * killed when the test ends at the latest.
 */
export function start(what: string, path: string, user?: number): Child {
  const child = spawn(
    process.execPath,
    [
      '--import',
      import.meta.resolve('jiti/register'),
      here('child.ts'),
      what,
      path,
      `${user ?? ''}`,
    ],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, JITI_ALIAS: JSON.stringify(ALIAS) },
    },
  )
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
