// A campaign: writers write, faults strike, and in the end the journal says whether every promise was kept.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Engine, type EngineEntry, sharedJournal } from 'ministore-ts/shared'
import { type Random, random } from 'ministore-ts/testing'
import type { Bug } from './bugs.ts'
import { add, CLIENTS, Crew, type Pace } from './crew.ts'
import { type Between, type Fault, type Ground, networkFaults, startGround } from './ground.ts'
import { type Decided, decide } from './history.ts'
import { Network } from './network.ts'
import { type EngineName, emptyTally, type Tally } from './report.ts'
import { chaos } from './store.ts'
import { verdict, type Witness } from './verdict.ts'

export interface CampaignOptions extends Partial<Pace> {
  readonly engine: EngineName
  /** In this order, again and again; each once at least. `a+b`: both at once. */
  readonly faults: readonly string[]
  readonly seconds: number
  /** Between two strikes, in milliseconds. Default 1,000. */
  readonly calm?: number
  readonly bug?: Bug | undefined
  /** Only operations without a key. Default: some. */
  readonly keyless?: boolean | undefined
  /** Decides what is struck and when; the processes and the servers decide the rest. Default: a random one. */
  readonly seed?: number | undefined
  /** A directory that keeps the recorded calls. Default: they are removed. */
  readonly histories?: string | undefined
  readonly onProgress?: (progress: string) => void
}

/** Of a fault: what happened from the moment when it struck to the moment when the next one did. */
export interface Struck extends Tally {
  strikes: number
  /** The longest time without an acknowledgement to anybody, in milliseconds. */
  longestGap: number
  acknowledged: number
  refused: number
}

export interface CampaignResult {
  readonly engine: string
  readonly seed: number
  readonly seconds: number
  readonly records: number
  readonly digest: string
  /** Unknown outcomes that were looked up, since they could not be asked for again. */
  readonly looked: number
  readonly faults: Readonly<Record<string, Struck>>
  /** Whether one order of all calls explains their answers. */
  readonly history: Omit<Decided, 'why'>
  /** Empty where all is well. */
  readonly broken: readonly string[]
}

const OF_WRITERS = ['pause-writer', 'kill-writer']
const OF_NETWORK = ['cut', 'hold', 'lose-requests', 'lose-answers']
export const FAULTS = {
  postgres: ['kill', 'promote', 'promote-late', 'pause-server', ...OF_NETWORK, ...OF_WRITERS],
  nats: [
    ...['kill-leader', 'kill-followers', 'kill-all', 'pause-leader', 'pause-followers'],
    ...[...OF_NETWORK, ...OF_WRITERS],
  ],
  sqlite: ['hold-lock', 'checkpoint', 'kill-everybody', ...OF_WRITERS],
} as const

/** Undefined where there is no server to be had. */
export async function campaign(options: CampaignOptions): Promise<CampaignResult | undefined> {
  const ground = await startGround(options.engine)
  if (!ground) return undefined
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 32)
  const dice = random(seed)
  const network = await Network.make(CLIENTS, ground.ports, dice)
  const kept = options.histories
  if (kept !== undefined) mkdirSync(kept, { recursive: true })
  const histories = kept ?? mkdtempSync(join(tmpdir(), 'ministore-histories-'))
  try {
    return await new Campaign({ ...options, seed }, { ground, network, histories, dice }).run()
  } finally {
    if (kept === undefined) rmSync(histories, { recursive: true, force: true })
    await network.close()
    await ground.stop()
  }
}

class Campaign {
  readonly #options: CampaignOptions & { readonly seed: number }
  readonly #dice: Random
  readonly #ground: Ground
  readonly #histories: string
  readonly #crew: Crew
  readonly #faults: Record<string, Fault>
  readonly #struck: Record<string, Struck> = {}
  #acknowledged = 0
  #refused = 0
  #lastAcknowledged = performance.now()
  #longestGap = 0

