// A journal compared with its seals, record by record, as someone reads it.
import type { Seal, SealedHeader } from './seal.ts'

/** A journal as it is, or an archive of it, before its records are read. */
export interface Examined {
  /** For messages. */
  readonly name: string
  readonly header: SealedHeader
  /** The seq before the first record that is there. */
  readonly begin: number
  readonly isArchive?: boolean
}

/** What seals say of a journal, when all is read. */
export interface Verdict {
  /** What contradicts a seal: the journal was changed. */
  readonly contradictions: readonly string[]
  /** What was read, lies below the last seal, and is proved by no seal. */
  readonly unproved: readonly string[]
  /** What could not be compared, because it is not there any more. */
  readonly notes: readonly string[]
  /** The last seq that a seal proves; undefined without one. */
  readonly proved?: number | undefined
}

/** The header's fields that change when a journal is compacted or truncated. */
const BEGINS = ['base', 'first']
/** Those that a copy keeps. */
const COPIED = ['store', 'needs', 'chain']

export class Comparison {
  readonly #seals: readonly Seal[]
  readonly #isCopy: boolean
  readonly #contradictions: string[] = []
  readonly #unproved: string[] = []
  readonly #matched = new Set<Seal>()
  /** Those whose first bytes, or first record, were compared as well. */
  readonly #whole = new Set<Seal>()
  #journal: Examined | undefined
  #now: Examined = { name: '', header: {}, begin: 0 }

  /** `isCopy`: the journal is a copy of the one that was sealed, with the same chain and another identity. */
  constructor(seals: readonly Seal[], isCopy = false) {
    this.#seals = seals
    this.#isCopy = isCopy
  }

  /** The journal itself comes first, then its archives. */
  begin(examined: Examined): void {
    this.#now = examined
    if (!examined.isArchive) this.#journal = examined
    const { name, header } = examined
    for (const seal of this.#seals) {
      const [is, was] = [this.#identity(header), this.#identity(seal.header)]
      if (is !== was) this.#contradict(`${name}: ${differenceOf(header, seal, this.#isCopy)}`)
      else if (!this.#isCopy && isEditedBase(header, seal.header))
        this.#contradict(`${name}: "base" of its header is not what ${nameOf(seal)} signed`)
    }
  }

  /** What the seals say is the hash of this record, such as one that was truncated. */
  sealedHash(seq: number): string | undefined {
    return this.#seals.find((seal) => seal.seq === seq)?.hash
  }

  /** Whether a seal names this record. */
  has(seq: number): boolean {
    return this.#seals.some((seal) => seal.seq === seq)
  }

  /** `file`: of a file, its first bytes up to the end of this record, and their SHA-256. */
  record(
    seq: number,
    hash: string,
    file?: { readonly bytes: number; readonly digest: string },
  ): void {
    const { name, header } = this.#now
    for (const seal of this.#seals) {
      if (seal.seq !== seq) continue
      const which = nameOf(seal)
      if (seal.hash !== hash) {
        this.#contradict(`${name}: record ${seq}, or one before it, is not what ${which} signed`)
        continue
      }
      this.#matched.add(seal)
      if (this.#isCopy || !isSameBegin(header, seal.header)) continue
      if (
        file &&
        seal.file &&
        (seal.file.bytes !== file.bytes || seal.file.digest !== file.digest)
      ) {
        const what =
          'the header, the state that the journal was compacted to, or the bytes around its records'
        this.#contradict(`${name}: ${what} is not what ${which} signed`)
      } else if (!seal.file || file) this.#whole.add(seal)
    }
  }

  /** All records of this file were read; `seq` is the last one. */
  end(seq: number): void {
    const { name, isArchive } = this.#now
    if (isArchive) return
    const cut = this.#seals.find((seal) => seal.seq > seq)
    if (cut)
      this.#contradict(
        `${name}: ends with record ${seq}, and ${nameOf(cut)} signed record ${cut.seq}`,
      )
    this.#assertBeginProved(seq)
  }

  get verdict(): Verdict {
    const unmatched = this.#seals.filter((seal) => !this.#matched.has(seal))
    const begin = this.#journal?.begin ?? 0
    const gone = unmatched.filter(({ seq }) => seq < begin)
    const proved = Math.max(-1, ...[...this.#matched].map(({ seq }) => seq))
    return {
      contradictions: this.#contradictions,
      unproved: this.#unproved,
      notes: gone.length === 0 ? [] : [goneNote(gone, begin)],
      ...(proved >= 0 && { proved }),
    }
  }

  /** A state below the records, or a first record without the one before it, is in no hash. */
  #assertBeginProved(last: number): void {
    const { name, header, begin } = this.#now
    const field = BEGINS.find((each) => header[each] !== undefined)
    if (field === undefined || last < begin) return
    const isProved = [...this.#whole].some((seal) => isSameBegin(header, seal.header))
    const isFirstProved = field === 'first' && this.#seals.some(({ seq }) => seq === begin)
    if (isProved || isFirstProved) return
    const what =
      field === 'base'
        ? `the state at seq ${begin}, to which it was compacted, is not in any seal`
        : `record ${begin + 1}, before which it was truncated, is not in any seal`
    this.#unproved.push(`${name}: ${what}, because the last seal is older`)
  }

  #identity(header: SealedHeader): string {
    const entries = Object.entries(header)
    const kept = this.#isCopy
      ? entries.filter(([field]) => COPIED.includes(field))
      : entries.filter(([field]) => !BEGINS.includes(field))
    return JSON.stringify(kept)
  }

  #contradict(what: string): void {
    this.#contradictions.push(what)
  }
}

const nameOf = ({ number, at }: Seal): string => `seal ${number} of ${at}`

/** Compacted to the same record, and yet another base. */
function isEditedBase(one: SealedHeader, other: SealedHeader): boolean {
  const [is, was] = [one['base'], other['base']].map((base) => Object(base) as { seq?: number })
  return is?.seq !== undefined && is.seq === was?.seq && !isSameBegin(one, other)
}

function isSameBegin(one: SealedHeader, other: SealedHeader): boolean {
  return BEGINS.every((field) => JSON.stringify(one[field]) === JSON.stringify(other[field]))
}

function differenceOf(header: SealedHeader, seal: Seal, isCopy: boolean): string {
  const fields = new Set([...Object.keys(header), ...Object.keys(seal.header)])
  const isOther = (field: string) =>
    !BEGINS.includes(field) && JSON.stringify(header[field]) !== JSON.stringify(seal.header[field])
  const other = [...fields].filter(isOther)
  const named =
    other.length > 0 ? `"${other.join('", "')}" of its header` : 'the order of its header'
  const what = `${named} is not what ${nameOf(seal)} signed: it was edited, or this is another journal`
  const isOnlyAnother = other.every((field) => field === 'journal' || field === 'created')
  return isOnlyAnother && !isCopy
    ? `${what}. If it is a copy of the sealed journal, add --copied`
    : what
}

function goneNote(gone: readonly Seal[], begin: number): string {
  const [first, last] = [gone[0], gone.at(-1)]
  const which =
    first === last
      ? `seal ${first?.number} (record ${first?.seq})`
      : `${gone.length} seals, ${first?.number} to ${last?.number} (records ${first?.seq} to ${last?.seq})`
  return `${which} could not be compared: the journal begins after record ${begin}, and no archive has those records`
}
