// Processes of the command `arcella`, their base directories, and modules for them. When a test file is through,
// nothing of them runs any more, and every registry replays.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { type Client, connect } from '../../../examples/arcella/control/client.ts'
import type { Answer } from '../../../examples/arcella/control/protocol.ts'
import { registry } from '../../../examples/arcella/registry/definition.ts'
import { layoutOf } from '../../../examples/arcella/runtime/layout.ts'
import type { InstanceView } from '../../../examples/arcella/runtime/views.ts'
import { assemble } from '../../../examples/arcella/samples/wat.ts'
import { afterEveryFile } from '../../endings.ts'
import { built } from '../built.ts'
import { WAT } from './execution/wat.ts'

const POLL_MS = 25
const children = new Set<ChildProcess>()
const bases: string[] = []

afterEveryFile(async () => {
  const running = [...children].map((child) => once(child, 'close'))
  for (const child of children) child.kill('SIGKILL')
  await Promise.all(running)
  for (const base of bases.splice(0)) {
    await until(() => groupProcesses(base).length === 0)
    const { registry: journal, modules } = layoutOf(base)
    if (existsSync(journal)) {
      const report = await registry.replayCheck(journal)
      expect(report.findings.filter(({ rule }) => rule !== 'torn_write')).toEqual([])
      expect(existsSync(modules)).toBe(true)
    }
    rmSync(base, { recursive: true })
  }
})

/** With `arcella.toml`, where one is given. */
export function newBase(config?: string): string {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'arcella-')))
  bases.push(base)
  mkdirSync(join(base, 'in'))
  mkdirSync(join(base, 'config'))
  if (config !== undefined) writeFileSync(layoutOf(base).config, config)
  return base
}

export interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

function run(args: readonly string[]) {
  const main = join(built('arcella'), 'cli/main.js')
  const env = { ...process.env, NO_COLOR: '1', ARCELLA_DIR: '', SECRET_OF_THE_DAEMON: 'secret' }
  const child = spawn(process.execPath, [main, ...args], { env })
  children.add(child)
  const printed = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      printed[stream] += text
    })
  const ended: Promise<Ended> = once(child, 'close').then(([status]) => {
    children.delete(child)
    return { status, ...printed }
  })
  return { child, ended }
}

/** Runs it to its end, with `input` as its standard input. */
export function arcella(args: readonly string[], input = ''): Promise<Ended> {
  const { child, ended } = run(args)
  child.stdin.end(input)
  return ended
}

export class Daemon {
  readonly base: string
  readonly pid: number
  readonly client: Client
  readonly #child: ChildProcess
  readonly ended: Promise<Ended>

  constructor(base: string, child: ChildProcess, ended: Promise<Ended>, client: Client) {
    this.base = base
    this.#child = child
    this.pid = child.pid ?? 0
    this.ended = ended
    this.client = client
  }

  ask(cmd: string, args?: object): Promise<Answer> {
    return this.client.request(cmd, args)
  }

  /** The data of an answer that must be a yes. */
  async done<R = unknown>(cmd: string, args?: object): Promise<R> {
    const answer = await this.ask(cmd, args)
    if (!answer.success) throw new Error(`${cmd} ${JSON.stringify(args)}: ${answer.message}`)
    return answer.data as R
  }

  instances(deployment_id?: string): Promise<InstanceView[]> {
    return this.done('instance:list', { deployment_id })
  }

  async lines(source: string): Promise<string[]> {
    const { lines } = await this.done<{ lines: string[] }>('log:tail', { n: 10_000 })
    const mark = ` ${source}: `
    return lines.flatMap((line) => line.split(mark)[1] ?? []).reverse()
  }

  /** Until that many of it run, and nothing else. */
  async running(deployment: string, count: number): Promise<InstanceView[]> {
    let last: InstanceView[] = []
    await until(
      async () => {
        last = await this.instances(deployment)
        return last.length === count && last.every(({ state }) => state === 'running')
      },
      () => JSON.stringify(last),
    )
    return last
  }

