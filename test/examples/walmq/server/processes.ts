// Processes of the command `walmq`, and their directories; gone when the test file is.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEveryFile } from '../../../endings.ts'
import { main } from './built.ts'

const children = new Set<ChildProcess>()
const directories: string[] = []
afterEveryFile(() => {
  for (const child of children) child.kill('SIGKILL')
  children.clear()
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true })
})

export function freshDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'walmq-'))
  directories.push(directory)
  return directory
}

export interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}
export interface Running {
  readonly child: ChildProcess
  /** The lines of its standard output, as they come. */
  readonly lines: AsyncIterator<string>
  readonly ended: Promise<Ended>
}

export function start(...args: string[]): Running {
  const env = { ...process.env, NO_COLOR: '1' }
  const child = spawn(process.execPath, [main(), ...args], { env })
  children.add(child)
  const printed = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      printed[stream] += text
    })
  }
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ended = once(child, 'close').then(([status]) => {
    children.delete(child)
    return { status, ...printed }
  })
  return { child, lines, ended }
}

/** Runs it to its end, with `input` as its standard input. */
export function walmq(args: readonly string[], input = ''): Promise<Ended> {
  const { child, ended } = start(...args)
  child.stdin?.end(input)
  return ended
}

export interface Listening {
  readonly socket: string
  readonly tcp?: { readonly host: string; readonly port: number }
}
export interface Server extends Listening {
  readonly pid: number
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
  /** SIGTERM. */
  stop(): Promise<Ended>
}

/** Resolves when it listens. */
export async function serve(directory: string, ...args: string[]): Promise<Server> {
  const { child, lines, ended } = start('serve', '--json', '--dir', directory, ...args)
  const { value } = await lines.next()
  if (value === undefined) throw new Error(`no server: ${(await ended).stderr}`)
  const { listening }: { listening: Listening } = JSON.parse(value)
  const end = (signal: 'SIGKILL' | 'SIGTERM') => {
    child.kill(signal)
    return ended
  }
  return {
    ...listening,
    pid: child.pid ?? 0,
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
  }
}
