/// <reference lib="esnext.disposable" preserve="true" />
// The type-level half of the DSL and the ports: types only, nothing at run time.
//
// What makes inference from one literal work, each found by experiment (test/types keeps it):
// unconstrained type maps (a constraint such as `P extends Record<string, ZodType>` turns every
// payload into `unknown` as soon as one mutation has none); two intersected reverse-mapped types,
// payloads from P and rejections from R; `Tx` never mentions R; function-typed properties instead of
// method signatures; `z.core.$ZodType` instead of `z.ZodType`, which is three times slower to check.
import type { Draft } from 'immer'
import type { z } from 'zod'
import type { Rejection, StoreError } from './errors.ts'
import type { ReadonlyTable, Table } from './table/types.ts'

// ── 1. Declare ──────────────────────────────────────────────────────────────────────────────────

export interface StoreConfig<St, P, R, Q, I, V, Me = unknown> {
  /** Written to the journal; opening a journal of another name fails. 1 to 128 characters. */
  name: string
  /** Initial state, or a Zod object schema accepting `{}`. JSON only. */
  state: St & CheckState<St>
  /**
   * What each dispatch says about itself, such as who asked for it: a `z.object`. It is journaled with the record. Guards
   * and commands read it; reducers do not, so this schema may change freely.
   */
  metadata?: Me & CheckMetadata<Me>
  /** Facts, journaled and replayed: `{ payload?, upcast?, guard?, apply }` by type name. */
  mutations: { [K in keyof P]: PayloadConfig<P[K]> } & {
    [K in keyof R]: RuleConfig<StateOf<St>, Get<P, K>, R[K], MetadataOutput<Me>>
  }
  /** No longer dispatchable, but still in old journals. */
  retired?: { [K in keyof Q]: MutationConfig<StateOf<St>, Q[K]> }
  /** Decisions, neither journaled nor replayed: `{ input?, run }` by name; they dispatch mutations, all or none. */
  commands?: { [K in keyof I]: CommandConfig<I[K]> } & {
    [K in keyof V]: RunConfig<StateOf<St>, P, Get<I, K>, V[K], MetadataOutput<Me>>
  }
}

export interface PayloadConfig<P> {
  /** Its output is what is journaled: must be JSON and valid input again. Omit for a mutation without payload. */
  payload?: P & CheckPayload<P>
  /**
   * Old payload versions, `{ 1: v1Schema.transform((old) => current) }`; current version = 1 + largest key, no gaps.
   * `upcaster(v1Schema, (old, meta) => current)` also gets the record's `seq`, `at` and `key`.
   */
  upcast?: { readonly [version: number]: z.core.$ZodType<InputOf<P>> | Upcaster<InputOf<P>> }
}

export interface ReducerConfig<S, P> {
  /**
   * What the replay check may find this mutation to depend on, each with the reason why that does no harm.
   * The check reports the reason as a note and does not vary this source.
   */
  accept?: AcceptedSources
  /** Change the draft or return a new state. Runs live and on every replay: synchronous, deterministic, never refuses. */
  apply: (
    draft: Draft<S>,
    payload: PayloadOf<P>,
    meta: Meta,
  ) =>
    | void
    | Draft<S>
    | NotAwaited
    | Problem<'apply() returns nothing or the next state: write (draft) => { draft.n++ }'>
}
/** Nothing returns these: the compiler quotes them when a reducer returns something else. */
type NotAwaited = Promise<
  Problem<'apply() must be synchronous: await before dispatch(), and put the result into the payload'>
>

export interface MutationConfig<S, P> extends PayloadConfig<P>, ReducerConfig<S, P> {}

export interface RuleConfig<S, P, R, Me = WellKnownMetadata> extends ReducerConfig<S, P> {
  /** A business rule, before `apply`. It runs live only, never on replay, so it may change. `return reject(code, details)` to refuse. */
  guard?: (
    state: Immutable<S>,
    payload: PayloadOf<P>,
    meta: GuardMeta<Me>,
  ) => (R & OnlyRejections<R>) | Nothing
}

export interface CommandConfig<I> {
  input?: I &
    (unknown extends I
      ? unknown
      : I extends z.core.$ZodType
        ? unknown
        : Problem<'input must be a Zod schema'>)
}

export interface RunConfig<S, P, I, V, Me = WellKnownMetadata> {
  /** Decide and dispatch. `return reject(...)` to refuse; anything else returned is the command's `value`. */
  run: (tx: Tx<S, Inputs<P>, Me>, input: PayloadOf<I>) => (V & OnlySync<V>) | Nothing
}

/** An old payload version that becomes the current one with the help of `meta`. `upcaster` makes one. */
export interface Upcaster<In> {
  /** What records of this version hold. */
  readonly schema: z.core.$ZodType
  /**
   * From what `schema` gives to input for the current schema. Runs on every replay: synchronous and
   * deterministic. `meta.at` is the only clock.
   */
  // biome-ignore lint/suspicious/noExplicitAny: only `upcaster` knows what its own schema gives
  readonly transform: (payload: any, meta: Meta) => In
}

/** What the result of a function may depend on, apart from its input. */
export type ImpureSource =
  | 'clock' // Date.now(), new Date(), performance.now(), process.hrtime()
  | 'random' // Math.random(), crypto.randomUUID()
  | 'timeZone' // getHours(), toString(), new Date(2026, 0)
  | 'locale' // toLocaleString(), localeCompare(), Intl without a locale
  | 'environment' // process.env, process.argv, process.cwd()
  | 'host' // os.hostname(), process.pid, process.memoryUsage()
  | 'files' // readFileSync(), execSync()
  | 'later' // timers, the network
/** `{ timeZone: 'All servers run in UTC.' }` */
export type AcceptedSources = { readonly [S in ImpureSource]?: string }

/** Journaled with the mutation, so the same on replay. */
export interface Meta {
  /** The record's sequence number; all mutations of a batch share it. */
  readonly seq: number
  /**
   * Commit time, ISO-8601 UTC. Never before the record that precedes it, whatever the clocks show. A reducer's only
   * clock: use it instead of `Date.now()`.
   */
  readonly at: string
  /** The idempotency key, where one was given. */
  readonly key?: string
}

/** What a guard reads: also who asked, and why. `Me`: the output of the metadata's schema. */
export interface GuardMeta<Me = WellKnownMetadata> extends Meta {
  /** Empty if the dispatch has no metadata. */
  readonly metadata: Immutable<Me>
}