  constructor(
    options: CampaignOptions & { readonly seed: number },
    {
      ground,
      network,
      histories,
      dice,
    }: { ground: Ground; network: Network; histories: string; dice: Random },
  ) {
    const { slots = 4, pace = 20, bug, engine, keyless } = options
    this.#options = options
    this.#dice = dice
    this.#ground = ground
    this.#histories = histories
    this.#crew = new Crew(
      { ground, network, bug, histories },
      { slots, pace, engine, keyless },
      ({ what }) => {
        if (what === 'refused') this.#refused += 1
        if (what === 'acknowledged') this.#acknowledge()
      },
    )
    const between: Between = (from, to) => from + dice.next() * (to - from)
    this.#faults = {
      ...ground.faults(network, between),
      ...networkFaults(network, between),
      ...this.#crew.faults(dice),
    }
  }

  async run(): Promise<CampaignResult> {
    const crew = this.#crew
    const start = performance.now()
    try {
      await Promise.all(crew.members.map((member) => member.saying('opened', 60_000)))
      await this.#strikes(start + this.#options.seconds * 1000)
      const reader = this.#ground.engine()
      let entries: EngineEntry[] = []
      await crew.end(async () => {
        entries = await readAll(reader)
        return entries.length
      })
      return await this.#result(entries, (performance.now() - start) / 1000)
    } finally {
      await crew.kill()
    }
  }

  async #strikes(until: number): Promise<void> {
    const { faults, calm = 1_000 } = this.#options
    for (let strike = 0; strike < faults.length || performance.now() < until; strike++) {
      const name = faults[strike % faults.length] ?? ''
      const together = name.split('+').map((each) => this.#fault(each))
      for (const fault of together) await fault.prepare?.()
      await this.#recovered()
      await sleep(calm * (0.5 + this.#dice.next()))
      await this.#measured(name, async () => {
        await Promise.all(together.map((fault) => fault.strike()))
        await this.#recovered()
        await sleep(calm * (0.5 + this.#dice.next()))
      })
      if (this.#crew.failures.length > 0) return
    }
  }

  #fault(name: string): Fault {
    const fault = this.#faults[name]
    if (fault) return fault
    throw new TypeError(`there is no fault ${JSON.stringify(name)}`)
  }

  async #measured(name: string, run: () => Promise<void>): Promise<void> {
    this.#struck[name] ??= {
      ...{ strikes: 0, longestGap: 0, acknowledged: 0, refused: 0 },
      ...emptyTally(),
    }
    const struck = this.#struck[name]
    const [acknowledged, refused] = [this.#acknowledged, this.#refused]
    add(struck, this.#crew.tally, -1)
    this.#longestGap = 0
    await run()
    add(struck, this.#crew.tally)
    struck.strikes += 1
    struck.acknowledged += this.#acknowledged - acknowledged
    struck.refused += this.#refused - refused
    struck.longestGap = Math.max(struck.longestGap, Math.round(this.#longestGap))
    this.#options.onProgress?.(
      `${name}: ${Math.round(this.#longestGap)} ms without, ${this.#acknowledged} acknowledged`,
    )
  }

  /** Until somebody is told again that something is durable, or nobody ever will be. */
  async #recovered(): Promise<void> {
    const before = this.#acknowledged
    for (const until = performance.now() + 60_000; this.#acknowledged === before; await sleep(5))
      if (performance.now() > until || this.#crew.failures.length > 0) return
  }

  #acknowledge(): void {
    const now = performance.now()
    this.#acknowledged += 1
    this.#longestGap = Math.max(this.#longestGap, now - this.#lastAcknowledged)
    this.#lastAcknowledged = now
  }

  async #result(entries: readonly EngineEntry[], seconds: number): Promise<CampaignResult> {
    const { told, members, failures } = this.#crew
    const replayed = await chaos.replay(sharedJournal(this.#ground.engine()))
    const digests: Witness['digests'] = new Map(
      members.flatMap(({ name, digest }) => (digest ? [[name, digest]] : [])),
    )
    const broken = verdict(entries, { told, digests, replayed })
    const { why, ...history } = decide(this.#histories)
    const looked = [...told.values()].flat().filter(({ what }) => /found|missing/.test(what)).length
    return {
      ...{ engine: this.#options.engine, seed: this.#options.seed },
      ...{ seconds: Math.round(seconds), records: entries.length },
      ...{
        digest: replayed.digest,
        looked,
        faults: this.#struck,
        history,
        broken: [...failures, ...broken, ...(why === undefined ? [] : [why])],
      },
    }
  }
}

async function readAll(engine: Engine): Promise<EngineEntry[]> {
  await engine.open(chaos.name)
  try {
    const entries: EngineEntry[] = []
    for await (const batch of engine.read(0)) entries.push(...batch)
    return entries
  } finally {
    await engine.close()
  }
}
