// The store as its users hold it: typed by open-store.ts, carried out by the core.
import type { z } from 'zod'
import { isRefusal, Rejection, StoreError } from '../errors.ts'
import { fingerprint } from '../mutation/fingerprint.ts'
import { validateMetadata } from '../mutation/metadata.ts'
import type {
  CheckedMetadata,
  CompiledDefinition,
  Input,
  PreparedCommand,
} from '../mutation/spec.ts'
import type { LooseTx, Run } from '../mutation/transact.ts'
import { parse } from '../mutation/validate.ts'
import { readRecords } from '../observe/records.ts'
import { type Selector, select, subscribe } from '../observe/subscribe.ts'
import { Telemetry } from '../observe/telemetry.ts'
import type { Watch } from '../observe/watch.ts'
import type { Journal, JournalInfo } from '../port/journal.ts'
import type {
  CompactOptions,
  CompactReceipt,
  Snapshot,
  SnapshotReceipt,
  Snapshots,
} from '../port/snapshots.ts'
import type { VerifyOptions } from '../proof/verify/report.ts'
import { inputDigest } from '../record/keys.ts'
import type { Receipt } from '../record/record.ts'
import type { Listener } from '../store/listeners.ts'
import type { CommitOptions } from '../store/pending.ts'
import { StoreCore } from '../store/store.ts'
import { copy } from './copy.ts'
import { healthOf, type KeptState } from './health.ts'
import { notAName } from './names.ts'
import type {
  DispatchOptions,
  ExecuteOptions,
  OpenOptions,
  RecordsOptions,
  Recovery,
  SubscribeOptions,
} from './open-store.ts'
import { loadOrigin } from './origin.ts'
import { dispatchOptions } from './schema.ts'

/** Closes the journal again if it does not fit the definition. */
export async function openStore(
  definition: CompiledDefinition,
  journal: Journal,
  options: OpenOptions,
): Promise<object> {
  const onListenerError = guarded(options.onListenerError ?? console.error)
  const access = {
    isReadOnly: options.readOnly === true,
    maxPending: checkMaxPending(options.maxPending),
  }
  const telemetry = new Telemetry(definition, journal, options)
  journal.observe?.(telemetry)
  const onStop = guarded((error: StoreError) => {
    telemetry.report({ type: 'stop', code: error.code })
    options.onStop?.(error)
  })
  // Where this fails, the journal is not ours to close: another store may have it.
  const { name } = definition
  const info = await (options.readOnly && journal.openReadOnly
    ? journal.openReadOnly(name)
    : journal.open(name))
  try {
    const begin = performance.now()
    const { start, snapshot, at } = await loadOrigin(definition, journal, info)
    const coreOptions = { ...options, onListenerError, onStop, telemetry }
    const core = await new StoreCore(definition, journal, coreOptions).open(start)
    telemetry.countPending = () => core.pending
    telemetry.opened(performance.now() - begin, core.replayed, snapshot)
    const recovery = recoveryOf(info, snapshot, core)
    const seq = snapshot?.used ? snapshot.seq : recovery.base
    const kept = seq === undefined ? undefined : { seq, at }
    return surface({ definition, journal, core, recovery, telemetry, access, kept })
  } catch (error) {
    // What went wrong before says more than what goes wrong here.
    await journal.close().catch(() => undefined)
    throw withPath(error, journal)
  }
}

/** Whether the store takes a dispatch. */
interface Access {
  readonly isReadOnly: boolean
  readonly maxPending: number
}

/** Most dispatches that wait to be durable, unless the options of `open` say otherwise. */
const MAX_PENDING = 100_000

function checkMaxPending(given: unknown = MAX_PENDING): number {
  const isCount = Number.isInteger(given) || given === Number.POSITIVE_INFINITY
  if (isCount && Number(given) >= 1) return Number(given)
  throw new TypeError(
    `maxPending: must be a whole number, 1 or more, or Infinity: got ${String(given)}`,
  )
}

/** For a dispatch that was not even decided. */
function overloaded({ name }: Journal, maxPending: number): StoreError {
  const what = `${maxPending} dispatches wait for ${name} already, so this one was not written`
  return new StoreError('overloaded', `${what}. Dispatch it again later`, { path: name })
}

/** A handler of errors that throws one itself must not harm the store either. */
const guarded =
  <E>(handle: (error: E) => void) =>
  (error: E): void => {
    try {
      handle(error)
    } catch (again) {
      console.error(again)
    }
  }