/** Metadata that every definition accepts, whatever its own schema is. */
export interface WellKnownMetadata {
  /** Names all that one request caused, also in other stores and services. 1 to 1,024 characters. */
  readonly correlationId?: string | undefined
  /** What caused this: the seq of a record in the same journal, or an id from elsewhere of 1 to 1,024 characters. */
  readonly causationId?: number | string | undefined
  /** The span that this belongs to, as W3C Trace Context writes it. */
  readonly traceparent?: string | undefined
}
/** Metadata as a journal may have it. */
export type Metadata = { readonly [field: string]: Json }
/** `input`: what a dispatch is given. `output`: what guards and commands read. */
export interface MetadataTypes {
  readonly input: object
  readonly output: object
}
export interface DefaultMetadata {
  readonly input: WellKnownMetadata
  readonly output: WellKnownMetadata
}
export type MetadataInput<Me> = Me extends z.core.$ZodObject
  ? Accepted<z.input<Me>> & Omit<WellKnownMetadata, keyof z.input<Me>>
  : WellKnownMetadata
export type MetadataOutput<Me> = Me extends z.core.$ZodObject
  ? z.output<Me> & Omit<WellKnownMetadata, keyof z.output<Me>>
  : WellKnownMetadata
/** `store.with`: what it was given is no longer required. */
export interface BoundMetadata<Me extends MetadataTypes, Given> {
  readonly input: Omit<Me['input'], RequiredKeys<Given>> &
    Partial<Pick<Me['input'], RequiredKeys<Given> & keyof Me['input']>>
  readonly output: Me['output']
}
type RequiredKeys<T> = { [K in keyof T]-?: {} extends Pick<T, K> ? never : K }[keyof T]
/** Metadata in a record. Records of older definitions may lack any of it. */
export type JournaledMetadata<Me> = { readonly [K in keyof Me]?: Immutable<Me[K]> | undefined }

export interface Tx<S, M, Me = WellKnownMetadata> {
  /** Includes what this transaction dispatched so far. */
  readonly state: Immutable<S>
  readonly at: string
  /** Of the whole transaction; empty if it has none. */
  readonly metadata: Immutable<Me>
  /** Validates and applies now. Throws the guard's Rejection, which aborts the transaction unless `run` catches it. */
  dispatch<K extends keyof M & string>(
    type: K | Problem<'call dispatch(type, payload) or dispatchAll([message])'>,
    ...payload: PayloadArgs<M[K]>
  ): Meta
}

export interface MutationPart<S, P, R, Me = WellKnownMetadata> {
  readonly payload: P
  readonly guard: (state: Immutable<S>, payload: PayloadOf<P>, meta: GuardMeta<Me>) => R
  readonly apply: MutationConfig<S, P>['apply']
}

export interface CommandPart<S, P, I, V, Me = WellKnownMetadata> {
  readonly input: I
  readonly run: (tx: Tx<S, Inputs<P>, Me>, input: PayloadOf<I>) => V
}

/** What `mutationsFromUnion` makes of one option of the union. */
export type UnionParts<S, U> = {
  [O in OptionOf<U> as NameOf<O, DiscriminatorOf<U>>]: MutationPart<
    S,
    UnionPayload<O, DiscriminatorOf<U>>,
    undefined
  >
}
/** One reducer for each option of the union. */
export type UnionReducers<S, U> = {
  [O in OptionOf<U> as NameOf<O, DiscriminatorOf<U>>]: MutationConfig<
    S,
    UnionPayload<O, DiscriminatorOf<U>>
  >['apply']
}

/** What `defineStore` returns for such a config. */
export type DefinitionOf<St, P, R, Q, I, V, Me = unknown> = StoreDefinition<
  StateOf<St>,
  {
    // By R, which has every name: where no mutation has a payload, P may have none.
    [K in keyof R]: {
      input: InputOf<Get<P, K>>
      payload: PayloadOf<Get<P, K>>
      rejects: RejectionsIn<R[K]>
    }
  },
  {
    [K in keyof V]: {
      input: InputOf<Get<I, K>>
      value: ValueIn<V[K]>
      rejects: RejectionsIn<V[K]>
    }
  },
  { [K in keyof Q]: { payload: PayloadOf<Q[K]> } },
  { readonly input: MetadataInput<Me>; readonly output: MetadataOutput<Me> }
>

// ── 2. A definition ─────────────────────────────────────────────────────────────────────────────

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
   * the report. A path is checked against the digests in `<path>.check.json`, where there are any.
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

export interface OpenOptions {
  /**
   * The clock that `meta.at` is taken from, milliseconds since 1970. If it shows a time before the last record's, the
   * record has that record's `at`. Default `Date.now`.
   */
  now?: (() => number) | undefined
  /** Told when a listener throws; nothing else is harmed. Default `console.error`. */
  onListenerError?: ((error: unknown) => void) | undefined
  /** Told once why, where the store takes no more dispatches and follows no more, without having been closed. */
  onStop?: ((error: StoreError) => void) | undefined
  /**
   * Creates and writes nothing; a dispatch throws StoreError `read_only`. A store on an engine follows what others
   * append. A store on a file takes no lock, and has what was durable at the time of opening.
   */
  readOnly?: boolean | undefined
}

export interface FileOpenOptions extends OpenOptions {
  /** `fdatasync` in the thread pool, or on the main thread: right for command-line tools and a starved pool. */
  sync?: 'async' | 'blocking' | undefined
  /** `os`: no fsync at all; a power cut may lose acknowledged records. For tests and caches. */
  durability?: 'fsync' | 'os' | undefined
  /** `false`: do not keep a second writer out; somebody else must. */
  lock?: boolean | undefined
}

// ── 3. The Journal port ─────────────────────────────────────────────────────────────────────────

/** One durable record. `text` is the record as JSON, without its seq, exactly as it was appended. */
export interface Entry {
  readonly seq: number
  readonly text: string
  /** From 1, where the journal has lines: for messages. */
  readonly line?: number | undefined
}
export type NewEntry = Pick<Entry, 'text'>

/**
 * `ok`: everything up to `seq` is durable; a journal may take only the first entries of a large
 * batch. A conflict (another writer was first) is a value; `head` is a hint.
 */
export type AppendResult = { ok: true; seq: number } | { ok: false; head: number }

export interface JournalInfo {
  /** Identity of this history: another epoch under the same name is another journal. */
  readonly epoch: string
  /** Seq of the last durable record; 0 when empty. */
  readonly head: number
  /** True when this open created the journal. */
  readonly created: boolean
  /** What was wrong with the journal's end, where something was. */
  readonly found?: Found
  /** Where it was compacted: the state that its records stand on, and its digest. */
  readonly base?: { readonly seq: number; readonly digest: string }
  /** Opened on a copy that follows the server that is written to. */
  readonly replica?: Replica
  /** The snapshot beside it, where there is one: of which definition, by fingerprint; or why it is of no use. */
  readonly snapshot?: { readonly seq: number; readonly definition: string } | UnusedSnapshot
}

