// What an engine knows of its stream, and what contradicts it: an answer counts only if it fits what was
// certain before. Nothing is requested here.
import { StoreError, type StoreErrorCode } from '../../index.ts'
import type { EngineEntry } from '../shared/index.ts'
import type { Found } from './direct.ts'
import * as stream from './stream.ts'

/** For how long, in milliseconds, a cluster has to answer the same before a journal is given up. */
const DOUBT_MS = 5_000

export interface Bounds {
  readonly head: number
  readonly first: number
}

interface Options {
  readonly journal: string
  /** For messages. */
  readonly title: string
  /** One server alone has no one who could know better. */
  isClustered(): boolean
}

export class KnownStream {
  readonly epoch: string
  /** The highest seq that existed for certain. */
  seen = 0
  readonly #options: Options
  /** How many replicas the stream must have. */
  readonly #replicas: number
  /** The last record that this engine has shown or appended: in another history, another record has its seq. */
  #last = { seq: 0, id: '' }
  /** The record that is missing, and since when. */
  #gap: { readonly seq: number; readonly since: number } | undefined
  /** Since when the stream seems to be gone, or shorter than it was. */
  #doubtful: number | undefined

  constructor(epoch: string, replicas: number, options: Options) {
    this.epoch = epoch
    this.#replicas = replicas
    this.#options = options
  }

  get last(): { readonly seq: number; readonly id: string } {
    return this.#last
  }

  get subject(): string {
    return stream.subjectOf(this.#options.journal, this.epoch)
  }

  remember(entry: Pick<EngineEntry, 'seq' | 'id'> | undefined): void {
    if (entry && entry.seq > this.#last.seq) this.#last = { seq: entry.seq, id: entry.id }
  }

  /**
   * Where the records begin and end, by the leader's answer, undefined if there is no stream. `known`: a seq that
   * existed before the leader was asked. Throws StoreError `unavailable` if the answer cannot be relied upon (yet),
   * `rewound` if it is another stream or one that lost records, and `config` if its settings could lose some.
   */
  accept(info: stream.StreamInfo | undefined, known: number): Bounds {
    if (!info) throw this.#doubt('is gone: its stream was deleted')
    if (stream.identityOf(info.config)?.epoch !== this.epoch)
      throw this.#rewound('was replaced: it was deleted and created again')
    const { journal, title } = this.#options
    stream.checkSettings(info.config, journal, this.#replicas, title)
    if (!stream.isLed(info))
      throw this.#error('unavailable', 'its leader has lost touch with the other servers')
    const bounds = stream.boundsOf(info)
    if (bounds.head < known)
      throw this.#doubt(`ends at seq ${bounds.head}, but ${known} was durable`)
    if (bounds.head === this.#last.seq && bounds.first > bounds.head && bounds.head > 0)
      throw this.purged(bounds.head)
    this.#doubtful = undefined
    this.seen = Math.max(this.seen, bounds.head)
    return bounds
  }

  /** The entries of records that came: each says of which epoch it is. Throws StoreError `rewound`. */
  entriesOf(found: readonly Found[]): EngineEntry[] {
    const { subject } = this
    const entries = found.map(({ subject: of, ...entry }) => {
      if (of !== subject) throw this.#rewound('was replaced: it was deleted and created again')
      if (entry.seq === this.#last.seq && entry.id !== this.#last.id)
        throw this.otherHistory(entry.seq)
      return entry
    })
    this.remember(entries.at(-1))
    if (found.length > 0) this.#gap = undefined
    return entries
  }

  /** The leader that answered may not have applied the record yet. If it stays missing, it is lost. */
  missing(seq: number, { head, first }: Bounds): StoreError {
    if (first > seq) return this.compacted(seq, first)
    if (this.#gap?.seq !== seq) this.#gap = { seq, since: Date.now() }
    const what = `seq ${seq} is missing, between ${first} and ${head}`
    return this.#whenCertain('corrupt', what, this.#gap.since)
  }

  compacted(seq: number, first: number): StoreError {
    return this.#error('compacted', `seq ${seq} was truncated away; the first is ${first}`)
  }

  otherHistory(seq: number): StoreError {
    return this.#rewound(`has another record ${seq} than it had: an older state was restored`)
  }

  purged(head: number): StoreError {
    return this.#rewound(`has lost all records up to seq ${head}: its stream was purged`)
  }

  /**
   * In a cluster, a server that has just come back may be the one that answers: its answer counts if it is
   * still the same after a while.
   */
  #doubt(what: string): StoreError {
    this.#doubtful ??= Date.now()
    return this.#whenCertain('rewound', what, this.#doubtful)
  }

  #whenCertain(code: 'rewound' | 'corrupt', what: string, since: number): StoreError {
    if (!this.#options.isClustered() || Date.now() - since >= DOUBT_MS)
      return this.#error(code, what)
    return this.#error('unavailable', `${what}; that is not certain yet`)
  }

  #rewound(what: string): StoreError {
    return this.#error('rewound', what)
  }

  #error(code: StoreErrorCode, what: string): StoreError {
    const { title: path } = this.#options
    return new StoreError(code, `${path}: ${what}`, { path })
  }
}