  async instance(id: string, isSo: (instance: InstanceView) => boolean): Promise<InstanceView> {
    let found: InstanceView | undefined
    const deployment = id.slice(0, id.lastIndexOf('.'))
    await until(
      async () => {
        found = (await this.instances(deployment)).find(({ instance_id }) => instance_id === id)
        return found !== undefined && isSo(found)
      },
      () => JSON.stringify(found),
    )
    if (!found) throw new Error(`no ${id}`)
    return found
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
    this.client.close()
  }

  /** SIGTERM. */
  async stop(): Promise<Ended> {
    this.#child.kill('SIGTERM')
    const ended = await this.ended
    this.client.close()
    return ended
  }
}

/** Resolves when it answers. */
export async function daemon(base: string): Promise<Daemon> {
  const { child, ended } = run(['daemon', '--dir', base])
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  if ((await lines.next()).value === undefined)
    throw new Error(`no daemon: ${(await ended).stderr}`)
  return new Daemon(base, child, ended, await connect(layoutOf(base).socket))
}

/** Killed after so many milliseconds, at whatever its opening is. */
export async function killedAtOpening(base: string, ms: number): Promise<void> {
  const { child, ended } = run(['daemon', '--dir', base])
  await sleep(ms)
  child.kill('SIGKILL')
  await ended
}

/** As long as it takes on a busy machine. */
export async function until(
  isSo: () => boolean | Promise<boolean>,
  told: () => string = () => '',
): Promise<void> {
  for (let waited = 0; !(await isSo()); waited += POLL_MS) {
    if (waited > 10_000) throw new Error(`it never is so: ${isSo} ${told()}`)
    await sleep(POLL_MS)
  }
}

export const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** A group that only this base has: what runs in it is found on the whole machine. */
export const groupIn = (base: string, name = 'g'): string => `${basename(base)}-${name}`

/** Process ids of all groups of the base, by whomever they were started. Only where there is a /proc. */
export function groupProcesses(base: string): number[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
        return words.some((word) => word.startsWith(`${basename(base)}-`))
      } catch {
        return false
      }
    })
    .map(Number)
}

export interface Packed {
  readonly wasm: string
  readonly deployment: string
}

/** A module of the tests in `in/`; the path of its file. `table`: more lines of its manifest. */
export async function pack(
  base: string,
  name: keyof typeof WAT | Uint8Array,
  id: string,
  table = '',
): Promise<string> {
  const bytes = typeof name === 'string' ? await assemble(name, WAT[name]) : name
  const path = join(base, 'in', `${id.replace('@', '-')}.wasm`)
  writeFileSync(path, bytes)
  writeFileSync(path.replace('.wasm', '.toml'), `[component]\nid = "${id}"\n${table}`)
  return path
}

/** A file of a deployment in `in/`; its path. */
export function spec(
  base: string,
  id: string,
  module: string,
  { replicas = 1, group = groupIn(base), more = '' } = {},
): string {
  const path = join(base, 'in', `${id}.deployment.toml`)
  const table = `[deployment]\nmodule_id = "${module}"\ngroup = "${group}"\nreplicas = ${replicas}\n`
  writeFileSync(path, `${table}${more}`)
  return path
}

/** Of a service of the tests, in a manifest. */
export const SERVICE = `
[deployment.startup]
entrypoint = "begin"
shutdown = "shutdown"
timeout_seconds = 2
`

/** Installed, deployed and started. */
export async function start(
  daemon: Daemon,
  id: string,
  name: keyof typeof WAT,
  {
    table = '',
    ...rest
  }: { table?: string; replicas?: number; group?: string; more?: string } = {},
): Promise<void> {
  const { base } = daemon
  const module = `${id}@1.0.0`
  await daemon.done('module:install', { path: await pack(base, name, module, table) })
  await daemon.done('module:deploy', { file: spec(base, id, module, rest) })
  await daemon.done('module:start', { deployment_id: id })
}

/** The directories of modules are those that the registry knows; nothing is left of what was interrupted. */
export async function expectNoRemains({ base, ...rest }: Daemon): Promise<void> {
  const modules: { module_id: { name: string; version: string }; sha256: string }[] = (
    await rest.client.request('module:list')
  ).data as never
  const known = modules.map(
    ({ module_id: { name, version }, sha256 }) => `${name}@${version}-${sha256}`,
  )
  expect(readdirSync(layoutOf(base).modules).sort()).toEqual(known.sort())
}
