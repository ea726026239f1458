// A failing journal, as short as it can be and still fail in the same way.

import type { AnyStoreDefinition } from '../../define/store-definition.ts'
import { StoreError } from '../../errors.ts'
import { memoryJournal } from '../../journals/memory.ts'
import { definitionOf } from '../../mutation/brand.ts'
import type { Journal } from '../../port/journal.ts'
import type { Finding } from '../finding.ts'
import type { Recording } from './recording.ts'
import { replayCheck } from './replay-check.ts'
import type { ReplayReport } from './report.ts'

export interface Shrunk {
  /** The records that are left, as JSON. */
  readonly texts: readonly string[]
  /** The seqs that they had. */
  readonly seqs: readonly number[]
  /** What they still show. */
  readonly finding: Finding
  /** For a digest that is not met: what was recorded for these records. */
  readonly recording?: Recording | undefined
}

/** A check each; what is left by then is short enough to be read. */
const MOST_CHECKS = 1_000
/** Of the journal, not of its records: nothing to be had by leaving records out. */
const NOT_SHRINKABLE = ['unreadable', 'wrong_store', 'torn_write', 'other_recording']

/**
 * Shrinks what `report` found first: to the records up to it and then, leaving out ever smaller
 * parts (delta debugging, Zeller and Hildebrandt 2002), to those that are needed. A digest that is
 * not met is only cut to its first diverging record: with other records, there would be no digest to
 * compare. Undefined where records have nothing to do with it. `journal` is closed, and opened here.
 * Throws StoreError `compacted`.
 */
export async function shrink(
  store: AnyStoreDefinition,
  journal: Journal,
  report: ReplayReport,
  recording: Recording | undefined,
  onProgress: (left: number) => void = () => undefined,
): Promise<Shrunk | undefined> {
  const finding = report.findings.find(({ severity }) => severity === 'error')
  const { seq, rule, type } = finding ?? {}
  if (!finding || seq === undefined || seq === 0 || NOT_SHRINKABLE.includes(finding.rule))
    return undefined
  const texts = await readTexts(definitionOf(store).name, journal, seq)
  const all = texts.map((text, index) => ({ text, seq: index + 1 }))
  if (rule === 'digest_mismatch') {
    if (!recording || type === undefined) return undefined
    return { ...split(all), finding, recording: cutTo(recording, seq) }
  }
  const fails = async (kept: readonly Kept[]): Promise<boolean> => {
    const again = await replayCheck(store, memoryJournal(kept.map(({ text }) => text)))
    return again.findings.some((other) => isLike(finding, other))
  }
  if (!(await fails(all))) return undefined
  return { ...split(await leaveOut(all, fails, onProgress)), finding }
}

interface Kept {
  readonly text: string
  readonly seq: number
}

/** To where no single record can be left out, unless there are too many to try. */
async function leaveOut(
  all: readonly Kept[],
  fails: (kept: readonly Kept[]) => Promise<boolean>,
  onProgress: (left: number) => void,
): Promise<readonly Kept[]> {
  let [kept, size, checks] = [all, all.length, 0]
  while (kept.length > 1 && checks < MOST_CHECKS) {
    const { length } = kept
    size = Math.ceil(size / 2)
    // From the end, since records need those before them.
    for (let end = length; end > 0 && kept.length > 1 && checks < MOST_CHECKS; end -= size) {
      const rest = kept.toSpliced(Math.max(0, end - size), Math.min(size, end))
      checks += 1
      if (rest.length > 0 && (await fails(rest))) kept = rest
      onProgress(kept.length)
    }
    if (size === 1 && kept.length === length) break
  }
  return kept
}

async function readTexts(name: string, journal: Journal, until: number): Promise<string[]> {
  const texts: string[] = []
  const { base } = await journal.open(name)
  try {
    if (base) throw compacted(journal.name, base.seq)
    for await (const entries of journal.read(0, { to: until })) {
      for (const { text } of entries) texts.push(text)
    }
    return texts
  } finally {
    await journal.close()
  }
}

function compacted(path: string, seq: number): StoreError {
  const why = `its records stand on the state at seq ${seq}, which a shorter journal would not have`
  const what = `${path} was compacted: ${why}. Shrink its archive, if that fails too`
  return new StoreError('compacted', what, { path, seq })
}

const split = (kept: readonly Kept[]) => ({
  texts: kept.map(({ text }) => text),
  seqs: kept.map(({ seq }) => seq),
})

/** Numbers apart: seqs are others in a shorter journal. */
const isLike = (finding: Finding, other: Finding) =>
  other.severity === 'error' &&
  other.rule === finding.rule &&
  other.type === finding.type &&
  other.message.replace(/\d+/g, '#') === finding.message.replace(/\d+/g, '#')

/** The last digests fall away; the trail says for the record `seq` what it should have done. */
function cutTo(recording: Recording, seq: number): Recording {
  const before = recording.digests.filter((each) => each.seq < seq)
  const next = recording.digests[before.length]
  const last = before.at(-1)?.seq ?? 0
  const trail = next?.trail.slice(0, (seq - last) * (next.trail.length / (next.seq - last))) ?? ''
  return { ...recording, digests: [...before, { seq, trail }] }
}