/** `lag`: how many milliseconds the copy was late, if the server can tell. */
export interface Replica {
  readonly lag?: number
}

export interface UnusedSnapshot {
  readonly used: false
  readonly reason: string
}

/** The journal's last bytes, as a crash left them. */
export interface Found {
  /** `torn_write`, `torn_header`: cut off while being written; never acknowledged. `lost_newline`: a whole record that was kept. */
  readonly kind: 'torn_write' | 'torn_header' | 'lost_newline'
  /** Where it begins, in bytes. */
  readonly offset: number
  /** How many bytes it took. */
  readonly bytes: number
  /** Where the bytes were kept; absent when nothing was changed (read-only) or nothing was cut. */
  readonly savedTo?: string
}

/** What opening found and did. */
export interface Recovery {
  readonly created: boolean
  /** Where the journal was compacted: the seq of the state that its records stand on. */
  readonly base?: number
  /** Records replayed: those behind the snapshot, or behind the state that compacting left. */
  readonly records: number
  readonly found?: Found
  /** Whether the snapshot beside the journal was used; absent where there is none. */
  readonly snapshot?: { readonly used: true; readonly seq: number } | UnusedSnapshot
  /** Why the replay went through Immer, record by record: the same state, but slower. */
  readonly fallback?: string
  /** Opened for reading on a copy of the engine's server, such as a standby of PostgreSQL. */
  readonly replica?: Replica
}

/**
 * Where records go: a file, memory, a database. seq is 1, 2, 3 … without holes on every engine.
 * A failed append throws a StoreError: `io` = certainly not appended, anything else = unknown.
 */
export interface Journal {
  /** For messages: a path, an address. */
  readonly name: string
  /** The path of its file, if another thread can open the journal by it. */
  readonly location?: string | undefined
  /** The largest entry it takes, in bytes of UTF-8. */
  readonly maxEntryBytes: number
  /**
   * Create it if absent, check that it belongs to `store`, recover. Once, before anything else; where
   * it fails, it has released what it took.
   */
  open(store: string): Promise<JournalInfo>
  /**
   * In place of `open`, for a store that only reads: creates and changes nothing. Throws StoreError `io` if there is no
   * such journal. Absent if the journal itself says how it is opened, as one in a file does.
   */
  openReadOnly?(store: string): Promise<JournalInfo>
  /** In this order, first seq = `expected + 1`, durable when it resolves. One call at a time. */
  append(batch: readonly NewEntry[], expected: number): Promise<AppendResult>
  /** The durable records with seq > `after` (and ≤ `to`), contiguous, then ends. */
  read(after: number, options?: { to?: number | undefined }): AsyncIterable<readonly Entry[]>
  /**
   * Only where others append to it too: the records with seq > `after`, own ones as well, as they come.
   * Ends when the signal aborts. A failed append that throws `unavailable` was certainly not written.
   */
  follow?(after: number, signal: AbortSignal): AsyncIterable<readonly Entry[]>
  close(): Promise<void>
  /** Only where it can keep snapshots. `read` then throws StoreError `compacted` below its base. */
  readonly snapshots?: Snapshots
}

/** What a journal keeps of a store's state. Opening is complete before any of it is called. */
export interface Snapshots {
  /** What the records stand on since they were compacted. Throws StoreError `corrupt`. */
  readBase(): Promise<Snapshot | undefined>
  /** The one that `open` named, unless it did not say. Throws StoreError `corrupt`. */
  read(): Promise<Snapshot | undefined>
  /** Of durable records only. Appends go on meanwhile. `definition`: its fingerprint. */
  save(snapshot: Snapshot, definition: Awaitable<string>): Promise<SnapshotReceipt>
  /** Appends go on meanwhile, but for the last moment. */
  compact(snapshot: Snapshot, options: CompactOptions): Promise<CompactReceipt>
}

/** All that opening needs in place of the records up to `seq`. What is read is the reader's own. */
export interface Snapshot extends Head {
  /** Idempotency keys, in the order of their records. */
  readonly keys: Iterable<KeptKey>
  /** The definition's initial state when the journal was compacted: only in what it was compacted to. */
  readonly initial?: unknown
}
/** `body`: what the record says apart from when and under which key. */
export type KeptKey = readonly [key: string, seq: number, at: string, body: string]

// ── The FileSystem port, below the file journal ─────────────────────────────────────────────────

export type Awaitable<T> = T | Promise<T>

/** What the file journal asks of a disk. Errors carry the system's `code`, such as `ENOSPC`. */
export interface FileSystem {
  /**
   * The absolute path of the file that `path` names: if `path` is a symbolic link, of the file that the
   * link leads to, which need not exist. Throws `ELOOP`, and `ENOENT` if the link leads to a missing directory.
   */
  resolve(path: string): Awaitable<string>
  /** `r`: read. `r+`: read and write. `wx`: write a new file, mode 0600, or fail with `EEXIST`. */
  open(path: string, flags: 'r' | 'r+' | 'wx'): Awaitable<OpenFile>
  /** With missing parents; durable when it resolves. */
  mkdir(path: string): Awaitable<void>
  rename(from: string, to: string): Awaitable<void>
  /** Another name for the same file. Throws `EEXIST` where that is taken. */
  link(from: string, to: string): Awaitable<void>
  unlink(path: string): Awaitable<void>
  /** The names of the files in this directory. */
  list(path: string): Awaitable<readonly string[]>
  /**
   * Makes what was created, renamed or removed in this directory durable. Does nothing if the file system
   * cannot sync directories.
   */
  syncDir(path: string): Awaitable<void>
  /** Resolves to the release function, or throws StoreError `locked`. */
  lock(path: string): Awaitable<() => Awaitable<void>>
}

export interface OpenFile {
  /** Bytes. Throws `EISDIR` and the like where there can be none. */
  size(): Awaitable<number>
  /** How many bytes were read; 0 at the end. */
  read(into: Uint8Array, position: number): Awaitable<number>
  /** How many bytes were written: fewer than given is a failure whose reason is lost. */
  write(bytes: Uint8Array, position: number): Awaitable<number>
  truncate(size: number): Awaitable<void>
  /** The bytes, and what is needed to find them again. */
  datasync(): Awaitable<void>
  sync(): Awaitable<void>
  /** Bytes; undefined where `path` no longer leads to this file, since it was removed, renamed or replaced. */
  sizeAt(path: string): Awaitable<number | undefined>
  /** How many names (hard links) it has; 0 if the last one was removed. */
  links(): Awaitable<number>
  /**
   * Gives it the owner, group, mode, access control list and extended attributes of the file at `path`.
   * Throws if this process may not set one of them.
   */
  copyAccess(path: string): Awaitable<void>
  /** Until it is closed, nobody else gets this file's lock, by whatever name they open it; false where one has it. */
  tryLock(): Awaitable<boolean>
  close(): Awaitable<void>
}

