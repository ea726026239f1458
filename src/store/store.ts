// The four steps in order: validate → draft → journal → publish. Group commit; fail stop.

import { isRefusal, Rejection, StoreError } from '../errors.ts'
import { reduce } from '../mutation/reduce.ts'
import { assertResult } from '../mutation/result.ts'
import type { Definition, Input, Part } from '../mutation/spec.ts'
import { NO_METADATA, runGuard, validatePayload } from '../mutation/validate.ts'
import type { Journal } from '../port/journal.ts'
import { encode, encodeBody } from '../record/encode.ts'
import { answer, forget, type Keys, keysUpTo, remember } from '../record/keys.ts'
import { timeFrom } from '../record/time.ts'
import { headOf, replay } from '../replay/index.ts'
import type { Settled, Start } from '../replay/replayed.ts'
import { append, isPassing, refusal } from './append.ts'
import type { Core, OpenOptions } from './core.ts'
import { catchUp, follow, withdraw } from './follow.ts'
import { type Listener, publish } from './listeners.ts'
import type { Asked, CommitOptions, Live, Pending, Run, Waiting } from './pending.ts'

/** Replays an open journal, then takes dispatches. Throws StoreError where it does not fit. */
export async function openCore(
  definition: Definition,
  journal: Journal,
  start: Start | undefined,
  { now = () => Date.now(), onListenerError, onStop }: OpenOptions,
): Promise<Core> {
  const keys: Keys = new Map()
  const timeAfter = timeFrom(now)
  const { records, fallback, ...replayed } = await replay(definition, journal, { keys, start })
  const live: Live = {
    ...{ durable: replayed, head: replayed, keys },
    ...{ group: [], queue: [], isBehind: false },
  }
  const listeners = new Set<Listener>()
  const ending = new AbortController()
  const closers = new Set([() => ending.abort()])
  /** What is being decided; a dispatch in the middle of it could only be a mistake. */
  let deciding: Part[] | undefined
  let flushing: Promise<void> | undefined
  let closing: Promise<void> | undefined
  let stopped: StoreError | undefined

  const commit: Core['commit'] = (run, options, given) =>
    new Promise((resolve, reject) => {
      if (stopped) throw stopped
      const { receipt, record } = decide({ run, options, given })
      // Not spread: V8 takes longer for that than for the reducer.
      live.queue.push({ receipt, record, resolve, reject, run, options, given })
      flushing ??= flush()
    })

  /** Steps 1 and 2, at once and on the tentative head: whatever is thrown here was never written. */
  function decide({ run, options, given }: Asked): Pending {
    const { key, expectSeq } = options
    if (deciding) throw new TypeError('dispatch inside apply, guard or run: use tx.dispatch')
    deciding = []
    try {
      const first = key === undefined ? undefined : keys.get(key)
      if (first) return answer(first, encodeBody(given.map(checkInput)))
      const { seq } = live.head
      if (expectSeq === undefined || expectSeq === seq) return transact(run, options, deciding)
      const details = { expected: expectSeq, actual: seq }
      throw new Rejection('conflict', details, `the store is at seq ${seq}, not ${expectSeq}`)
    } catch (refusal) {
      if (!options.refusalWaits || !isRefusal(refusal)) throw refusal
      return { receipt: { ok: true, seq: live.head.seq, at: '', duplicate: false, refusal } }
    } finally {
      deciding = undefined
    }
  }

  function transact(run: Run, options: CommitOptions, parts: Part[]): Pending {
    const { key, command, metadata } = options
    let { state, seq, at: last } = live.head
    const at = timeAfter(last)
    const meta = Object.freeze({ seq: seq + 1, at, ...(key !== undefined && { key }) })
    const dispatch = (type: string, payload?: unknown) => {
      if (deciding !== parts)
        throw new TypeError('this transaction is over: dispatch in run() only')
      const part = checkInput({ type, payload })
      runGuard(part, state, meta, metadata?.value)
      state = reduce(state, part, meta)
      parts.push(part)
      return meta
    }
    const value = run({
      at,
      metadata: metadata?.value ?? NO_METADATA,
      dispatch,
      getState: () => state,
    })
    if (value instanceof Rejection) throw value
    assertResult(value)
    const result = value === undefined ? {} : { value }
    const receipt = { ok: true, seq, at, duplicate: false, ...result } as const
    if (parts.length === 0) return { receipt }
    const text = encode({ meta, command, metadata: metadata?.text, parts }, journal)
    const record = { meta, command, metadata: metadata?.value, parts, state, text }
    remember(keys, record)
    live.head = { state, seq: meta.seq, at }
    return { receipt: { ...receipt, seq: meta.seq }, record }
  }

  const checkInput = ({ type, payload }: Input) => validatePayload(definition.find(type), payload)

  /** Steps 3 and 4. One flush is in the air; what arrives meanwhile goes out with the next one. */
  async function flush(): Promise<void> {
    // Lets the rest of this turn's dispatches share the first flush.
    await undefined
    live.group = live.queue
    live.queue = []
    try {
      if (live.isBehind) await catchUp(follower)
      const appended = await append(journal, live.group, live.durable.seq)
      if (!appended.ok && appended.withdrawn) withdraw(follower, appended.withdrawn.cause)
      else live.isBehind ||= !appended.ok
      const rest = live.group.findIndex(({ receipt }) => !appended.ok || receipt.seq > appended.seq)
      if (rest >= 0) live.queue = [...live.group.splice(rest), ...live.queue]
      for (const { record, receipt, resolve } of live.group.splice(0)) {
        if (record) accept(record)
        resolve(receipt)
      }
    } catch (error) {
      stop(error)
    }
    flushing = live.queue.length > 0 ? flush() : undefined
  }

  function accept(record: Settled): void {
    const previous = live.durable.state
    live.durable = headOf(record)
    publish(listeners, record, previous, onListenerError)
  }

  /**
   * The group has the outcome that the journal names, the rest was never written. Fail stop, unless the
   * journal comes back and can then be asked what became of it.
   */
  function stop(cause: unknown, isFinal = false): void {
    const broken = `the append to ${journal.name} broke off: ${cause}`
    const error = cause instanceof StoreError ? cause : new StoreError('unknown', broken, { cause })
    const refused = refusal(journal, error, live.durable.seq)
    const sent = live.group.findLast(({ record }) => record)?.receipt.seq ?? 0
    for (const waiting of [...live.group, ...live.queue]) {
      const { record, receipt } = waiting
      end(waiting, (record || receipt.duplicate) && receipt.seq <= sent ? error : refused)
    }
    Object.assign(live, { group: [], queue: [], head: live.durable, isBehind: true })
    if (stopped || (!isFinal && isPassing(journal, error))) return
    stopped = refused
    for (const closer of [...closers]) closer()
    onStop?.(error)
  }

  /** What only waited for records that are durable has its answer all the same. */
  function end({ receipt, record, resolve, reject }: Waiting, error: StoreError): void {
    forget(keys, record)
    if (live.isBehind || receipt.seq > live.durable.seq) reject(error)
    else resolve(receipt)
  }

  async function close(): Promise<void> {
    stopped = new StoreError('closed', `${journal.name} was closed: open it again`)
    await idle()
    for (const closer of [...closers]) closer()
    await following
    await journal.close()
  }

  const idle = async () => {
    while (flushing !== undefined) await flushing
  }
  const follower = { definition, journal, live, decide, accept }
  // Who follows no more would not see what others do.
  const endFollowing = (error: unknown) => idle().then(() => stop(error, true))
  const following =
    journal.follow && follow(follower, ending.signal, () => flushing).catch(endFollowing)
  return {
    replayed: { records, fallback },
    listeners,
    closers,
    getHead: () => live.durable,
    getStopped: () => stopped,
    take: () => {
      if (stopped) throw stopped
      return { ...live.durable, keys: keysUpTo(keys, live.durable.seq) }
    },
    commit,
    refresh: () => {
      live.isBehind ||= journal.follow !== undefined
      return commit(() => undefined, {}, [])
    },
    close: () => {
      closing ??= close()
      return closing
    },
  }
}
