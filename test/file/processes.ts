import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const ALIAS = {
  'ministore-ts/file': here('../../src/file/index.ts'),
  'ministore-ts': here('../../src/index.ts'),
}

export interface Child {
  readonly process: ChildProcess
  /** What it says next; undefined when it ended. */
  next(): Promise<Record<string, unknown> | undefined>
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>
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
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    process: child,
    async next() {
      const { done, value } = await lines.next()
      return done ? undefined : JSON.parse(value)
    },
    ended: once(child, 'close').then(([code, signal]) => code ?? signal),
  }
}
