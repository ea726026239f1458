// What "ministore-ts log" shows of a journal's records, and how.
import pc from 'picocolors'
import { textOf } from '../../journals/file/format/line.ts'
import {
  type PlainMutation,
  type PlainRecord,
  readEntry,
  readRecord,
} from '../../journals/file/format/record.ts'
import type { FilePosition, RecordLine } from '../../journals/file/format/scan.ts'
import type { OpenFile } from '../../port/file-system.ts'
import type { Entry } from '../../port/journal.ts'
import { print } from './output.ts'
import { didYouMean } from './suggest.ts'
import { counted, safe } from './text.ts'
import { type Condition, isMet } from './where.ts'

/** Printed at once: small, so that Ctrl-C and a reader that left are noticed. */
const PRINT_LENGTH = 2 ** 16
/** The end of a line, which is its checksum. */
const PROOF_BYTES = 18
/** How many names, and how long ones, are remembered for "did you mean". */
const MAX_NAMES = 10_000
const MAX_NAME_LENGTH = 256
/** How many names of a batch's mutations are shown. */
const MAX_TYPES = 5

export interface ViewOptions {
  /** Names of mutations; none: all. */
  readonly type: readonly string[]
  readonly after?: number
  readonly until?: number
  /** All of them hold. */
  readonly where: readonly Condition[]
  /** Milliseconds since 1970. */
  readonly since?: number
  readonly before?: number
  readonly limit?: number
  readonly follow?: true
  readonly format: 'pretty' | 'json'
}

interface Shown {
  readonly seq: number
  readonly record: PlainRecord
  /** As it was appended. */
  text(): string
}

const START: FilePosition = { seq: 0, offset: 0, line: 0 }

/** Prints records, and knows how far it is. */
export class View {
  /** The offset after the last line that was taken. */
  end: FilePosition
  readonly #path: string
  readonly #options: ViewOptions
  readonly #seen = new Set<string>()
  readonly #fields = new Set<string>()
  #lastBytes: Buffer = Buffer.alloc(0)
  #pending = ''
  #shown = 0
  #isRead = true

  constructor(path: string, options: ViewOptions, begin: FilePosition = START) {
    this.#path = path
    this.#options = options
    this.end = begin
  }

