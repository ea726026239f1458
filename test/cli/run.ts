// The command as a user has it, built from the sources, and journals to give to it.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { onTestFinished } from 'vitest'
import { header, note } from '../format/forge.ts'
import { home, main } from './build.ts'

const command = (flags: readonly string[], args: readonly string[]) => [...flags, main(), ...args]
const environment = () => ({ ...process.env, NO_COLOR: '1' })

export interface Ran {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export const ministore = (...args: string[]): Ran => ministoreWith([], ...args)

/** Several at the same time, since most of it is starting. */
export const ministores = (...all: string[][]): Promise<Ran[]> =>
  Promise.all(
    all.map(async (args) => {
      const { stdout, ended } = start(...args)
      let printed = ''
      for await (const text of stdout.setEncoding('utf8')) printed += text
      return { ...(await ended), stdout: printed }
    }),
  )

/** With flags for Node. */
export function ministoreWith(flags: readonly string[], ...args: string[]): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, command(flags, args), {
    cwd: home(),
    encoding: 'utf8',
    env: environment(),
    maxBuffer: 2 ** 28,
  })
  return { status, stdout, stderr }
}

/** In a shell: `"$@"` is the command. */
export function inShell(script: string, ...args: string[]): Ran {
  const { status, stdout, stderr } = spawnSync(
    'bash',
    ['-c', script, 'bash', process.execPath, ...command([], args)],
    { cwd: home(), encoding: 'utf8', env: environment() },
  )
  return { status, stdout, stderr }
}

export interface Running {
  readonly process: ChildProcess
  readonly stdout: Readable
  /** The next line of its standard output; undefined when it ended. */
  next(): Promise<string | undefined>
  /** What it said on standard error, and its exit code. */
  readonly ended: Promise<{ readonly status: number | null; readonly stderr: string }>
}

/** Killed when the test ends at the latest. */
export function start(...args: string[]): Running {
  const child = spawn(process.execPath, command([], args), {
    cwd: home(),
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  let lines: AsyncIterator<string> | undefined
  return {
    process: child,
    stdout: child.stdout,
    async next() {
      lines ??= createInterface({ input: child.stdout })[Symbol.asyncIterator]()
      const { done, value } = await lines.next()
      return done ? undefined : value
    },
    ended: once(child, 'close').then(([status]) => ({ status, stderr })),
  }
}

/** A journal of that many notes, some 150 bytes each. */
export function writeLarge(path: string, count: number): void {
  const file = openSync(path, 'w')
  writeSync(file, header())
  for (let seq = 1; seq <= count; seq += 1000) {
    const notes = Array.from({ length: Math.min(1000, count - seq + 1) }, (_, index) =>
      note(seq + index, `note ${seq + index} ${'x'.repeat(60)}`),
    )
    writeSync(file, Buffer.concat(notes))
  }
  closeSync(file)
}
