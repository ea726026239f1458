// A daemon that is killed again and again while several clients change what should run; and what it answered, to be
// compared with what is there after each start.
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, connect } from '../../../../examples/arcella/control/client.ts'
import { layoutOf } from '../../../../examples/arcella/runtime/layout.ts'
import type { DeploymentView, ModuleView } from '../../../../examples/arcella/runtime/views.ts'
import {
  type Daemon,
  daemon,
  expectNoRemains,
  groupIn,
  groupProcesses,
  killedAtOpening,
  newBase,
  pack,
  SERVICE,
  spec,
  start,
  until,
} from '../daemons.ts'

const CLIENTS = ['ann', 'ben', 'cem']

/** Of one client: its modules, by name, and its deployments, by id. */
interface Model {
  readonly modules: readonly string[]
  readonly deployments: Readonly<
    Record<string, { readonly replicas: number; readonly isOn: boolean }>
  >
}
interface Operation {
  readonly cmd: string
  readonly args: object
  readonly after: Model
}

export interface Outcome {
  readonly answered: number
  /** Asked, and not answered: how many of them had been done. */
  readonly unanswered: { readonly done: number; readonly undone: number }
  /** What was not as it had to be. */
  readonly wrong: readonly string[]
  /** Processes of the groups that a killed daemon left for longer than a moment. */
  readonly orphans: readonly number[]
  /** How often the command that had ended before the first kill has printed. */
  readonly printed: number
}

export async function killLoop(rounds: number): Promise<Outcome> {
  const base = newBase('[log]\nmax_bytes = 10000000\n')
  const workers = await Promise.all(CLIENTS.map((name) => Worker.make(base, name)))
  const wrong: string[] = []
  const orphans: number[] = []
  await begin(base)
  for (let round = 0; round < rounds; round += 1) {
    const running = await daemon(base)
    wrong.push(...(await check(running, workers)))
    const clients = await Promise.all(workers.map(() => connect(layoutOf(base).socket)))
    const before = workers.map(({ answered }) => answered)
    const work = workers.map((worker, n) => worker.work(clients[n]))
    // Under way, all of them; then at any moment.
    await until(() => workers.every(({ answered }, n) => answered > (before[n] ?? 0) + 1))
    const [group] = groupProcesses(base)
    if (group !== undefined && round % 3 === 0) process.kill(group, 'SIGKILL')
    await sleep(Math.random() * 40)
    const left = groupProcesses(base)
    await running.kill()
    await Promise.all(work)
    await until(() => groupProcesses(base).length === 0).catch(() => orphans.push(...left))
    if (round % 2 === 1) await killedAtOpening(base, 60 + Math.random() * 200)
  }
  const last = await daemon(base)
  wrong.push(...(await check(last, workers)))
  const { status, stderr } = await last.stop()
  // All of it: what can be asked for are the last lines only.
  const log = readFileSync(layoutOf(base).log, 'utf8').split('\n')
  const printed = log.filter((line) => line.endsWith(' once.0: hello, world')).length
  if (status !== 0 || stderr !== '') wrong.push(`the daemon stopped with ${status}: ${stderr}`)
  const sum = (of: (worker: Worker) => number) => workers.reduce((all, each) => all + of(each), 0)
  const unanswered = { done: sum(({ done }) => done), undone: sum(({ undone }) => undone) }
  return { answered: sum(({ answered }) => answered), unanswered, wrong, orphans, printed }
}

/** A command that ends before anything is killed. */
async function begin(base: string): Promise<void> {
  const first = await daemon(base)
  await start(first, 'once', 'hello', { table: '[component.capabilities]\nwasi = ["wasi:cli"]\n' })
  await first.instance('once.0', ({ state }) => state === 'exited')
  await first.kill()
}

/** Whether all that was answered is there, exactly what should run does, and nothing is left of anything else. */
async function check(running: Daemon, workers: readonly Worker[]): Promise<string[]> {
  const wrong: string[] = []
  const modules = await running.done<ModuleView[]>('module:list')
  const deployments = await running.done<DeploymentView[]>('deployment:list')
  for (const worker of workers) {
    const problem = worker.compare(modules, deployments)
    if (problem) wrong.push(problem)
    const again = await worker.installAgain(running)
    if (again) wrong.push(again)
  }
  await expectNoRemains(running)
  for (const { deployment_id: id, status, replicas } of deployments) {
    if (id === 'once') continue
    if (status === 'Stopped') {
      // That it had failed before can still be seen.
      const up = (await running.instances(id)).filter(({ state }) => state !== 'failed')
      if (up.length > 0) wrong.push(`${id} is stopped, and runs`)
      continue
    }
    const instances = await running.running(id, replicas)
    const ids = instances.map(({ instance_id }) => instance_id)
    if (ids.some((each, n) => each !== `${id}.${n}`)) wrong.push(`${id} runs as ${ids}`)
  }
  const groups = new Set(
    deployments
      .filter(({ deployment_id, status }) => status === 'Started' && deployment_id !== 'once')
      .map(({ group }) => group),
  )
  await until(() => groupProcesses(running.base).length === groups.size).catch(() => {
    wrong.push(`${groupProcesses(running.base).length} processes for ${groups.size} groups`)
  })
  return wrong
}