// ── 4. An open store (methods are bound) ────────────────────────────────────────────────────────

export interface Store<S, M, C, Q = {}, Me extends MetadataTypes = DefaultMetadata> {
  /** The durable state: in memory, deeply frozen, no copy. */
  readonly state: Immutable<S>
  /** Seq of the last record in `state`; 0 when empty. */
  readonly seq: number
  readonly recovery: Recovery
  getState(): Immutable<S>
  getInitialState(): Immutable<S>
  /**
   * A state no older than this call: of a shared journal, it has all that other processes had appended
   * by then. Throws StoreError `unavailable`, and what `open` throws of a record that does not fit.
   */
  refresh(): Promise<Immutable<S>>
  /** parse → guard → apply to a draft → journal → publish. Resolves when durable. */
  dispatch<K extends keyof M & string>(
    type: K | Problem<'call dispatch(type, payload) or dispatchAll([message])'>,
    ...args: DispatchArgs<M[K], Me['input']>
  ): Outcome<Receipt, RejectsOf<M[K]> | Invalid | Conflict>
  /** All or none, one record, one seq. */
  dispatchAll(
    mutations: readonly MutationInputMap<M>[keyof M & string][],
    ...options: OptionsArgs<DispatchOptions, Me['input']>
  ): Outcome<Receipt, ByCode<AllRejects<M>> | Invalid | Conflict>
  /** An unnamed command. */
  transaction<T>(
    run: (tx: Tx<S, M, Me['output']>) => (T & OnlySync<T>) | Nothing,
    ...options: OptionsArgs<ExecuteOptions, Me['input']>
  ): Outcome<Executed<ValueIn<T>>, ByCode<RejectionsIn<T> | AllRejects<M>> | Invalid | Conflict>
  execute<K extends keyof C & string>(
    command: K,
    ...args: CommandArgs<C[K], Me['input']>
  ): Outcome<
    Executed<CommandValue<C[K]>>,
    ByCode<RejectsOf<C[K]> | AllRejects<M>> | Invalid | Conflict
  >
  /**
   * The same store, for one request: what is dispatched through it has this metadata, and over it what the call itself
   * gives. Checked at the first dispatch. Closing it closes the store.
   */
  with<Given extends Partial<Me['input']>>(bound: {
    readonly metadata: Given & { readonly [K in Exclude<keyof Given, keyof Me['input']>]: never }
  }): Store<S, M, C, Q, BoundMetadata<Me, Given>>
  /** Once per commit, after it is durable. Returns the unsubscribe function. */
  subscribe(
    listener: (
      state: Immutable<S>,
      previous: Immutable<S>,
      records: readonly RecordMap<M & Q, Me['output']>[keyof (M & Q) & string][],
    ) => void,
  ): () => void
  /** When the selected value changed (`Object.is`, or `equals`). */
  subscribe<T>(
    selector: (state: Immutable<S>) => T,
    listener: (
      value: T,
      previous: T,
      records: readonly RecordMap<M & Q, Me['output']>[keyof (M & Q) & string][],
    ) => void,
    options?: SubscribeOptions<T>,
  ): () => void
  /** Committed records with current-version payloads: seq > after, ≤ until; `follow` waits for more, until close. */
  records(
    options?: RecordsOptions,
  ): AsyncIterableIterator<RecordMap<M & Q, Me['output']>[keyof (M & Q) & string]>
  /**
   * Writes the state to `<journal>.snapshot`, so that the next opening replays only what comes after.
   * Dispatches go on. Throws StoreError `io`, which harms nothing; `invalid_state` where the state is not
   * JSON; TypeError where the journal cannot keep snapshots.
   */
  snapshot(): Promise<SnapshotReceipt>
  /**
   * Puts the state in the place of the records that made it, which are kept in `<journal>.<seq>.archive`.
   * Dispatches go on. Throws as `snapshot` does, and `unknown` where the store has to be opened again.
   */
  compact(options?: CompactOptions): Promise<CompactReceipt>
  /**
   * Replays the journal's file in a worker thread, up to the store's seq, and compares the digest with that of
   * the state in memory. Dispatches go on. A difference or damage is in the report. Throws TypeError if
   * the journal is not in a file; StoreError `bad_definition` if `module` does not export the definition.
   */
  verify(options: VerifyOptions): Promise<VerifyReport>
  /** Waits for what is in flight, refuses the rest with `closed`, releases the lock. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export interface VerifyOptions {
  /** The module that exports the definition, such as `new URL('./broker.js', import.meta.url)`. The worker imports it. */
  module: string | URL
  /** The name of that export. Default: the one whose store has the same name. */
  export?: string | undefined
  /** Ends the verification by throwing the signal's reason. */
  signal?: AbortSignal | undefined
}
export interface VerifyReport {
  /** Whether the journal gives the state that is in memory. */
  readonly ok: boolean
  /** The last record that was compared. */
  readonly seq: number
  /** How many records were replayed. */
  readonly records: number
  /** The digest of the state in memory. */
  readonly memory: string
  /** The digest of the state that the journal gives; `undefined` if it could not be replayed. */
  readonly disk: string | undefined
  /** Why it could not be replayed: the code and the message of the StoreError. */
  readonly problem?: { readonly code: string; readonly message: string }
}

export interface SnapshotReceipt {
  /** The last record in it. */
  readonly seq: number
  readonly bytes: number
  readonly path: string
}
export interface CompactOptions {
  /** `false`: do not keep the records. */
  archive?: boolean | undefined
}
export interface CompactReceipt {
  /** The last record that the state stands for now. */
  readonly seq: number
  /** The journal's size before and after. */
  readonly before: number
  readonly bytes: number
  /** Where the records are kept; absent where they are not, or where there was nothing to do. */
  readonly archive?: string
}

export interface DispatchOptions {
  /** Idempotency key: the same key again resolves to the first receipt with `duplicate: true`. 1 to 1,024 characters. */
  key?: string | undefined
  /** Refuse with `conflict` unless the store is at this seq. */
  expectSeq?: number | undefined
  /** What the definition's `metadata` schema accepts, and `correlationId`, `causationId`, `traceparent`. */
  metadata?: object | undefined
}
export type ExecuteOptions = Pick<DispatchOptions, 'expectSeq' | 'metadata'>

export interface SubscribeOptions<T> {
  equals?: ((a: T, b: T) => boolean) | undefined
  /** Call the listener at once, with the current value as both values and no records. */
  immediate?: boolean | undefined
}

