// Three that write and one that reads. Where a writer is killed, another one takes its place and its name.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from 'ministore-ts/testing'
import type { Bug } from './bugs.ts'
import { type Fault, type Ground, JOURNAL } from './ground.ts'
import { Member } from './member.ts'
import type { Network } from './network.ts'
import { emptyTally, type Job, type Tally, type Told } from './report.ts'

export interface Pace {
  readonly slots: number
  readonly pace: number
}

/** One each; the last is the reader's. Short ones make for unknown outcomes, long ones are patient. */
const TIMEOUTS = [1_000, 2_500, 6_000, 2_500]
export const CLIENTS = TIMEOUTS.length

export class Crew {
  readonly told = new Map<string, Told[]>()
  readonly members: Member[]
  readonly #onTold: (told: Told) => void
  #past = emptyTally()

  constructor(
    {
      ground,
      network,
      ...given
    }: { ground: Ground; network: Network; bug: Bug | undefined; histories: string },
    pace: Pace & Pick<Job, 'engine' | 'keyless'>,
    onTold: (told: Told) => void,
  ) {
    this.#onTold = onTold
    const common = { ...pace, ...given, journal: JOURNAL }
    const fresh = { from: 0, reported: [], begun: 0 }
    this.members = TIMEOUTS.map((timeout, client) => {
      const role = client === CLIENTS - 1 ? 'reader' : 'writer'
      const by = role === 'reader' ? role : `w${client + 1}`
      const servers = ground.servers(network.ports(client))
      return this.#start({ ...common, ...fresh, ...{ role, by, servers, timeout } })
    })
  }

  get failures(): string[] {
    return this.members.flatMap(({ name, failure }) => (failure ? `${name}: ${failure}` : []))
  }

  /** Of all that there are and that there were. */
  get tally(): Tally {
    const sum = { ...this.#past }
    for (const { tally } of this.members) add(sum, tally)
    return sum
  }

  faults(dice: Random): Record<string, Fault> {
    const pick = () => dice.below(CLIENTS - 1)
    return {
      'pause-writer': {
        strike: async () => {
          const member = this.members[pick()]
          member?.pause()
          await sleep(1_000 + dice.next() * 8_000)
          member?.resume()
        },
      },
      'kill-writer': { strike: () => this.#replace(pick()) },
      'kill-everybody': {
        strike: async () => {
          await Promise.all(this.members.map((_, at) => this.#kill(at)))
          await Promise.all(this.members.map((_, at) => this.#restart(at)))
        },
      },
    }
  }

  async end(onIdle: () => Promise<number>): Promise<void> {
    const all = this.members
    for (const member of all) member.order({ order: 'end' })
    await Promise.all(all.map((member) => member.saying('idle', 60_000)))
    const order = { order: 'digest', seq: await onIdle() } as const
    for (const member of all) member.order(order)
    await Promise.all(all.map((member) => member.saying('digest', 30_000)))
    await Promise.all(all.map((member) => member.leave(10_000)))
  }

  async kill(): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()))
  }

  async #replace(at: number): Promise<void> {
    await this.#kill(at)
    await this.#restart(at)
  }

  async #kill(at: number): Promise<void> {
    const member = this.members[at]
    await member?.kill()
    if (member) add(this.#past, member.tally)
  }

  /** Another process takes the place, the name and the work of one that was killed. */
  async #restart(at: number): Promise<void> {
    const member = this.members[at]
    if (!member) return
    const told = new Set(this.told.get(member.name)?.map(({ n }) => n))
    let from = 0
    while (told.has(from)) from += 1
    const reported = [...told].filter((n) => n > from)
    const begun = told.size + member.job.slots
    const next = this.#start({ ...member.job, from, reported, begun })
    this.members[at] = next
    await next.saying('opened', 60_000)
  }

  #start(job: Job): Member {
    const told = this.told.get(job.by) ?? []
    if (job.role === 'writer') this.told.set(job.by, told)
    return new Member(job, (each) => {
      told.push(each)
      this.#onTold(each)
    })
  }
}

export function add(sum: Tally, more: Tally, sign: 1 | -1 = 1): void {
  for (const name of Object.keys(sum)) {
    if (isCount(name)) sum[name] += sign * more[name]
  }
}

const isCount = (name: string): name is keyof Tally => Object.hasOwn(emptyTally(), name)
