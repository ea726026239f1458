// One journal, checked: records as they come, the state now and then, the digests at the end.

import type { StateDiff } from '../../diff/change.ts'
import { changes, isSame, unifiedDiff } from '../../diff/index.ts'
import { StoreError } from '../../errors.ts'
import { digest } from '../../json/index.ts'
import { fingerprint, snapshotIssue } from '../../mutation/fingerprint.ts'
import type { CompiledDefinition } from '../../mutation/spec.ts'
import type { Journal, JournalInfo } from '../../port/journal.ts'
import type { Snapshot } from '../../port/snapshots.ts'
import type { Decoded } from '../../record/record.ts'
import { grownBase } from '../../replay/base.ts'
import type { CheckRule, Finding } from '../finding.ts'
import { Counts } from './coverage.ts'
import { type FindingDraft, Findings, isThrown, messageOf } from './findings.ts'
import { locate, locateState, type Step } from './locate.ts'
import { Payloads } from './payloads.ts'
import { checkRecording, placeOf } from './recorded.ts'
import type { RecordedDigest, Recording } from './recording.ts'
import { intervalOf, trailOf } from './recording.ts'
import type { CheckOptions, ReplayReport } from './report.ts'
import { SideBySide } from './side-by-side.ts'
import { findInvalid, findShared, isShared } from './state.ts'
import { checkInitial, findInvalidSteadily } from './state-schema.ts'
import { readUpcast } from './upcasts.ts'
import { begin, watch } from './watch.ts'

/** How often the state as a whole is looked at, at most. */
const LOOKS = 10

export class JournalCheck {
  readonly #definition: CompiledDefinition
  readonly #journal: Journal
  readonly #options: CheckOptions
  readonly #findings = new Findings()
  readonly #counts: Counts
  readonly #payloads: Payloads
  readonly #sides: SideBySide
  /** The record that is being checked, for what is found meanwhile. */
  #record: Decoded | undefined
  #seq = 0
  /** What the journal was compacted to. */
  #base = 0
  /** The snapshot beside the journal, and what the records give for its seq. */
  #kept: { readonly snapshot: Snapshot; readonly replayed: unknown } | undefined
  #isWhole = true
  /** Digests that were met on the way, by seq. */
  readonly #digests = new Map<number, string>()
  #wanted: { readonly seq: number; readonly state: unknown }[] = []
  #trail: string[] = []
  /** Where the state was looked at last, and the last seq at which it was as it should be. */
  #isValid = true
  #validAt = 0

  #hasOpened = false
  /** The journal's identity; undefined until it is open. */
  #epoch: string | undefined

  constructor(definition: CompiledDefinition, journal: Journal, options: CheckOptions) {
    this.#definition = definition
    this.#journal = journal
    this.#options = options
    this.#counts = new Counts(definition)
    this.#payloads = new Payloads((problem) => this.#tell(problem))
    this.#sides = new SideBySide(definition, (problem) => this.#tell(problem))
  }

  /** Whether the journal is open, so that the creator of this check closes it. */
  get hasOpened(): boolean {
    return this.#hasOpened
  }