export interface RecordsOptions {
  after?: number | undefined
  until?: number | undefined
  follow?: boolean | undefined
  /** Ends the iteration by throwing the signal's reason. */
  signal?: AbortSignal | undefined
}

// ── 5. Outcomes ─────────────────────────────────────────────────────────────────────────────────

/** Rejects with Rejection or StoreError; `.safe()` turns Rejections, only those, into values. */
export interface Outcome<T, R extends AnyRejection> extends Promise<T> {
  safe(): Promise<T | R>
}
export interface Receipt {
  readonly ok: true
  readonly seq: number
  readonly at: string
  readonly duplicate: boolean
}
export interface Executed<V> extends Receipt {
  readonly value: V
}
/** The input did not fit the schema, or is not JSON. `target`: the mutation or command. */
export type Invalid = Rejection<
  'invalid',
  { readonly target: string; readonly issues: readonly z.core.$ZodIssue[] }
>
export type Conflict = Rejection<'conflict', { readonly expected: number; readonly actual: number }>

/** Stable; the messages are not. docs/guides/errors.md says for each what happened and what to do. */
export type StoreErrorCode =
  | 'bad_definition' // defineStore was given something it cannot work with
  | 'unknown_mutation' // no mutation, retired mutation or command of that name
  | 'unstable_payload' // the payload schema does not accept its own output unchanged
  | 'check_failed' // a schema or a guard threw something other than a Rejection
  | 'apply_failed' // a reducer threw, was asynchronous, or returned no state
  | 'upcast_failed' // an old payload did not pass its upcaster
  | 'invalid_state' // the state holds what JSON cannot, so there can be no snapshot of it
  | 'key_reused' // the idempotency key belongs to another mutation
  | 'too_large' // one record would exceed the journal's limit
  | 'wrong_store' // a journal of another store
  | 'foreign' // not a ministore journal
  | 'newer_format' // written by a newer ministore, or a newer definition
  | 'compacted' // these records were compacted or truncated away
  | 'rewound' // a shared journal is another one than it was, or lost records that were durable
  | 'corrupt' // damaged: bytes that were once safe are not what was written
  | 'locked' // another writer has the journal, or no lock can be had
  | 'read_only' // the journal was opened for reading
  | 'config' // a shared journal's engine is set up so that it cannot be used
  | 'unavailable' // a shared journal cannot be reached for now; certainly not written
  | 'io' // the disk refused; certainly not written
  | 'unknown' // the disk failed half-way: the record may or may not be in the journal
  | 'closed' // the store was closed

/** Where it happened, as far as known. `offset` in bytes, `line` from 1. */
export interface StoreErrorOptions extends ErrorOptions {
  seq?: number | undefined
  path?: string | undefined
  offset?: number | undefined
  line?: number | undefined
}

/** What `JSON.stringify` writes of a Rejection. */
export interface RejectionJson<Code, Details> {
  readonly ok: false
  readonly name: string
  readonly code: Code
  readonly message: string
  readonly details: Details
}
/** What `JSON.stringify` writes of a StoreError. */
export interface StoreErrorJson extends Omit<StoreErrorOptions, 'cause'> {
  readonly name: string
  readonly code: StoreErrorCode
  readonly message: string
}

// ── 6. Replay results ───────────────────────────────────────────────────────────────────────────

export interface Replayed<S> {
  readonly state: Immutable<S>
  readonly seq: number
  readonly records: number
  /** `sha256:…` over the state's canonical JSON. */
  readonly digest: string
}
/** What `replayCheck` says. `ok`: no finding is an error. */
export interface ReplayReport {
  readonly ok: boolean
  readonly journal: string
  /** How many records were replayed. */
  readonly records: number
  readonly seq: number
  /** Of the state at `seq`; `none` where that is not JSON. */
  readonly digest: string
  readonly findings: readonly Finding[]
  readonly coverage: Coverage
  /** The digests as they are now, where `record` asked for them. */
  readonly recording?: Recording | undefined
}

export interface CheckOptions {
  /** The digest that the last state must have. */
  digest?: string | undefined
  /** The digests that it had; for a path, those of `<path>.check.json` where there are any. */
  recording?: Recording | undefined
  /** Make a recording. */
  record?: boolean | undefined
  /** Called now and then with the last seq that was checked, and the last that there is. */
  onProgress?: ((seq: number, last: number) => void) | undefined
}

/** What `<journal>.check.json` holds: what a journal gave when somebody last said that it was right. */
export interface Recording {
  readonly format: 'ministore-check'
  readonly version: 1
  readonly store: string
  /** The journal's own identity. */
  readonly journal: string
  /** The definition's fingerprint. */
  readonly definition: string
  /** The digest of the initial state. */
  readonly initial: string
  readonly digests: readonly RecordedDigest[]
}
export interface RecordedDigest {
  readonly seq: number
  readonly digest?: string | undefined
  /**
   * Four characters for each record since the digest before: the change that it made. They find the
   * record from which on the state is another one.
   */
  readonly trail: string
}

/** Stable; docs/guides/replay-check.md says for each what it means and what to do. */
export type CheckRule =
  | 'unreadable' // the journal cannot be opened, or a record cannot be read
  | 'wrong_store' // a journal of another store
  | 'torn_write' // the journal ends in a write that was cut off: harmless
  | 'unknown_mutation' // a record has a mutation that the definition lost
  | 'upcast_failed' // an upcaster cannot handle an old payload
  | 'invalid_payload' // today's schema refuses a recorded payload, or reads it as another
  | 'apply_failed' // a reducer threw
  | 'payload_changed' // a reducer writes to its payload
  | 'impure' // a reducer, an upcaster or a schema depends on a clock, random numbers or the host
  | 'nondeterministic' // one gave two different results, and no source is known
  | 'not_in_place' // a reducer that opening cannot replay in place: slower, otherwise harmless
  | 'not_a_tree' // an object is reachable twice in the state
  | 'invalid_state' // the state is not JSON, or does not fit its schema
  | 'digest_mismatch' // the state has another digest than the recorded or expected one
  | 'other_recording' // the recorded digests are of another journal, or of more records
  | 'snapshot_mismatch' // the snapshot beside the journal is not what its records give
  | 'schema_changed' // the schema lock does not hold any more
  | 'not_covered' // no journal has this mutation, version or command

export type Severity = 'error' | 'warning' | 'note'

/** One thing that a check found. */
export interface Finding {
  readonly rule: CheckRule
  readonly severity: Severity
  /** What happened, and what to do next. File, line and seq stand beside it. */
  readonly message: string
  /** The journal, or the file that it is about. */
  readonly file: string
  /** From 1, where known. */
  readonly line?: number | undefined
  readonly seq?: number | undefined
  /** The mutation's name. */
  readonly type?: string | undefined
  /** How many further records have the same finding. */
  readonly repeated?: number | undefined
  /** What the schema says, for `invalid_payload`. */
  readonly issues?: readonly z.core.$ZodIssue[] | undefined
  /** For `digest_mismatch`. */
  readonly expected?: string | undefined
  readonly actual?: string | undefined
  /** The state around it. */
  readonly diff?: StateDiff | undefined
}

