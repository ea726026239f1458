// Given a history, when something is asked for, then this is journaled: tests of rules and reducers.

import type { Get } from '../define/dsl.ts'
import type { OptionsArgs, WithMetadata } from '../define/messages.ts'
import type { DispatchOptions, ExecuteOptions, OpenOptions } from '../define/open-store.ts'
import type { Conflict, Invalid, Outcome } from '../define/outcome.ts'
import type {
  AnyStoreDefinition,
  Mutation,
  MutationInput,
  MutationName,
  RejectionOf,
  State,
  StoreDefinition,
} from '../define/store-definition.ts'
import type { AnyRejection, StoreErrorCode } from '../errors.ts'
import { memoryJournal } from '../journals/memory.ts'
import { definitionOf } from '../mutation/brand.ts'
import { validateMetadata } from '../mutation/metadata.ts'
import type { GivenInput, Input } from '../mutation/spec.ts'
import { validatePayload } from '../mutation/validate.ts'
import type { JournaledMetadata, Receipt } from '../record/record.ts'
import type { Immutable } from '../table/immutable.ts'
import { AssertionError, assert, assertSame, raisedAt } from './assertion.ts'
import { errorsOf } from './findings.ts'

/** When everything happens, unless `now` says otherwise. */
const FIXED = Date.parse('2000-01-01T00:00:00.000Z')
const JOURNAL = 'the scenario'

/**
 * `const { given } = scenarios(broker)`. Each scenario has a store of its own, in memory; its clock
 * stands at 2000-01-01T00:00:00.000Z unless `now` says otherwise. What it journaled is replayed and
 * checked too: a scenario fails where a replay would not give the state that the store had.
 */
export function scenarios<D extends AnyStoreDefinition>(
  definition: D,
  { now = () => FIXED }: Pick<OpenOptions, 'now'> = {},
): Scenarios<D> {
  const given = (history: readonly GivenInput[]) => {
    const when = (what: string, ask: Ask) =>
      whenAsked(what, () => play(definition, history, ask, now))
    return {
      when: (type: string, ...args: unknown[]) =>
        when(type, (store) => store.dispatch(type, ...args)),
      whenAll: (mutations: readonly Input[], ...options: unknown[]) => {
        const types = mutations.map(({ type }) => type).join(', ')
        return when(`[${types}]`, (store) => store.dispatchAll(mutations, ...options))
      },
      whenExecute: (command: string, ...args: unknown[]) =>
        when(command, (store) => store.execute(command, ...args)),
    }
  }
  return { given } as unknown as Scenarios<D>
}

export interface Scenarios<D> {
  /**
   * What was journaled before, oldest first. Facts: schemas are asked, rules are not. Metadata may be left out, as records
   * that are older than its schema have none.
   */
  given(history: readonly GivenFact<D>[]): Given<D>
}

type GivenFact<D> = MutationInput<D> & { metadata?: MetadataOf<D>['input'] }
/** A mutation as its record has it. */
type ScenarioRecord<D> = Mutation<D> & {
  metadata?: JournaledMetadata<MetadataOf<D>['output']>
  key?: string
  command?: string
}

export interface Given<D> {
  /** `store.dispatch` */
  when<K extends MutationName<D>>(
    type: K,
    ...args: Args<MutationInput<D, K>, 'payload', DispatchOptions, MetadataOf<D>['input']>
  ): When<D, RejectionOf<D, K> | Invalid | Conflict, undefined>
  /** `store.dispatchAll`: a batch. */
  whenAll(
    mutations: readonly MutationInput<D>[],
    ...options: OptionsArgs<DispatchOptions, MetadataOf<D>['input']>
  ): When<D, RejectionOf<D> | Invalid | Conflict, undefined>
  /** `store.execute` */
  whenExecute<K extends keyof Commands<D> & string>(
    command: K,
    ...args: Args<CommandInput<Commands<D>[K]>, 'input', ExecuteOptions, MetadataOf<D>['input']>
  ): When<
    D,
    RejectsOf<Commands<D>[K]> | RejectionOf<D> | Invalid | Conflict,
    ValueOf<Commands<D>[K]>
  >
}

/**
 * What came of it. Nothing happens until one of these is called; each plays the scenario from its
 * beginning and resolves, or rejects with an AssertionError. Await them.
 */