  async run(): Promise<ReplayReport> {
    let info: JournalInfo | undefined
    try {
      info = await this.#journal.open(this.#definition.name)
      this.#hasOpened = true
      this.#epoch = info.epoch
      // What the journal holds was written before.
      begin()
      await this.#replay(info)
    } catch (error) {
      this.#tellBroken(error)
    }
    const { state } = this.#sides
    const actual = await digestOf(state)
    this.#digests.set(this.#seq, actual)
    if (info) await this.#checkWhole(info)
    if (this.#isWhole) this.#checkExpected(actual)
    const recording = info && this.#options.record ? await this.#makeRecording(info) : undefined
    const findings = this.#findings.list
    return {
      ok: findings.every(({ severity }) => severity !== 'error'),
      journal: this.#journal.name,
      records: this.#seq - this.#base,
      seq: this.#seq,
      digest: actual,
      findings,
      coverage: this.#counts.coverage,
      ...(this.#options.recording && { compared: this.#countCompared(this.#options.recording) }),
      ...(recording && { recording }),
    }
  }

  async #replay(info: JournalInfo): Promise<void> {
    if (info.found) this.#tellFound(info.found)
    checkInitial(this.#definition, (problem) => this.#tell(problem))
    const recorded = new Set(this.#options.recording?.digests.map(({ seq }) => seq))
    const interval = intervalOf(info.head)
    const look = Math.max(1, Math.ceil(info.head / LOOKS))
    this.#digests.set(0, await digestOf(this.#sides.state))
    await this.#beginAtBase(info)
    const snapshot = await this.#findSnapshot(info)
    const keep = () => {
      if (this.#seq === snapshot?.seq) this.#kept = { snapshot, replayed: this.#sides.state }
    }
    keep()
    const [definition, journal] = [this.#definition, this.#journal]
    const tell = (found: FindingDraft) => this.#tell(found)
    for await (const records of readUpcast(
      definition,
      journal,
      { after: this.#base, until: info.head },
      tell,
    )) {
      try {
        for (const record of records) {
          if (!this.#checkRecord(record)) return
          keep()
          const isDue =
            recorded.has(this.#seq) || (this.#options.record && this.#seq % interval === 0)
          if (isDue) this.#wanted.push({ seq: this.#seq, state: this.#sides.state })
          // A state that is no JSON has no digest either, so that has to be told.
          if (isDue || this.#seq % look === 0) await this.#look()
        }
      } finally {
        await this.#makeDigests()
      }
      this.#options.onProgress?.(this.#seq, info.head)
    }
  }

  /** As far as the journal could be replayed. */
  async #checkWhole(info: JournalInfo): Promise<void> {
    this.#sides.end(this.#record?.parts.at(-1)?.mutation.type ?? '')
    await this.#look()
    await this.#checkTree()
    await this.#checkRecording(info)
    this.#checkSnapshot()
  }

  /** A compacted journal is replayed from the state below its header, which has to be the one it names. */
  async #beginAtBase({ base: named }: JournalInfo): Promise<void> {
    const base = await this.#journal.snapshots?.readBase()
    if (!base) return
    const { seq } = base
    const [expected, actual] = [named?.digest, await digestOf(base.state)]
    const { state } = grownBase(this.#definition, base)
    this.#sides.begin(state)
    this.#seq = this.#base = this.#validAt = seq
    this.#trail = Array.from({ length: seq }, () => NO_TRAIL)
    this.#digests.set(seq, await digestOf(state))
    if (expected !== actual) {
      const message = `the state that the journal was compacted to has digest ${actual}, and its header says ${expected}`
      this.#tell({ rule: 'digest_mismatch', severity: 'error', message, seq, expected, actual })
    }
    const found = findInvalid(this.#definition, state)
    this.#isValid = !found
    if (found) this.#tell({ ...found, message: `${found.message}. ${OF_BASE}`, seq })
  }

  /** The one that the next opening would use. */
  async #findSnapshot({ snapshot }: JournalInfo): Promise<Snapshot | undefined> {
    if (!snapshot) return undefined
    const unused = (why: string) => {
      const message = `the snapshot beside the journal is not used: ${why}`
      this.#tell({ rule: 'snapshot_mismatch', severity: 'note', message })
      return undefined
    }
    if ('used' in snapshot) return unused(snapshot.reason)
    const issue = await snapshotIssue(snapshot.definition, this.#definition)
    if (issue !== undefined) return unused(issue)
    try {
      return await this.#journal.snapshots?.read()
    } catch (error) {
      return unused(messageOf(error))
    }
  }

  #checkSnapshot(): void {
    if (!this.#kept || isSame(this.#kept.snapshot.state, this.#kept.replayed)) return
    const { snapshot, replayed } = this.#kept
    const { seq } = snapshot
    const message = `the snapshot beside the journal is not the state at seq ${seq} that its records give: remove it`
    const between = [replayed, snapshot.state, ['from the records', 'in the snapshot']] as const
    this.#tell({ rule: 'snapshot_mismatch', severity: 'error', message, seq, between })
  }

  /** Asynchronous, so for a whole chunk at once: to keep the states until then costs nothing. */
  async #makeDigests(): Promise<void> {
    for (const { seq, state } of this.#wanted) this.#digests.set(seq, await digestOf(state))
    this.#wanted = []
  }

  /** False if the state can no longer be known. */
  #checkRecord(record: Decoded): boolean {
    this.#record = record
    this.#counts.add(record)
    for (const part of record.parts) this.#payloads.check(part, record.meta)
    const before = this.#sides.state
    if (!this.#sides.apply(record)) {
      this.#isWhole = false
      return false
    }
    if (this.#options.record) this.#trail.push(trailOf(before, this.#sides.state))
    this.#seq = record.meta.seq
    return true
  }

  /** Checks the whole state. If it is wrong, finds the record that caused it. */
  async #look(): Promise<void> {
    const tell = (problem: FindingDraft) => this.#tell(problem)
    const found = findInvalidSteadily(this.#definition, this.#sides.state, tell)
    const isNew = found && this.#isValid
    this.#isValid = !found
    if (!found) this.#validAt = this.#seq
    if (!isNew) return
    const range = { after: this.#validAt, until: this.#seq }
    const isIt = (state: unknown) => watch(() => findInvalid(this.#definition, state)) !== undefined
    const step = await locateState(this.#definition, this.#journal, range, isIt).catch(none)
    this.#tellStep(found, step)
  }

  async #checkTree(): Promise<void> {
    const shared = findShared(this.#sides.state)
    if (!shared) return
    const [one, other] = shared.map((path) => path || 'the state itself')
    const message = `${one} and ${other} are one object: put a copy into the state, or a change of one may be taken for a change of both`
    const range = { after: 0, until: this.#seq }
    const isIt = ({ after }: Step) => isShared(after, shared)
    const step = await locate(this.#definition, this.#journal, range, isIt).catch(none)
    this.#tellStep({ rule: 'not_a_tree', severity: 'warning', message }, step)
  }

  #tellStep(found: FindingDraft, step: Step | undefined): void {
    this.#tell({ ...found, ...(step && placeOf(step)) })
  }

  async #checkRecording({ epoch, head }: JournalInfo): Promise<void> {
    const { recording } = this.#options
    if (!recording) return
    const reached = { epoch, head, base: this.#base, seq: this.#seq, digests: this.#digests }
    try {
      const found = await checkRecording(this.#definition, this.#journal, recording, reached)
      for (const each of found) this.#tell(each)
    } catch (error) {
      this.#tellBroken(error)
    }
  }

  #countCompared({ journal, digests }: Recording): number {
    if (journal !== this.#epoch) return 0
    return digests.filter((each) => each.digest !== undefined && this.#digests.has(each.seq)).length
  }

  #checkExpected(actual: string): void {
    const { digest: expected } = this.#options
    if (expected === undefined || expected === actual) return
    const message = `the last state has digest ${actual}, expected ${expected}`
    const seq = this.#seq
    this.#tell({ rule: 'digest_mismatch', severity: 'error', message, seq, expected, actual })
  }

  /** Undefined if there is not all that belongs into one. */
  async #makeRecording({ epoch, head }: JournalInfo): Promise<ReplayReport['recording']> {
    const initial = this.#digests.get(0)
    const seqs = [...this.#digests.keys()]
      .filter((seq) => seq > 0 && (seq % intervalOf(head) === 0 || seq === this.#seq))
      .sort((a, b) => a - b)
    const isJson = [0, ...seqs].every((seq) => this.#digests.get(seq) !== NO_DIGEST)
    if (!this.#isWhole || !isJson || initial === undefined) return undefined
    let last = 0
    const digests = seqs.map((seq): RecordedDigest => {
      const trail = this.#trail.slice(last, seq).join('')
      last = seq
      return { seq, digest: this.#digests.get(seq), trail }
    })
    const { name: store } = this.#definition
    const definition = await fingerprint(this.#definition)
    return {
      format: 'ministore-check',
      version: 1,
      store,
      journal: epoch,
      definition,
      initial,
      digests,
    }
  }

  #tellFound({ kind, offset, bytes }: NonNullable<JournalInfo['found']>): void {
    const what =
      kind === 'lost_newline' ? 'the last record lost its newline' : 'a write was cut off'
    const message = `${what} at byte ${offset} (${bytes} bytes): no acknowledged record is lost, and the next opening repairs the file`
    this.#tell({ rule: 'torn_write', severity: 'warning', message })
  }

  #tellBroken(error: unknown): void {
    this.#isWhole = false
    const { code, seq, line } = isThrown(error, StoreError) ? error : {}
    this.#tell({ rule: ruleOf(code), severity: 'error', message: messageOf(error), seq, line })
  }

  /** Where nothing else is said, it is about the record that is being checked. */
  #tell({ between, ...found }: FindingDraft): void {
    const { meta, line } = this.#record ?? {}
    const diff = between && diffOf(...between)
    this.#findings.add({
      file: this.#journal.name,
      line,
      seq: meta?.seq,
      ...found,
      diff,
    } as Finding)
  }
}

/** Of a record that is not there any more: no one compares it. */
const NO_TRAIL = 'AAAA'

const OF_BASE =
  'The journal was compacted to this state: dispatch a mutation that puts it right, or make the field optional'

/** What there is more of would not be read. */
const MOST_CHANGES = 100

/** Undefined if the states are not JSON, which is reported by itself. */
function diffOf(
  before: unknown,
  after: unknown,
  names: readonly [string, string],
): StateDiff | undefined {
  try {
    return {
      changes: changes(before, after).slice(0, MOST_CHANGES),
      unified: unifiedDiff(before, after, names),
    }
  } catch {
    return undefined
  }
}

function ruleOf(code: StoreError['code'] | undefined): CheckRule {
  if (code === 'wrong_store' || code === 'unknown_mutation') return code
  return code === 'upcast_failed' || code === 'apply_failed' ? code : 'unreadable'
}

const none = () => undefined

const NO_DIGEST = 'none'
/** A state that is not JSON has none, which the check tells of by itself. */
const digestOf = (state: unknown): Promise<string> => digest(state).catch(() => NO_DIGEST)