export interface StateDiff {
  /** Operations of RFC 6902 (JSON patch), each with what was there before. */
  readonly changes: readonly Change[]
  /** The same as a unified diff of indented JSON. */
  readonly unified: string
}

export type Change =
  | { readonly op: 'add'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string; readonly before: unknown }
  | {
      readonly op: 'replace'
      readonly path: string
      readonly value: unknown
      readonly before: unknown
    }

/** How many records of a journal had what the definition declares; 0: it was never replayed. */
export interface Coverage {
  /** By name and payload version, retired ones included. */
  readonly mutations: readonly CoveredMutation[]
  readonly commands: readonly { readonly name: string; readonly records: number }[]
}
export interface CoveredMutation {
  readonly type: string
  readonly version: number
  readonly records: number
  readonly retired: boolean
}

// ── 7. Types from a definition: State<typeof broker>, Mutation<typeof broker, 'addTopic'>, … ────

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
/** A mutation as it was committed. `part` of `parts`, from 1: its place in its batch. */
export interface RecordOf<K extends string, P, Me = WellKnownMetadata> extends Meta {
  readonly type: K
  readonly payload: Immutable<P>
  /** The command that decided it, if one did. */
  readonly command?: string
  /** As it was journaled, whatever today's schema is; absent if there was none. */
  readonly metadata?: JournaledMetadata<Me>
  readonly part: number
  readonly parts: number
}
export type Json =
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly Json[]
  | { readonly [key: string]: Json }
/** Deeply read-only, as Immer has it; of a table, what only reads. */
export type Immutable<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends (...args: never[]) => unknown
    ? T
    : T extends Table<infer V>
      ? ReadonlyTable<Immutable<V>>
      : T extends readonly unknown[]
        ? ImmutableArray<T>
        : T extends object
          ? ImmutableObject<T>
          : T
/** With a name of its own, an editor shows `ImmutableObject<Topic>` and not all that a Topic has. */
export type ImmutableObject<T> = { readonly [K in keyof T]: Immutable<T[K]> }
/** As an array type, which the compiler puts off, so that JSON may hold JSON; a mapped type would not end. */
type ImmutableArray<T extends readonly unknown[]> = number extends T['length']
  ? readonly Immutable<T[number]>[]
  : { readonly [K in keyof T]: Immutable<T[K]> }
/** What may be given where a T is parsed: arrays may be readonly, such as those of a state, all the way down. */
export type Accepted<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends (...args: never[]) => unknown
    ? T
    : T extends readonly unknown[]
      ? AcceptedArray<T>
      : T extends object
        ? AcceptedObject<T>
        : T
type AcceptedObject<T> = { [K in keyof T]: Accepted<T[K]> }
type AcceptedArray<T extends readonly unknown[]> = number extends T['length']
  ? readonly Accepted<T[number]>[]
  : { readonly [K in keyof T]: Accepted<T[K]> }
/**
 * What `reject` also returns inside of a `guard`, a `run` and a transaction, which says that they may end
 * without a `return`: with `noImplicitReturns`, a function may do so whose result includes `void`.
 */
export type Nothing = void & Problem<'reject() throws'>
/** While a definition is inferred, what its functions return is unknown. */
export type NothingIn<Context> = unknown extends Context ? Nothing : Extract<Context, Nothing>
/** Only seen in compile errors. */
export interface Problem<Message extends string> {
  readonly problem: Message
}

// ── 8. Internal ─────────────────────────────────────────────────────────────────────────────────

// biome-ignore lint/suspicious/noExplicitAny: details of every shape
export type AnyRejection = Rejection<string, any>
export type Get<T, K> = K extends keyof T ? T[K] : unknown
type Types<D> = D extends { readonly '~types'?: infer T } ? NonNullable<T> : never
type Field<T, K extends string> = T extends { readonly [P in K]: infer V } ? V : never
type Mutations<D> = Field<Types<D>, 'mutations'>
type Recorded<D> = Mutations<D> & Field<Types<D>, 'retired'>
export type SchemasOf<Parts> = {
  [K in keyof Parts]: Parts[K] extends { payload: infer P } ? P : unknown
}
type Inputs<P> = { [K in keyof P]: { input: InputOf<P[K]> } }
export type StateOf<St> = St extends z.core.$ZodType ? z.output<St> : St
export type PayloadOf<P> = unknown extends P
  ? undefined
  : P extends z.core.$ZodType
    ? z.output<P>
    : undefined
export type InputOf<P> = unknown extends P
  ? undefined
  : P extends z.core.$ZodType
    ? z.input<P>
    : undefined
export type RejectionsIn<R> = unknown extends R ? never : Extract<R, AnyRejection>
export type ValueIn<V> = unknown extends V ? undefined : Exclude<V, AnyRejection>
type RejectsOf<X> = X extends { rejects: infer R extends AnyRejection } ? R : never
type AllRejects<M> = RejectsOf<M[keyof M]>
/** One rejection for each code, with each type of its details once. */
type ByCode<R extends AnyRejection> =
  CodeMap<R> extends infer Map extends { [code: string]: AnyRejection } ? Map[keyof Map] : never
/** Of rejections with the same code, `X` has all of them. */
type CodeMap<R extends AnyRejection> = {
  [X in R as X['code']]: Rejection<X['code'], Distinct<X>['details']>
}
type Boxed<X> = X extends Rejection<string, infer Details> ? [Exact<Details>] : never
/** Of the candidates for `infer`, the compiler leaves out those that equal another one. */
// biome-ignore lint/suspicious/noExplicitAny: details of every shape
type Distinct<X> = Boxed<X> extends [infer Each extends Exact<any>] ? Each : never
/** Invariant, so that only equal details are equal. */
interface Exact<in out Details> {
  readonly details: Details
}
type CommandValue<X> = X extends { value: infer V } ? V : never
type PayloadArgs<X> = X extends { input: infer I }
  ? undefined extends I
    ? [payload?: Accepted<I>]
    : [payload: Accepted<I>]
  : never
/** Required where the metadata has a required field. */
export type OptionsArgs<Options, Me> = {} extends Me
  ? [options?: WithMetadata<Options, Me>]
  : [options: WithMetadata<Options, Me>]
export type WithMetadata<Options, Me> = Omit<Options, 'metadata'> &
  ({} extends Me ? { metadata?: Me | undefined } : { metadata: Me })