/** What the core found in a record, with where that record is. */
export function withPath(error: unknown, { name }: Journal): unknown {
  if (!(error instanceof StoreError) || error.path !== undefined) return error
  const { code, seq, cause } = error
  return new StoreError(code, `${name}: ${error.message}`, { seq, path: name, cause })
}

function recoveryOf(
  { created, found, base, replica }: JournalInfo,
  snapshot: Recovery['snapshot'],
  { replayed: { records, fallback } }: StoreCore,
): Recovery {
  return {
    created,
    ...(base && { base: base.seq }),
    records,
    ...(found && { found }),
    ...(snapshot && { snapshot }),
    ...(fallback !== undefined && { fallback }),
    ...(replica && { replica }),
  }
}

interface OpenParts {
  readonly definition: CompiledDefinition
  readonly journal: Journal
  readonly core: StoreCore
  readonly recovery: Recovery
  readonly telemetry: Telemetry
  readonly access: Access
  /** The last state that the journal keeps, with which the next opening begins. */
  kept: KeptState | undefined
}

/** `bound`: the metadata that every dispatch through this view has. */
function surface(parts: OpenParts, bound?: object): object {
  const { definition, journal, core, recovery, telemetry, access } = parts
  let boundOnly: CheckedMetadata | undefined
  /** Of a call; its metadata as the journal will have it. Throws as `validateMetadata` does. */
  const toCommit = (
    method: string,
    schema: z.ZodType<DispatchOptions>,
    options: DispatchOptions | undefined,
  ): CommitOptions => {
    const { metadata: own, key, expectSeq, within } = checkOptions(method, schema, options)
    let metadata = own === undefined ? boundOnly : undefined
    const isNothing = own === undefined && !bound && !definition.metadata.schema
    if (!isNothing) metadata ??= validateMetadata(definition.metadata, method, bound, own)
    if (own === undefined && bound) boundOnly = metadata
    return { key, expectSeq, within, metadata }
  }
  const commit = async (
    run: Run,
    options: CommitOptions,
    given: readonly Input[],
    watch: Watch | undefined,
  ) => {
    watch?.attach(options)
    const { isReadOnly, maxPending } = access
    if (isReadOnly) {
      const what = `${journal.name} was opened for reading: open it without readOnly to dispatch`
      throw core.stopped ?? new StoreError('read_only', what, { path: journal.name })
    }
    if (options.within && !journal.hasTransactions)
      throw new TypeError(
        `within: ${journal.name} has no transactions. A journal in PostgreSQL has`,
      )
    const assertRoom = () => {
      if (core.pending >= maxPending) throw overloaded(journal, maxPending)
    }
    assertRoom()
    try {
      return await core.enqueue(run, options, given)
    } catch (error) {
      if (!journal.follow || !isRefusal(error) || error.code === 'invalid') throw error
      // Others may have changed, by now, what it was refused for; or it rests on a dispatch that has not arrived.
      assertRoom()
      await core.refresh()
      assertRoom()
      const receipt = await core.enqueue(run, { ...options, refusalWaits: true }, given)
      if (receipt.refusal) throw receipt.refusal
      return receipt
    }
  }
  // What may be decided again, is so on what was given at the time of the call.
  const held: typeof copy = journal.follow ? copy : (given) => given
  const append = (
    method: 'dispatch' | 'dispatchAll',
    mutations: readonly Input[],
    options?: DispatchOptions,
  ) => {
    const given = held(mutations)
    const run: Run = (tx) => {
      for (const { type, payload } of given) tx.dispatch(type, payload)
    }
    const send = async (watch?: Watch) => {
      assertMessages(method, given)
      watch?.ask(given, definition)
      return commit(run, toCommit(method, dispatchOptions, options), given, watch)
    }
    return outcome(() => telemetry.dispatch(method, undefined, send))
  }
  const decide = (
    method: 'execute' | 'transaction',
    prepare: () => PreparedCommand,
    options?: ExecuteOptions,
    command?: string,
  ) => {
    const send = async (watch?: Watch) => {
      const checked = toCommit(method, dispatchOptions, options)
      const { input, run } = prepare()
      const digest = checked.key === undefined ? {} : { input: inputDigest(input) }
      return commit((tx) => run(withState(tx)), { ...checked, ...digest, command }, [], watch)
    }
    return outcome(() => telemetry.dispatch(method, command, send))
  }
  /** Asynchronous for its errors only: the state is the one at the time of the call. */
  const keep = async <R extends SnapshotReceipt | CompactReceipt>(
    type: 'snapshot' | 'compaction',
    run: (snapshots: Snapshots, taken: Snapshot) => Promise<R>,
  ) => {
    const { snapshots } = journal
    if (!snapshots)
      throw new TypeError(`${journal.name} cannot keep snapshots; a journal in a file can`)
    const taken = core.captureSnapshot()
    const receipt = await telemetry.keep(type, () => run(snapshots, taken))
    parts.kept = { seq: taken.seq, at: taken.at }
    return receipt
  }
  return {
    get state() {
      return core.durable.state
    },
    get seq() {
      return core.durable.seq
    },
    recovery,
    getState: () => core.durable.state,
    getInitialState: () => definition.initial,
    refresh: async () => {
      await core.refresh()
      return core.durable.state
    },
    dispatch: (type: string, payload?: unknown, options?: DispatchOptions) =>
      append('dispatch', [{ type, payload }], options),
    dispatchAll: (mutations: readonly Input[], options?: DispatchOptions) =>
      append('dispatchAll', mutations, options),
    transaction: (run: (tx: object) => unknown, options?: ExecuteOptions) =>
      decide('transaction', () => ({ run: assertRun(run) }), options),
    execute: (name: string, input?: unknown, options?: ExecuteOptions) => {
      const given = held(input)
      return decide('execute', () => definition.command(name, given), options, name)
    },
    with: (options: unknown) => {
      const metadata = { ...bound, ...boundBy(options) }
      return surface(parts, metadata)
    },
    subscribe(
      first: Listener & Selector,
      listener?: Listener,
      options?: SubscribeOptions<unknown>,
    ) {
      const { state } = core.durable
      const own = listener ? select(state, first, listener, options) : first
      return subscribe(core.listeners, own)
    },
    records: (options?: RecordsOptions) => readRecords(definition, journal, core, options),
    snapshot: () =>
      keep('snapshot', (snapshots, taken) => snapshots.save(taken, fingerprint(definition))),
    compact: (options: CompactOptions = {}) =>
      keep('compaction', (snapshots, taken) => {
        const { initial } = definition
        return snapshots.compact({ ...taken, initial }, options)
      }),
    verify: async (options: VerifyOptions) => {
      const { verify } = await import('../proof/verify/index.ts')
      return verify(definition.name, journal, core, options)
    },
    health: () => healthOf(journal, core, parts.kept, telemetry.lag),
    close: () => core.close(),
    [Symbol.asyncDispose]: () => core.close(),
  }
}