/** One client, with names of its own, that does one thing after the other. */
class Worker {
  answered = 0
  done = 0
  undone = 0
  readonly #base: string
  readonly #name: string
  readonly #wasm: string
  #model: Model = { modules: [], deployments: {} }
  #pending: Operation | undefined
  #count = 0

  static async make(base: string, name: string): Promise<Worker> {
    return new Worker(base, name, await pack(base, 'service', `${name}@1.0.0`, SERVICE))
  }

  constructor(base: string, name: string, wasm: string) {
    this.#base = base
    this.#name = name
    this.#wasm = wasm
  }

  /** Until the daemon is gone. */
  async work(client: Client | undefined): Promise<void> {
    for (;;) {
      const next = await this.#next()
      this.#pending = next
      const answer = await client?.request(next.cmd, next.args).catch(() => undefined)
      if (answer === undefined) return
      if (!answer.success)
        throw new Error(`${next.cmd} ${JSON.stringify(next.args)}: ${answer.message}`)
      this.#model = next.after
      this.#pending = undefined
      this.answered += 1
    }
  }

  /** What is wrong, if anything. What was not answered is there or not, and from here on it is known. */
  compare(
    modules: readonly ModuleView[],
    deployments: readonly DeploymentView[],
  ): string | undefined {
    const own = deployments.filter(({ deployment_id: id }) => id.startsWith(this.#name))
    const found: Model = {
      modules: modules
        .map(({ module_id }) => module_id.name)
        .filter((name) => name.startsWith(this.#name))
        .sort(),
      deployments: Object.fromEntries(
        own.map(({ deployment_id, replicas, status }) => [
          deployment_id,
          { replicas, isOn: status === 'Started' },
        ]),
      ),
    }
    const pending = this.#pending
    const isDone = pending !== undefined && same(found, pending.after)
    const isUndone = same(found, this.#model)
    if (pending) {
      if (isDone) this.done += 1
      else this.undone += 1
    }
    const before = this.#model
    this.#model = found
    if (isDone || isUndone) return undefined
    return `${JSON.stringify(found)} instead of ${JSON.stringify(before)}, perhaps after ${JSON.stringify(pending)}`
  }

  /** What was not installed, or not known to be, can be installed. */
  async installAgain({ client }: Daemon): Promise<string | undefined> {
    const pending = this.#pending
    this.#pending = undefined
    if (pending?.cmd !== 'module:install') return undefined
    const { success, message } = await client.request(pending.cmd, pending.args)
    if (success) this.#model = pending.after
    return success || message.endsWith('is already installed') ? undefined : message
  }

  async #next(): Promise<Operation> {
    const { modules, deployments } = this.#model
    const ids = Object.keys(deployments)
    const id = any(ids)
    this.#count += 1
    const name = `${this.#name}-${this.#count}`
    const module = any(modules)
    const found = id === undefined ? undefined : deployments[id]
    if (module === undefined || modules.length < 2) return this.#install(name)
    if (id === undefined || found === undefined) return this.#deploy(name, module)
    const one = { deployment_id: id }
    const having = (more: object) => ({
      modules,
      deployments: { ...deployments, [id]: { ...found, ...more } },
    })
    if (!found.isOn) return { cmd: 'module:start', args: one, after: having({ isOn: true }) }
    const { [id]: _, ...others } = deployments
    const replicas = 1 + Math.floor(Math.random() * 3)
    return pick([
      { cmd: 'module:stop', args: one, after: having({ isOn: false }) },
      { cmd: 'module:scale', args: { ...one, replicas }, after: having({ replicas }) },
      { cmd: 'module:scale', args: { ...one, replicas }, after: having({ replicas }) },
      ...(ids.length < 3
        ? [this.#deploy(name, module)]
        : [{ cmd: 'module:undeploy', args: one, after: { modules, deployments: others } }]),
      ...(modules.length < 4 ? [await this.#install(name)] : []),
    ])
  }

  async #install(name: string): Promise<Operation> {
    const path = this.#wasm.replace(this.#name, name)
    await pack(this.#base, 'service', `${name}@1.0.0`, SERVICE)
    const { modules, deployments } = this.#model
    const after = { modules: [...modules, name].sort(), deployments }
    return { cmd: 'module:install', args: { path }, after }
  }

  #deploy(id: string, module: string): Operation {
    const group = groupIn(this.#base, this.#count % 2 === 0 ? 'even' : 'odd')
    const file = spec(this.#base, id, `${module}@1.0.0`, { group })
    const { modules, deployments } = this.#model
    const after = { modules, deployments: { ...deployments, [id]: { replicas: 1, isOn: false } } }
    return { cmd: 'module:deploy', args: { file }, after }
  }
}

const any = <T>(items: readonly T[]): T | undefined =>
  items[Math.floor(Math.random() * items.length)]

function pick(operations: readonly Operation[]): Operation {
  const found = any(operations)
  if (found === undefined) throw new Error('there is nothing to do')
  return found
}

const same = (one: Model, other: Model) => canonical(one) === canonical(other)
const canonical = ({ modules, deployments }: Model) =>
  JSON.stringify([modules, Object.entries(deployments).sort(([a], [b]) => (a < b ? -1 : 1))])