type DispatchArgs<X, Me> = X extends { input: infer I }
  ? undefined extends I
    ? {} extends Me
      ? [payload?: Accepted<I>, options?: WithMetadata<DispatchOptions, Me>]
      : [payload: Accepted<I>, options: WithMetadata<DispatchOptions, Me>]
    : [payload: Accepted<I>, ...options: OptionsArgs<DispatchOptions, Me>]
  : never
type CommandArgs<X, Me> = X extends { input: infer I }
  ? undefined extends I
    ? {} extends Me
      ? [input?: Accepted<I>, options?: WithMetadata<ExecuteOptions, Me>]
      : [input: Accepted<I>, options: WithMetadata<ExecuteOptions, Me>]
    : [input: Accepted<I>, ...options: OptionsArgs<ExecuteOptions, Me>]
  : never
type Message<K, P> = undefined extends P ? { type: K; payload?: P } : { type: K; payload: P }
type MutationMap<M> = {
  [K in keyof M & string]: M[K] extends { payload: infer P } ? Message<K, P> : never
}
type MutationInputMap<M> = {
  [K in keyof M & string]: M[K] extends { input: infer I } ? Message<K, Accepted<I>> : never
}
type RecordMap<M, Me> = {
  [K in keyof M & string]: M[K] extends { payload: infer P } ? RecordOf<K, P, Me> : never
}
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
interface HasDef<D> {
  readonly _zod: { readonly def: D }
}
type Def<O> = O extends HasDef<infer D> ? D : never
type DiscriminatorOf<U> = Field<Def<U>, 'discriminator'>
/** The objects that a union consists of, also through unions in unions, readonly and lazy options. */
type OptionOf<O> =
  O extends HasDef<{ type: 'union'; options: readonly (infer Each)[] }>
    ? OptionOf<Each>
    : O extends HasDef<{ type: 'readonly'; innerType: infer Inner }>
      ? OptionOf<Inner>
      : O extends HasDef<{ type: 'lazy'; getter: () => infer Inner }>
        ? OptionOf<Inner>
        : O
type ShapeOf<O> = Field<Def<O>, 'shape'>
/** A literal or an enum gives an option several names. */
type NameOf<O, Key> =
  Field<ShapeOf<O>, Key & string> extends infer Names extends z.core.$ZodType
    ? z.output<Names> & string
    : never
/** The option's `payload` if it has one, otherwise the option without its discriminator. */
type UnionPayload<O, Key> = O extends unknown
  ? ShapeOf<O> extends { payload: infer P extends z.core.$ZodType }
    ? P
    : keyof ShapeOf<O> extends Key
      ? z.core.$ZodUndefined
      : O extends z.core.$ZodObject<infer Shape, infer Config>
        ? z.core.$ZodObject<Omit<Shape, Key & string>, Config>
        : never
  : never
type OnlyRejections<R> = unknown extends R
  ? unknown
  : [R] extends [AnyRejection | void | undefined]
    ? unknown
    : Problem<'guard() may only return nothing or reject(...)'>
type OnlySync<V> = unknown extends V
  ? unknown
  : [Extract<V, PromiseLike<unknown>>] extends [never]
    ? unknown
    : Problem<'run() must be synchronous: await before or after execute()'>
type CheckPayload<P> = unknown extends P
  ? unknown
  : P extends z.core.$ZodType
    ? JsonIssue<z.output<P>, 'payload'> extends infer Issue extends string
      ? [Issue] extends [never]
        ? [z.output<P>] extends [z.input<P>]
          ? unknown
          : Problem<'payload: what the schema outputs must be valid input for it too, since the journal holds the output and replay parses it again'>
        : Problem<`${Issue}, which the journal cannot hold`>
      : never
    : Problem<'payload must be a Zod schema'>
type CheckMetadata<Me> = unknown extends Me
  ? unknown
  : Me extends z.core.$ZodObject
    ? JsonIssue<z.output<Me>, 'metadata'> extends infer Issue extends string
      ? [Issue] extends [never]
        ? [z.output<Me>] extends [z.input<Me>]
          ? unknown
          : Problem<'metadata: what the schema outputs must be valid input for it too'>
        : Problem<`${Issue}, which the journal cannot hold`>
      : never
    : Problem<'metadata must be a z.object(…)'>
type CheckState<St> = St extends z.core.$ZodType
  ? JsonIssue<z.output<St>, 'state'> extends infer Issue extends string
    ? [Issue] extends [never]
      ? {} extends z.input<St>
        ? unknown
        : Problem<'a state schema must accept {}: give every field a .default()'>
      : Problem<`${Issue}, which a snapshot cannot hold`>
    : never
  : St extends object
    ? JsonIssue<St, 'state'> extends infer Issue extends string
      ? [Issue] extends [never]
        ? unknown
        : Problem<`${Issue}, which a snapshot cannot hold`>
      : never
    : Problem<'state must be an object'>
/** never when T is JSON, else a message per offending path. Plain assignability first; depth-limited so recursive types end. */
type JsonIssue<T, At extends string, Depth extends 0[] = []> = 0 extends 1 & T
  ? never
  : [T] extends [Json]
    ? never
    : unknown extends T
      ? `${At} is unknown`
      : Depth['length'] extends 7
        ? never
        : T extends string | number | boolean | null | undefined
          ? never
          : T extends Date
            ? `${At} is a Date`
            : T extends bigint
              ? `${At} is a bigint`
              : T extends symbol
                ? `${At} is a symbol`
                : T extends (...args: never[]) => unknown
                  ? `${At} is a function`
                  : T extends ReadonlyMap<unknown, unknown>
                    ? `${At} is a Map`
                    : T extends ReadonlySet<unknown>
                      ? `${At} is a Set`
                      : T extends RegExp | PromiseLike<unknown> | ArrayBufferView | ArrayBuffer
                        ? `${At} is not JSON`
                        : T extends readonly unknown[]
                          ? number extends T['length']
                            ? JsonIssue<T[number], `${At}[]`, [...Depth, 0]>
                            : {
                                [K in keyof T]: JsonIssue<
                                  T[K],
                                  `${At}[${K & string}]`,
                                  [...Depth, 0]
                                >
                              }[number]
                          : T extends TableOf<infer E>
                            ? JsonIssue<E, `${At}[]`, [...Depth, 0]>
                            : T extends object
                              ? {
                                  [K in keyof T]-?: JsonIssue<
                                    T[K],
                                    string extends K ? `${At}[]` : `${At}.${K & string}`,
                                    [...Depth, 0]
                                  >
                                }[keyof T]
                              : `${At} is not JSON`

/** As much of a table as tells its values' type. */
type TableOf<V> = { get(key: string): V; update(key: string, change: never): boolean }

