// A journal's records, one after the other, along its hash chain: compared with seals on the way, and ready to be sealed at the end.
import { createHash } from 'node:crypto'
import { StoreError } from '../../errors.ts'
import { describeBreak, hashOf, splitHash } from '../../journals/chain/hash.ts'
import { continueChain } from '../../journals/file/format/chain.ts'
import { encodeHeader, type Header, lineHash } from '../../journals/file/format/line.ts'
import { type RecordLine, readLines } from '../../journals/file/format/scan.ts'
import type { EngineEntry, EngineLook } from '../../journals/shared/index.ts'
import type { Comparison } from '../../proof/seals/comparison.ts'
import type { SealedHeader, Statement } from '../../proof/seals/seal.ts'
import type { JournalFile } from './journal-file.ts'

const NEWLINE = Buffer.from('\n')
const UNCHAINED =
  'has a hash, although the journal has no hash chain: its header was edited, or the record is of another journal'

/** Of a file, from its first byte on. */
export class FileWalk {
  readonly #path: string
  readonly #comparison: Comparison | undefined
  readonly #isArchive: boolean
  readonly #bytes = createHash('sha256')
  #count = 0
  #header: SealedHeader = {}
  #isChained = false
  #end = { seq: 0, hash: '' }

  constructor(path: string, comparison: Comparison | undefined, isArchive = false) {
    this.#path = path
    this.#isArchive = isArchive
    this.#comparison = comparison
  }

  /** Reads what is before the records. Throws StoreError `corrupt` if the header is not as ministore writes it. */
  async begin({ file, header, begin }: JournalFile): Promise<void> {
    for await (const lines of readLines(file, 0, begin.offset)) {
      for (const { bytes, offset } of lines) {
        if (offset === 0) this.#header = this.#readHeader(bytes)
        this.#add(bytes)
      }
    }
    this.#isChained = header?.chain !== undefined
    this.#end = { seq: begin.seq, hash: header?.base?.hash ?? header?.chain ?? '' }
    this.#comparison?.begin({
      ...{ name: this.#path, header: this.#header },
      ...{ begin: begin.seq, isArchive: this.#isArchive },
    })
    this.#compare()
  }

  /** Throws StoreError `corrupt` if the record does not continue the chain. */
  take(record: RecordLine): void {
    const { bytes, seq, line, offset } = record
    if (this.#isChained) {
      const hash = continueChain(this.#path, record, this.#end.hash)
      this.#end = { seq, hash }
    } else if (lineHash(bytes) !== undefined) {
      const where = `${this.#path}:${line} (byte ${offset}): record ${seq}`
      throw new StoreError('corrupt', `${where} ${UNCHAINED}`, {
        ...{ path: this.#path, seq, line, offset },
      })
    }
    if (!this.#comparison) return
    this.#add(bytes, record.isEnded)
    this.#compare()
  }

  /** What a seal says of what was read; undefined without a hash chain. */
  end(): Statement | undefined {
    this.#comparison?.end(this.#end.seq)
    if (!this.#isChained) return undefined
    return { header: this.#header, ...this.#end, file: this.#file }
  }

  get #file() {
    return { bytes: this.#count, digest: this.#bytes.copy().digest('hex') }
  }

  #compare(): void {
    const { seq, hash } = this.#end
    if (this.#comparison?.has(seq)) this.#comparison.record(seq, hash, this.#file)
  }

  #add(line: Buffer, isEnded = true): void {
    this.#bytes.update(line)
    // A record that was sealed had its newline.
    if (isEnded) this.#bytes.update(NEWLINE)
    this.#count += line.length + Number(isEnded)
  }

  #readHeader(line: Buffer): SealedHeader {
    const { crc: _, ...header } = JSON.parse(line.toString())
    if ('chain' in header && encodeHeader(header as Header) !== `${line}\n`) {
      const what = `${this.#path}:1: the header fits its checksum, but ministore does not write it like this`
      throw new StoreError('corrupt', what, { path: this.#path, line: 1, offset: 0 })
    }
    return header
  }
}

/** Of a shared journal, whose records an open journal shows. */
export class EngineWalk {
  readonly #name: string
  readonly #comparison: Comparison | undefined
  readonly #found: EngineLook
  readonly #chain: string | undefined
  #header: SealedHeader | undefined
  #end: { seq: number; hash: string | undefined }

  constructor(name: string, found: EngineLook, comparison: Comparison | undefined) {
    this.#name = name
    this.#found = found
    this.#comparison = comparison
    const { chain } = JSON.parse(found.features) as { chain?: string }
    this.#chain = chain
    const seq = found.first - 1
    this.#end = { seq, hash: seq === 0 ? chain : comparison?.sealedHash(seq) }
  }

  /** Throws StoreError `corrupt` if the record does not continue the chain. */
  take({ seq, text, hash }: EngineEntry): void {
    this.#begin(text)
    if (this.#chain === undefined) {
      if (splitHash(text).hash !== undefined) throw this.#damaged(seq, UNCHAINED)
      return
    }
    const { hash: previous } = this.#end
    if (hash === undefined || (previous !== undefined && hash !== hashOf(previous, seq, text)))
      throw this.#damaged(seq, `does not fit: ${describeBreak(hash)}`)
    this.#end = { seq, hash }
    if (this.#comparison?.has(seq)) this.#comparison.record(seq, hash)
  }

  /** As of a file. */
  end(): Statement | undefined {
    const header = this.#begin('')
    this.#comparison?.end(this.#end.seq)
    const { seq, hash } = this.#end
    return this.#chain === undefined || hash === undefined ? undefined : { header, seq, hash }
  }

  /** If the journal was truncated, its first record is in the header: no hash that can be compared covers it. */
  #begin(text: string): SealedHeader {
    if (this.#header) return this.#header
    const { epoch, store, first, features } = this.#found
    const digest = createHash('sha256').update(text).digest('hex')
    const header = {
      ...{ journal: epoch, store, ...JSON.parse(features) },
      ...(first > 1 && { first: { seq: first, digest } }),
    }
    this.#header = header
    this.#comparison?.begin({ name: this.#name, header, begin: first - 1 })
    if (first === 1 && this.#chain !== undefined) this.#comparison?.record(0, this.#chain)
    return header
  }

  #damaged(seq: number, what: string): StoreError {
    return new StoreError('corrupt', `${this.#name}: record ${seq} ${what}`, {
      ...{ path: this.#name, seq },
    })
  }
}