export interface When<D, R extends AnyRejection, V> {
  /** Exactly these mutations were journaled, their payloads as the schema gives them out. */
  then(journaled: readonly Mutation<D>[]): Then<D, V>
  /** As `then`, with what the records say beside it: metadata, key and command. */
  thenRecords(journaled: readonly ScenarioRecord<D>[]): Then<D, V>
  /** It was not refused, and nothing was journaled: a command that dispatched nothing. */
  thenNothing(): Then<D, V>
  /** It was not refused, and this is the whole state, or what `select` makes of it. */
  thenState(expected: Immutable<State<D>>): Then<D, V>
  thenState<T>(select: (state: Immutable<State<D>>) => T, expected: NoInfer<T>): Then<D, V>
  /** It was not refused, and this is the command's value. */
  thenValue(expected: V): Then<D, V>
  /** A rule, a schema (`invalid`) or `expectSeq` (`conflict`) refused it; `details` where given. */
  thenRejects<Code extends R['code']>(
    code: Code,
    ...details: [details?: Extract<R, { code: Code }>['details']]
  ): Promise<void>
  /** It failed with a StoreError of this code. */
  thenFails(code: StoreErrorCode): Promise<void>
}

/** More about the same run. */
export interface Then<D, V> extends Promise<void> {
  andState(expected: Immutable<State<D>>): Then<D, V>
  andState<T>(select: (state: Immutable<State<D>>) => T, expected: NoInfer<T>): Then<D, V>
  andValue(expected: V): Then<D, V>
}

type Args<X, Field extends string, Options, Me> = X extends { readonly [F in Field]: infer I }
  ? [input: I, ...options: OptionsArgs<Options, Me>]
  : {} extends Me
    ? [input?: Get<X, Field>, options?: WithMetadata<Options, Me>]
    : [input: Get<X, Field>, options: WithMetadata<Options, Me>]
type MetadataOf<D> =
  D extends StoreDefinition<infer _S, infer _M, infer _C, infer _Q, infer Me> ? Me : never
type Commands<D> =
  D extends StoreDefinition<infer _S, infer _M, infer C, infer _Q, infer _Me> ? C : never
type CommandInput<X> = X extends { input: infer I }
  ? undefined extends I
    ? { input?: I }
    : { input: I }
  : never
type ValueOf<X> = X extends { value: infer V } ? V : never
type RejectsOf<X> = X extends { rejects: infer R extends AnyRejection } ? R : never

/** A store without its types. */
interface LooseStore {
  dispatch(type: string, ...args: unknown[]): Outcome<Receipt, AnyRejection>
  dispatchAll(mutations: readonly Input[], ...options: unknown[]): Outcome<Receipt, AnyRejection>
  execute(command: string, ...args: unknown[]): Outcome<Receipt, AnyRejection>
}
type Ask = (store: LooseStore) => Outcome<Receipt, AnyRejection>

interface Played {
  readonly answer: (Receipt & { readonly value?: unknown }) | AnyRejection | Failed
  readonly journaled: readonly Input[]
  readonly records: readonly Input[]
  readonly state: unknown
}
interface Failed {
  readonly ok: false
  readonly failed: unknown
}

async function play(
  definition: AnyStoreDefinition,
  history: readonly GivenInput[],
  ask: Ask,
  now: () => number,
): Promise<Played> {
  const journal = memoryJournal(recorded(definition, history, now), JOURNAL)
  const store = await definition.open(journal, { now }).catch((cause: Error) => {
    throw new AssertionError(`given: the history cannot be replayed: ${cause.message}`, { cause })
  })
  const answer = await ask(store as unknown as LooseStore)
    .safe()
    .catch((failed: unknown): Failed => ({ ok: false, failed }))
  const journaled: Input[] = []
  const records: Input[] = []
  for await (const record of store.records({ after: history.length })) {
    const { type, payload, metadata, key, command } = record
    journaled.push({ type, payload })
    records.push({ type, payload, ...{ metadata, key, command } })
  }
  const { state } = store
  await store.close()
  await roundTrip(
    definition,
    journal.entries.map(({ text }) => text),
    state,
  )
  return { answer, journaled, records, state }
}

/** The history as a journal has it: one record for each mutation. */
function recorded(
  definition: AnyStoreDefinition,
  history: readonly GivenInput[],
  now: () => number,
): string[] {
  let at = ''
  const inner = definitionOf(definition)
  return history.map(({ type, payload, metadata }, index) => {
    try {
      const { text } = validatePayload(inner.find(type), payload)
      const about = metadata && validateMetadata(inner.metadata, 'given', undefined, metadata)
      const time = new Date(now()).toISOString()
      // As a store does it: `at` never decreases.
      if (time > at) at = time
      return `{"at":"${at}",${about ? `"metadata":${about.text},` : ''}${text}}`
    } catch (cause) {
      const { message } = cause as Error
      throw new AssertionError(`given: mutation ${index + 1} of the history: ${message}`, { cause })
    }
  })
}

