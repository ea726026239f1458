// defineStore: one literal → a definition, from which stores are opened.
import type { z } from 'zod'
import { memoryJournal } from '../journals/memory.ts'
import type { SharedJournal } from '../journals/shared/index.ts'
import type { SharedReader } from '../journals/url/index.ts'
import { isEngineUrl } from '../journals/url/scheme.ts'
import { digest } from '../json/index.ts'
import { definitionBrand } from '../mutation/brand.ts'
import { validateMetadata } from '../mutation/metadata.ts'
import type { GivenInput } from '../mutation/spec.ts'
import { validatePayload } from '../mutation/validate.ts'
import type { Journal } from '../port/journal.ts'
import type { CheckOptions, ReplayReport } from '../proof/check/report.ts'
import { encode } from '../record/encode.ts'
import { replay } from '../replay/index.ts'
import { readConfig } from './config.ts'
import type { DefinitionOf, StoreConfig } from './dsl.ts'
import { assertMessages, openStore, withPath } from './handle.ts'
import type { OpenOptions } from './open-store.ts'
import { originOfBase } from './origin.ts'
import { messageSchema } from './schema.ts'
import type { AnyStoreDefinition, FileOpenOptions, JournalSource } from './store-definition.ts'

/**
 * Defines a store; state, payload, rejection, input and result types are inferred from this literal.
 * Throws StoreError `bad_definition`, saying which part of it.
 */
export function defineStore<St, P, R, Q = {}, I = {}, V = {}, Me = unknown>(
  config: StoreConfig<St, P, R, Q, I, V, Me>,
): DefinitionOf<St, P, R, Q, I, V, Me> {
  const definition = readConfig(config)
  const { name, initial, mutations } = definition
  let schema: z.core.$ZodType | undefined
  /** Of a fact, which may be older than the schema: then it has none. */
  const givenMetadata = (given: object | undefined) =>
    given && validateMetadata(definition.metadata, 'memory', undefined, given)
  const loose = {
    [definitionBrand]: definition,
    name,
    initial,
    get schema() {
      schema ??= messageSchema(mutations.values())
      return schema
    },
    async open(source: JournalSource, options: FileOpenOptions = {}) {
      if (options.readOnly && isJournal(source) && !source.openReadOnly) {
        const next = 'A journal in a file is made so: fileJournal(path, { readOnly: true })'
        throw new TypeError(`open: readOnly is not for ${source.name}. ${next}`)
      }
      return openStore(definition, await toJournal(source, options), options)
    },
    async memory(given: readonly GivenInput[] = [], options: OpenOptions = {}) {
      assertMessages('memory', given)
      const journal = memoryJournal()
      const at = new Date((options.now ?? Date.now)()).toISOString()
      const entries = given.map(({ type, payload, metadata }) => {
        const parts = [validatePayload(definition.find(type), payload)]
        return { text: encode({ meta: { at }, metadata: givenMetadata(metadata), parts }, journal) }
      })
      await journal.append(entries, 0)
      return openStore(definition, journal, options)
    },
    async replay(source: JournalSource, { until }: { until?: number | undefined } = {}) {
      const journal = await toReader(source)
      const info = await journal.open(name)
      try {
        const start = originOfBase(definition, journal, info)
        const { state, seq, records } = await replay(definition, journal, { until, start })
        return { state, seq, records, digest: await digest(state) }
      } catch (error) {
        throw withPath(error, journal)
      } finally {
        await journal.close()
      }
    },
    async replayCheck(source: JournalSource, options?: CheckOptions) {
      const store = loose as never
      if (isEngineUrl(source) || isSharedJournal(source)) return checkShared(store, source, options)
      if (isJournal(source)) {
        const { replayCheck } = await import('../proof/check/replay-check.ts')
        return replayCheck(store, source, options)
      }
      const { checkFile } = await import('../proof/check/file.ts')
      return checkFile(store, await toReader(source), options)
    },
  }
  return loose as unknown as DefinitionOf<St, P, R, Q, I, V, Me>
}

/**
 * What `open`, `replay` and `replayCheck` take: a journal, or what names one. The file journal and the
 * engines are loaded when they are asked for, so that a browser never meets node:fs.
 */
async function toJournal(source: JournalSource, options: FileOpenOptions): Promise<Journal> {
  if (isJournal(source)) {
    if (!options.chain) return source
    const example = 'fileJournal(path, { chain: true })'
    throw new TypeError(`chain: a journal object has this option itself, such as ${example}`)
  }
  if (isEngineUrl(source)) {
    const { journalAt } = await import('../journals/url/index.ts')
    return journalAt(String(source), options.chain)
  }
  const { fileJournal } = await import('../journals/file/index.ts')
  return fileJournal(source, options)
}

/** As `toJournal`, for what is read once, up to its end at the time of opening. Nothing is created. */
async function toReader(source: JournalSource): Promise<Journal> {
  return isEngineUrl(source) || isSharedJournal(source)
    ? toSharedReader(source)
    : toJournal(source, { readOnly: true })
}

async function toSharedReader(source: string | URL | SharedJournal): Promise<SharedReader> {
  const { readerAt, SharedReader } = await import('../journals/url/index.ts')
  return isSharedJournal(source) ? new SharedReader(source) : readerAt(String(source))
}

const isSharedJournal = (source: unknown): source is SharedJournal =>
  isJournal(source) && 'find' in source

const isJournal = (source: unknown): source is Journal =>
  typeof source === 'object' && source !== null && 'append' in source

/** A server that cannot be reached says nothing about its records: then this throws, and reports nothing. */
async function checkShared(
  store: AnyStoreDefinition,
  source: string | URL | SharedJournal,
  options: CheckOptions | undefined,
): Promise<ReplayReport> {
  const { replayCheck } = await import('../proof/check/replay-check.ts')
  const journal = await toSharedReader(source)
  const report = await replayCheck(store, journal, options)
  journal.assertRead()
  return report
}