/** What comes from outside has no types. Throws TypeError, or StoreError `unknown_mutation`. */
export function assertMessages(method: string, given: readonly Input[]): void {
  if (!Array.isArray(given))
    throw new TypeError(`${method}: needs a list of messages { type, payload }`)
  for (const message of given)
    if (message === null || message === undefined) throw notAName(message)
}

/** Throws TypeError. */
function assertRun(run: (tx: object) => unknown): (tx: object) => unknown {
  if (typeof run === 'function') return run
  throw new TypeError('transaction: needs a function, which gets the transaction')
}

/** The metadata that `store.with` was given. Throws TypeError. */
function boundBy(options: unknown): object {
  const { metadata, ...others } = Object(options) as { metadata?: unknown }
  const isObject = typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata)
  if (isObject && Object.keys(others).length === 0) return copy(metadata)
  throw new TypeError('with: needs { metadata }, an object, and takes nothing else')
}

const withState = ({ at, metadata, dispatch, getState }: LooseTx) => ({
  at,
  metadata,
  dispatch,
  get state() {
    return getState()
  },
})

/** `method`: the one that was called, which a Rejection names. */
const checkOptions = (
  method: string,
  schema: z.ZodType<DispatchOptions>,
  options: DispatchOptions | undefined,
) => (options ? (parse(method, schema, options, 'options') as DispatchOptions) : {})

/** Asynchronous for its errors only: what is decided is decided before it returns. */
const outcome = (run: () => Promise<Receipt>) => Object.assign(run(), { safe })

function safe(this: Promise<unknown>): Promise<unknown> {
  return this.then(undefined, (error) => {
    if (error instanceof Rejection) return error
    throw error
  })
}