/** What was journaled must give the same state again, and payloads that today's schemas leave alone. */
async function roundTrip(
  definition: AnyStoreDefinition,
  texts: readonly string[],
  live: unknown,
): Promise<void> {
  const report = await definition.replayCheck(memoryJournal(texts, JOURNAL))
  assert(
    report.ok,
    `the scenario's own journal does not pass the replay check:\n${errorsOf(report)}`,
  )
  const { state } = await definition.replay(memoryJournal(texts, JOURNAL))
  const what = 'replaying gives another state (actual) than the store had (expected)'
  assertSame(`${what}: a reducer uses something besides draft, payload and meta`, state, live)
}

type Claim = (played: Played) => void

function whenAsked(what: string, run: () => Promise<Played>): When<unknown, AnyRejection, unknown> {
  const claim = (about: Claim) => verify(what, run(), about)
  return {
    // biome-ignore lint/suspicious/noThenProperty: its name is that of given, when, then; an await is told so
    then(journaled) {
      if (Array.isArray(journaled)) return claim(hasJournaled(what, journaled))
      throw new TypeError(`nothing is claimed about ${what}: end with .then([…]) or another then…`)
    },
    thenRecords: (expected) => claim(hasRecords(what, expected)),
    thenNothing: () => claim(hasJournaled(what, [])),
    thenState: (...args: unknown[]) => claim(hasState(what, args)),
    thenValue: (expected) => claim(hasValue(what, expected)),
    thenRejects: (code, ...details) => claim(isRejected(what, code, details)),
    thenFails: (code) => claim(hasFailed(what, code)),
  }
}

/** Begins at once, so that a claim which no one awaits still fails: as an unhandled rejection. */
function verify(
  what: string,
  playing: Promise<Played>,
  claim: Claim,
  before: Promise<unknown> = playing,
): Then<unknown, unknown> {
  const place = new Error(what)
  const holds = async () => claim(await playing)
  const verified = before.then(holds).catch((error: unknown) => {
    throw raisedAt(place, error)
  })
  const and = (next: Claim) => verify(what, playing, next, verified)
  return Object.assign(verified, {
    andState: (...args: unknown[]) => and(hasState(what, args)),
    andValue: (expected: unknown) => and(hasValue(what, expected)),
  })
}

const hasJournaled =
  (what: string, expected: readonly unknown[]): Claim =>
  (played) => {
    committed(what, played)
    assertSame(`${what} journaled something else`, played.journaled, expected)
  }

const hasRecords =
  (what: string, expected: readonly unknown[]): Claim =>
  (played) => {
    committed(what, played)
    assertSame(`${what} journaled other records`, played.records, expected)
  }

const hasState =
  (what: string, [first, ...others]: readonly unknown[]): Claim =>
  (played) => {
    committed(what, played)
    if (typeof first !== 'function') assertSame(`${what} led to another state`, played.state, first)
    else assertSame(`${what} led to something else`, first(played.state), others[0])
  }

const hasValue =
  (what: string, expected: unknown): Claim =>
  (played) =>
    assertSame(`${what} gave another value`, committed(what, played).value, expected)

const isRejected =
  (what: string, code: string, details: readonly unknown[]): Claim =>
  ({ answer, journaled }) => {
    if (answer.ok) {
      const told = `${what} should have been refused with ${code}, and was not`
      assertSame(told, { journaled }, { refused: code })
    } else if ('failed' in answer) throw failure(what, answer)
    else {
      assertSame(`${what} was refused with another code: ${answer.message}`, answer.code, code)
      const told = `${what} was refused with ${code}, and other details`
      for (const expected of details) assertSame(told, answer.details, expected)
    }
  }

const hasFailed =
  (what: string, code: StoreErrorCode): Claim =>
  ({ answer, journaled }) => {
    if (answer.ok) {
      const told = `${what} should have failed with ${code}, and did not`
      assertSame(told, { journaled }, { failed: code })
    } else if (!('failed' in answer)) throw refusal(what, answer)
    else if ((answer.failed as { code?: unknown }).code !== code) throw failure(what, answer)
  }

/** The receipt; throws if the dispatch was rejected. */
function committed(what: string, { answer }: Played): { readonly value?: unknown } {
  if (answer.ok) return answer
  throw 'failed' in answer ? failure(what, answer) : refusal(what, answer)
}

const failure = (what: string, { failed }: Failed) =>
  new AssertionError(`${what} failed: ${failed}`, { cause: failed })

const refusal = (what: string, rejection: AnyRejection) =>
  new AssertionError(`${what} was refused with ${rejection.code}: ${rejection.message}`, {
    cause: rejection,
  })
