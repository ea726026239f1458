// Reads a record without its definition, or returns why ministore would not write such a record.

import { StoreError } from '../../../errors.ts'
import { jsonIssue } from '../../../json/index.ts'
import type { Metadata } from '../../../mutation/spec.ts'
import type { Entry } from '../../../port/journal.ts'
import type { RecordLine } from './scan.ts'

const TIME = /^(?:[+-]\d\d)?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/

export interface PlainMutation {
  readonly type: string
  readonly v?: number
  readonly payload?: unknown
}
export interface PlainRecord {
  readonly at: string
  readonly key: string | undefined
  readonly command: string | undefined
  /** Of a command or a transaction with a key. */
  readonly input: string | undefined
  readonly value: unknown
  readonly metadata: Metadata | undefined
  /** One, or those of the batch; none if a command with a key dispatched nothing. */
  readonly mutations: readonly PlainMutation[]
  readonly isBatch: boolean
}
type Raw = Pick<PlainRecord, 'at' | 'key' | 'command' | 'input' | 'value' | 'metadata'> &
  PlainMutation & { readonly batch?: PlainMutation[] }

/** Throws StoreError `corrupt` for a line whose checksum fits and whose content is not a record. */
export function readRecord(path: string, { bytes, seq, line, offset }: RecordLine): PlainRecord {
  const refuse = (what: string) => {
    const where = `${path}:${line} (byte ${offset}): record ${seq} fits its checksum, but ${what}`
    const next = 'Another program wrote it; see docs/JOURNAL.md, "When opening refuses"'
    return new StoreError('corrupt', `${where}. ${next}`, { path, seq, line, offset })
  }
  return parseRecord(bytes.toString(), refuse)
}

/** The same for a record of the journal `name`, which has neither lines nor checksums. */
export function readEntry(name: string, { seq, text }: Entry): PlainRecord {
  return parseRecord(text, (what) => {
    const message = `${name}: record ${seq} ${what}. Another program wrote it`
    return new StoreError('corrupt', message, { path: name, seq })
  })
}

function parseRecord(text: string, refuse: (what: string) => StoreError): PlainRecord {
  const raw = parse(text)
  if (typeof raw !== 'object' || raw === null) throw refuse('is not JSON')
  const { at, key, command, input, value, metadata, batch } = raw
  if (typeof at !== 'string' || !TIME.test(at) || Number.isNaN(Date.parse(at)))
    throw refuse('"at" is not a time in UTC')
  if (!isName(key)) throw refuse('"key" is not a string')
  if (!isName(command)) throw refuse('"command" is not a string')
  const wrong = metadata === undefined ? undefined : metadataIssue(metadata)
  if (wrong !== undefined) throw refuse(wrong)
  if (!isName(input)) throw refuse('"input" is not a string')
  const odd = value === undefined ? undefined : jsonIssue(value)
  if (odd) throw refuse(`${['value', ...odd.path].join('.')} ${odd.message}`)
  const least = input === undefined ? 1 : 0
  if (batch !== undefined && !(Array.isArray(batch) && batch.length >= least))
    throw refuse('"batch" is not a list of mutations')
  const mutations = batch ?? [raw]
  for (const mutation of mutations) {
    const issue = issueOf(mutation)
    if (issue !== undefined) throw refuse(issue)
  }
  return { at, key, command, input, value, metadata, mutations, isBatch: batch !== undefined }
}

function parse(text: string): Raw | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const isName = (value: unknown) => value === undefined || typeof value === 'string'

function metadataIssue(metadata: unknown): string | undefined {
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata))
    return '"metadata" is not an object'
  const issue = jsonIssue(metadata)
  return issue && `${['metadata', ...issue.path].join('.')} ${issue.message}`
}

function issueOf(mutation: PlainMutation | null): string | undefined {
  const { type, v = 1, payload } = mutation ?? {}
  if (typeof type !== 'string') return 'a mutation has no "type"'
  if (!Number.isInteger(v) || v < 1) return `"v" of ${JSON.stringify(type)} is not a version`
  const issue = payload === undefined ? undefined : jsonIssue(payload)
  return issue && `${['payload', ...issue.path].join('.')} ${issue.message}`
}
