// A module's memory gets a maximum by rewriting the binary: Node has no other way to limit it.
import { broken, encodeNumber, type Reader, sections } from './binary.ts'
import { ModuleError } from './errors.ts'

export const PAGE_BYTES = 65_536
export const pagesOf = (megabytes: number): number => megabytes * 16

export interface Memory {
  /** In pages of 64 KiB. */
  readonly initial: number
  readonly maximum?: number | undefined
  readonly isShared: boolean
  /** Where it is not the module's own. Create it with this maximum, or a lower one. */
  readonly from?: { readonly module: string; readonly name: string } | undefined
}

interface Found extends Memory {
  readonly section: number
  readonly flags: number
  /** Of its limits. */
  readonly begin: number
  readonly end: number
}

/** The memory that it has or imports. Throws ModuleError `memory_limit` if there are several. */
export function memoryOf(bytes: Uint8Array): Memory | undefined {
  const found = find(bytes)
  if (!found) return undefined
  const { initial, maximum, isShared, from } = found
  return { initial, maximum, isShared, from }
}

/**
 * The same module, whose memory cannot have more than `pages`. Throws ModuleError `memory_limit`
 * where it begins with more than that.
 */
export function limitMemory(bytes: Uint8Array, pages: number): Uint8Array {
  const found = find(bytes)
  if (!found || (found.maximum ?? Number.POSITIVE_INFINITY) <= pages) return bytes
  const { initial, flags, section, begin, end } = found
  if (initial > pages) {
    const what = `it needs ${initial} pages of memory at once, and is given ${pages}`
    throw new ModuleError('memory_limit', what)
  }
  const limits = [flags | HAS_MAXIMUM, ...encodeNumber(initial), ...encodeNumber(pages)]
  return replaced(bytes, { section, begin, end, limits })
}

const IMPORTS = 2
const MEMORIES = 5
const HAS_MAXIMUM = 1
const IS_SHARED = 2
const IS_64 = 4

function find(bytes: Uint8Array): Found | undefined {
  const all: Found[] = []
  for (const { id, begin, content } of sections(bytes)) {
    if (id === IMPORTS) all.push(...imported(content, begin))
    if (id === MEMORIES) all.push(...own(content, begin))
  }
  if (all.length <= 1) return all[0]
  throw new ModuleError('memory_limit', `it has ${all.length} memories; one can be limited`)
}

function* own(reader: Reader, section: number): Generator<Found> {
  for (let left = reader.number(); left > 0; left -= 1) yield limitsOf(reader, section)
}

function* imported(reader: Reader, section: number): Generator<Found> {
  for (let left = reader.number(); left > 0; left -= 1) {
    const from = { module: reader.text(), name: reader.text() }
    const kind = reader.byte()
    if (kind === 2) yield { ...limitsOf(reader, section), from }
    else skipImport(reader, kind)
  }
}

/** The bytes after the kind of an import. */
function skipImport(reader: Reader, kind: number): void {
  switch (kind) {
    case 0:
      reader.number()
      return
    case 1:
      skipType(reader)
      limitsOf(reader, 0)
      return
    case 3:
      skipType(reader)
      reader.byte()
      return
    case 4:
      reader.byte()
      reader.number()
      return
    default:
      throw broken(`an import of kind ${kind}, at byte ${reader.at}`)
  }
}

/** A reference with its heap type, or one byte. */
function skipType(reader: Reader): void {
  const type = reader.byte()
  if (type === 0x63 || type === 0x64) reader.number()
}

/** Of a table or a memory. */
function limitsOf(reader: Reader, section: number): Found {
  const begin = reader.at
  const flags = reader.byte()
  if (flags > 7) throw broken(`limits of kind ${flags}, at byte ${begin}`)
  const most = flags & IS_64 ? 10 : 5
  const initial = reader.number(most)
  const maximum = flags & HAS_MAXIMUM ? reader.number(most) : undefined
  const isShared = (flags & IS_SHARED) !== 0
  return { initial, maximum, isShared, section, flags, begin, end: reader.at }
}

interface Replacement {
  /** Where the section begins. */
  readonly section: number
  readonly begin: number
  readonly end: number
  readonly limits: readonly number[]
}

function replaced(bytes: Uint8Array, { section, begin, end, limits }: Replacement): Uint8Array {
  const found = [...sections(bytes)].find((each) => each.begin === section)
  if (!found) throw broken(`no section at byte ${section}`)
  const { id, content } = found
  const size = content.end - content.at + limits.length - (end - begin)
  return Buffer.concat([
    bytes.subarray(0, section),
    Uint8Array.from([id, ...encodeNumber(size)]),
    bytes.subarray(content.at, begin),
    Uint8Array.from(limits),
    bytes.subarray(end),
  ])
}