/** A mutation as the core holds it, its types erased. */
export interface Declaration {
  readonly type: string
  readonly payload: z.core.$ZodType | undefined
  readonly upcast: { readonly [version: number]: z.core.$ZodType | Upcaster<unknown> }
  /** What the replay check accepts, with the reasons. */
  readonly accept: AcceptedSources
  /** Current payload version: 1 + the number of upcasters. */
  readonly version: number
  readonly guard:
    | ((state: unknown, payload: unknown, meta: GuardMeta<Metadata>) => unknown)
    | undefined
  readonly apply: (draft: unknown, payload: unknown, meta: Meta) => unknown
  readonly retired: boolean
  /** Whether the schema certainly accepts its own output; undefined until the first payload. */
  acceptsOwnOutput?: boolean
}
/** Decides on the state that `tx` has, and dispatches. */
export type Run = (tx: LooseTx) => unknown
export interface LooseTx {
  readonly at: string
  readonly metadata: Metadata
  getState(): unknown
  dispatch(type: string, payload?: unknown): Meta
}
/** What a definition says of metadata. */
export interface MetadataSpec {
  readonly schema: z.core.$ZodType | undefined
  /** Fields that only `WellKnownMetadata` describes, because the schema does not declare them. */
  readonly undeclared: readonly string[]
  /** Whether the schema certainly accepts its own output; undefined until the first metadata. */
  acceptsOwnOutput?: boolean
}
/** Metadata, checked: as guards see it, frozen, and its canonical JSON. */
export interface CheckedMetadata {
  readonly value: Metadata
  readonly text: string
}
/** What a definition carries behind its brand, for this package's own folders. */
export interface Definition {
  readonly name: string
  readonly initial: unknown
  readonly state: z.core.$ZodType | undefined
  readonly metadata: MetadataSpec
  /** Retired ones included: what a journal may hold. */
  readonly mutations: ReadonlyMap<string, Declaration>
  /**
   * What can be dispatched or, where it comes from record `seq`, replayed: retired ones too.
   * Throws StoreError `unknown_mutation`.
   */
  find(type: string, seq?: number): Declaration
  readonly commands: readonly string[]
  /** By name, each with its input to be parsed. Throws StoreError `unknown_mutation`. */
  command(name: string, input: unknown): (tx: object) => unknown
}
/** A mutation asked for, unchecked. */
export interface Input {
  readonly type: string
  readonly payload?: unknown
}
/** A fact of a history that a store in memory begins with. */
export interface GivenInput extends Input {
  readonly metadata?: object
}
/** A mutation, checked: its payload as reducers see it, and its JSON as the journal holds it. */
export interface Part {
  readonly mutation: Declaration
  readonly payload: unknown
  readonly text: string
  /** Of the payload in the journal, where that is an old one. */
  readonly version?: number
}
/** One record, read back from a journal or about to be written to it. */
export interface Decoded {
  readonly meta: Meta
  /** The command that decided it, if one did. */
  readonly command?: string | undefined
  readonly metadata?: Metadata | undefined
  /** In its journal, from 1, where that has lines. */
  readonly line?: number | undefined
  readonly parts: readonly Part[]
}
/** The state at a seq. */
export interface Head {
  readonly state: unknown
  readonly seq: number
  /** The time of record `seq`; empty if there is none. The next record's is not before it. */
  readonly at: string
}
export interface ReplayedHead extends Head {
  /** How many there were. */
  readonly records: number
  readonly fallback?: string
}
/** Where a replay begins, if not at the initial state: read anew for each, so that it is its own. */
export type Start = () => Promise<Snapshot>
/** Where an opening begins, and what it says about the snapshot. */
export interface Beginning {
  readonly start?: Start | undefined
  readonly snapshot?: Recovery['snapshot']
}
/** Idempotency keys → what they stand for. Costs the body's text per key, for the store's life. */
export type Keys = Map<string, KeyedRecord>
export interface KeyedRecord {
  readonly body: string
  readonly receipt: Receipt
}
/** A dispatch that was decided and waits to be durable; without a record, for what it has seen. */
export interface Pending {
  readonly receipt: CommitReceipt
  readonly record?: (Settled & { readonly text: string }) | undefined
}
/** As long as it is not durable it may be decided again, where other writers are first. */
export interface Waiting extends Pending, Asked {
  readonly resolve: (receipt: CommitReceipt) => void
  readonly reject: (error: unknown) => void
}
/** `given`: what `run` will dispatch, for a repeated key to be compared by. */
export interface Asked {
  readonly run: Run
  readonly options: CommitOptions
  readonly given: readonly Input[]
}
/** What is durable, and what stands on it: `head` is `durable` with all that waits applied. */
export interface Live {
  /** What everybody sees. */
  durable: Head
  /** What the next dispatch is decided on. */
  head: Head
  /** Of both. */
  readonly keys: Keys
  /** In the air. */
  group: Waiting[]
  /** What goes out next. */
  queue: Waiting[]
  /** Others have appended, or may have: what they did comes before anything of ours. */
  isBehind: boolean
}
/** A record with the state that it gives. */
export type Settled = Decoded & { readonly state: unknown }
export type Committed = RecordOf<string, unknown, Metadata>
export type Listener = (state: unknown, previous: unknown, records: readonly Committed[]) => unknown
export type Selector = (state: unknown) => unknown

export interface CommitOptions extends Omit<DispatchOptions, 'metadata'> {
  readonly metadata?: CheckedMetadata | undefined
  /** Its name, for the journal's readers. */
  command?: string | undefined
  /**
   * A refusal, also `key_reused`, waits, as a record does, until the records that it rests on are durable, and is decided again if
   * another writer is first. The receipt has it then.
   */
  refusalWaits?: boolean | undefined
}
/** `refusal`: of `refusalWaits`, in place of a result. */
export interface CommitReceipt extends Receipt {
  readonly refusal?: Rejection | StoreError
}

/** An open store without its types and conveniences. */
export interface Core {
  /** What opening replayed. */
  readonly replayed: Pick<Recovery, 'records'> & { readonly fallback: string | undefined }
  readonly listeners: Set<Listener>
  /** Called when the store closes. */
  readonly closers: Set<() => void>
  /** The durable state. */
  getHead(): Head
  /** Why it takes no dispatches: `closed`, or what broke. */
  getStopped(): StoreError | undefined
  /** The durable state and its keys; never changed by what comes after. Throws where the store has stopped. */
  take(): Snapshot
  commit(run: Run, options: CommitOptions, given: readonly Input[]): Promise<CommitReceipt>
  /** Resolves when what others had appended by now is in the state. */
  refresh(): Promise<unknown>
  close(): Promise<void>
}