  /** Prints those of the records that match; `stop` where nothing more is wanted. */
  readonly take = async (lines: readonly RecordLine[]): Promise<'stop' | undefined> => {
    // Of a line without its newline, who follows cannot know whether it stays.
    const whole = this.#options.follow ? lines.filter(({ isEnded }) => isEnded) : lines
    try {
      return await this.#take(whole, (line) => {
        const record = readRecord(this.#path, line)
        return { seq: line.seq, record, text: () => textOf(line) }
      })
    } finally {
      this.#rememberEnd(whole.at(-1))
    }
  }

  /** As `take`, of a journal that is not a file. */
  takeEntries(entries: readonly Entry[]): Promise<'stop' | undefined> {
    return this.#take(entries, (entry) => {
      const record = readEntry(this.#path, entry)
      return { seq: entry.seq, record, text: () => entry.text }
    })
  }

  async #take<R>(records: readonly R[], read: (record: R) => Shown): Promise<'stop' | undefined> {
    try {
      for (const each of records) {
        const shown = read(each)
        this.#show(shown)
        if (this.#pending.length > PRINT_LENGTH) await this.#flush()
        if (this.#isOver(shown.seq)) return 'stop'
      }
    } finally {
      await this.#flush()
    }
    return this.#isRead ? undefined : 'stop'
  }

  #show(shown: Shown): void {
    const { seq, record } = shown
    for (const { type } of record.mutations)
      if (this.#seen.size < MAX_NAMES && type.length <= MAX_NAME_LENGTH) this.#seen.add(type)
    for (const field in record.metadata)
      if (this.#fields.size < MAX_NAMES && field.length <= MAX_NAME_LENGTH) this.#fields.add(field)
    if (!matches(this.#options, seq, record)) return
    const { format } = this.#options
    this.#pending += format === 'json' ? json(shown) : pretty(shown, this.#options)
    this.#shown += 1
  }

  #isOver(seq: number): boolean {
    const { limit, until = Number.POSITIVE_INFINITY } = this.#options
    return !this.#isRead || this.#shown === limit || seq >= until
  }

  async #flush(): Promise<void> {
    const text = this.#pending
    this.#pending = ''
    if (text !== '') this.#isRead = await print(text)
  }

  #rememberEnd(line: RecordLine | undefined): void {
    if (!line) return
    const { seq, offset, bytes } = line
    this.end = { seq, offset: offset + bytes.length + 1, line: line.line }
    this.#lastBytes = Buffer.from(bytes.subarray(-PROOF_BYTES))
  }

  /** Whether the last record that was taken is still where it was. */
  async isStillIn(file: OpenFile): Promise<boolean> {
    const { length } = this.#lastBytes
    const bytes = Buffer.alloc(length)
    await file.read(bytes, this.end.offset - 1 - length)
    return bytes.equals(this.#lastBytes)
  }

  /** Says on standard error which names were not found, if there was nothing to show. */
  hint(): void {
    if (this.#shown > 0) return
    for (const type of this.#options.type.filter((name) => !this.#seen.has(name))) {
      const meant = didYouMean(type, [...this.#seen])
      console.error(safe(`${this.#path}: no record has ${JSON.stringify(type)}${meant}`))
    }
    for (const { path } of this.#options.where) {
      const [group, field = ''] = path
      if (group !== 'metadata' || this.#fields.has(field)) continue
      const what = `no record has ${JSON.stringify(field)} in its metadata`
      console.error(safe(`${this.#path}: ${what}${didYouMean(field, [...this.#fields])}`))
    }
  }
}

/** Whether the record is one of those that were asked for. */
export function matches(options: ViewOptions, seq: number, record: PlainRecord): boolean {
  const { after = 0, until, since, before } = options
  if (seq <= after || (until !== undefined && seq > until)) return false
  if (since !== undefined && Date.parse(record.at) < since) return false
  if (before !== undefined && Date.parse(record.at) >= before) return false
  if (options.where.length > 0 && !isMet(options.where, record)) return false
  if (record.mutations.length === 0) return options.type.length === 0
  return record.mutations.some((mutation) => isWanted(options, mutation))
}

const isWanted = ({ type: wanted }: ViewOptions, { type }: PlainMutation) =>
  wanted.length === 0 || wanted.includes(type)

/** The record as it was written, with its seq. */
function json({ seq, text }: Shown): string {
  const line = `{"seq":${seq},${text().slice(1)}`
  // Written again if it has to be escaped, so that only its strings are escaped.
  return `${safe(line) === line ? line : safe(JSON.stringify(JSON.parse(line)))}\n`
}

/** One line for each of its mutations that was asked for. */
function pretty({ seq, record }: Shown, options: ViewOptions): string {
  const { at, key, command, metadata, mutations, isBatch } = record
  if (mutations.length === 0) return `${recordText(seq, record)}\n`
  return mutations
    .map((mutation, index) => {
      if (!isWanted(options, mutation)) return ''
      const { type, v = 1, payload } = mutation
      const fields = [
        pc.dim(String(seq)),
        at,
        isBatch && `${index + 1}/${mutations.length}`,
        key !== undefined && pc.yellow(`key=${word(key)}`),
        command !== undefined && pc.magenta(`command=${word(command)}`),
        metadata !== undefined && metadataText(metadata),
        pc.cyan(word(type)) + (v > 1 ? ` v${v}` : ''),
        payload !== undefined && safe(JSON.stringify(payload)),
      ]
      return `${fields.filter((field) => field !== false).join('  ')}\n`
    })
    .join('')
}

/** A whole record in one line, without its payloads. */
export function recordText(seq: number, record: PlainRecord): string {
  const { at, key, command, metadata, mutations } = record
  const types = [...new Set(mutations.map(({ type }) => type))].slice(0, MAX_TYPES).map(word)
  const more = mutations.length > 1 ? ` (${counted(mutations.length, 'mutation')})` : ''
  const fields = [
    pc.dim(String(seq)),
    at,
    key !== undefined && pc.yellow(`key=${word(key)}`),
    command !== undefined && pc.magenta(`command=${word(command)}`),
    metadata !== undefined && metadataText(metadata),
    mutations.length > 0 ? pc.cyan(types.join(', ')) + more : '(no mutations)',
  ]
  return fields.filter((field) => field !== false).join('  ')
}

/** `actor=ann reason="a typo"`: its fields as `--where` takes them, safe to print. */
export const metadataText = (metadata: object): string =>
  Object.entries(metadata)
    .map(([field, value]) => {
      const text = typeof value === 'string' ? word(value) : safe(JSON.stringify(value))
      return pc.green(`${word(field)}=${text}`)
    })
    .join(' ')

/** Without quotes if it is one plain word. */
const word = (text: string): string =>
  /^[\w.:/@-]+$/.test(text) ? text : safe(JSON.stringify(text))
