// A definition, as its users hold it, and the types that can be taken from one.
import type { z } from 'zod'
import type { Journal } from '../port/journal.ts'
import type { CheckOptions, ReplayReport } from '../proof/check/report.ts'
import type { Immutable } from '../table/immutable.ts'
import type { MutationInputMap, MutationMap, RecordMap } from './messages.ts'
import type { DefaultMetadata, MetadataTypes } from './metadata.ts'
import type { OpenOptions, Store } from './open-store.ts'
import type { RejectsOf } from './outcome.ts'

/** S: state. M: `{ addTopic: { input, payload, rejects } }`. C: `{ createTopics: { input, value, rejects } }`. Q: retired. */
export interface StoreDefinition<S, M, C, Q = {}, Me extends MetadataTypes = DefaultMetadata> {
  readonly name: string
  readonly initial: Immutable<S>
  /**
   * `z.discriminatedUnion('type', …)` over all mutations: `store.dispatchAll([broker.schema.parse(message)])`.
   * It checks a message and gives its payload as it was; the dispatch applies defaults and transforms, once.
   */
  readonly schema: MutationSchema<M>
  /**
   * Opens a journal, the path or `file:` URL of a file, the URL of an engine's journal or any `Journal`, recovers it, replays it and resolves with the store.
   * Throws StoreError: `corrupt`, `foreign`, `wrong_store`, `newer_format`, `unknown_mutation`,
   * `apply_failed`, `upcast_failed`, `locked`, `io`. A refusal leaves the journal as it was.
   */
  open(journal: string | URL, options?: FileOpenOptions): Promise<Store<S, M, C, Q, Me>>
  open(journal: JournalSource, options?: OpenOptions): Promise<Store<S, M, C, Q, Me>>
  /** In memory, from a given history (facts: their `guard` does not run): given / when / then tests. */
  memory(
    given?: readonly (MutationInputMap<M>[keyof M & string] & { metadata?: Me['input'] })[],
    options?: OpenOptions,
  ): Promise<Store<S, M, C, Q, Me>>
  /** The state after seq `until` (default: all). Reads only, needs no lock. Throws StoreError at the first problem. */
  replay(journal: JournalSource, options?: { until?: number | undefined }): Promise<Replayed<S>>
  /**
   * The proof, for CI, that the journal and this definition still give the same state. What is wrong is in
   * the report. A path is checked against the digests in `<path>.check.json`, if there are any.
   */
  replayCheck(journal: JournalSource, options?: CheckOptions): Promise<ReplayReport>
  /** Types only. */
  readonly '~types'?: {
    readonly state: S
    readonly mutations: M
    readonly commands: C
    readonly retired: Q
    readonly metadata: Me
  }
}

/**
 * The path of a file, its `file:` URL, a journal, or the URL of a journal that an engine keeps:
 * `postgres://…#name`, `nats://…#name`, `tls://…#name`, `sqlite:path#name`. Anything else is a TypeError.
 */
export type JournalSource = string | URL | Journal

export interface FileOpenOptions extends OpenOptions {
  /** `fdatasync` in the thread pool, or on the main thread: right for command-line tools and a starved pool. */
  sync?: 'async' | 'blocking' | undefined
  /** `os`: no fsync at all; a power cut may lose acknowledged records. For tests and caches. */
  durability?: 'fsync' | 'os' | undefined
  /** `false`: takes no lock. The caller must keep a second writer out. */
  lock?: boolean | undefined
  /**
   * `true`: a journal that this call creates gets a hash chain, which `ministore seal` can sign; a journal that exists
   * without one is refused with `config`. The journal remembers it: without the option, its chain goes on as well.
   */
  chain?: boolean | undefined
}

export interface Replayed<S> {
  readonly state: Immutable<S>
  readonly seq: number
  readonly records: number
  /** `sha256:…` over the state's canonical JSON. */
  readonly digest: string
}

// biome-ignore lint/suspicious/noExplicitAny: "any definition" has no other spelling
export type AnyStoreDefinition = StoreDefinition<any, any, any, any, any>

export type State<D> = Field<Types<D>, 'state'>

export type MutationName<D> = keyof Mutations<D> & string

export type Mutation<D, K extends MutationName<D> = MutationName<D>> = MutationMap<Mutations<D>>[K]

export type MutationInput<D, K extends MutationName<D> = MutationName<D>> = MutationInputMap<
  Mutations<D>
>[K]

export type JournalRecord<
  D,
  K extends keyof Recorded<D> & string = keyof Recorded<D> & string,
> = RecordMap<Recorded<D>, Field<Field<Types<D>, 'metadata'>, 'output'>>[K]

export type RejectionOf<D, K extends MutationName<D> = MutationName<D>> = RejectsOf<Mutations<D>[K]>

export type StoreOf<D> =
  D extends StoreDefinition<infer S, infer M, infer C, infer Q, infer Me>
    ? Store<S, M, C, Q, Me>
    : never

type Types<D> = D extends { readonly '~types'?: infer T } ? NonNullable<T> : never

export type Field<T, K extends string> = T extends { readonly [P in K]: infer V } ? V : never

type Mutations<D> = Field<Types<D>, 'mutations'>

type Recorded<D> = Mutations<D> & Field<Types<D>, 'retired'>

type MutationSchema<M> = z.ZodDiscriminatedUnion<
  {
    [K in keyof M & string]: M[K] extends { input: infer I }
      ? z.ZodObject<{
          type: z.ZodLiteral<K>
          payload: undefined extends I ? z.ZodOptional<z.ZodType<I, I>> : z.ZodType<I, I>
        }>
      : never
  }[keyof M & string][],
  'type'
>
