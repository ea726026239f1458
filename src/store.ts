// The four steps in order: check → draft → journal → publish. Group commit; fail stop.
import { check, checkRule } from './check.ts'
import { isThenable, reduce } from './draft.ts'
import { Rejection, StoreError } from './errors.ts'
import { append } from './journal.ts'
import { publish } from './publish.ts'
import { encode, encodeBody, timeText } from './record/encode.ts'
import { keysUpTo, remember } from './record/keys.ts'
import { replay } from './replay/index.ts'
import type * as T from './types.ts'

/** Replays an open journal, then takes dispatches. Throws StoreError where it does not fit. */
export async function openCore(
  definition: T.Definition,
  journal: T.Journal,
  start: T.Start | undefined,
  { now = Date.now, onListenerError }: T.OpenOptions,
): Promise<T.Core> {
  const keys: T.Keys = new Map()
  const toText = timeText()
  const { records, fallback, ...replayed } = await replay(definition, journal, { keys, start })
  /** What everybody sees. */
  let durable: T.Head = replayed
  /** What the next dispatch is decided on: ahead of `durable` by all that is in flight. */
  let head = durable
  const listeners = new Set<T.Listener>()
  const closers = new Set<() => void>()
  let queue: T.Waiting[] = []
  /** What is being decided; a dispatch in the middle of it could only be a mistake. */
  let deciding: T.Part[] | undefined
  let flushing: Promise<void> | undefined
  let closing: Promise<void> | undefined
  let stopped: StoreError | undefined

  const commit: T.Core['commit'] = (run, options, given) =>
    new Promise((resolve, reject) => {
      const { receipt, record } = decide(run, options, given)
      // Not spread: V8 takes longer for that than for the reducer.
      queue.push({ receipt, record, resolve, reject })
      flushing ??= flush()
    })

  /** Steps 1 and 2, at once and on the tentative head: whatever is thrown here was never written. */
  function decide(run: T.Run, options: T.CommitOptions, given: readonly T.Input[]) {
    const { key, expectSeq } = options
    if (stopped) throw stopped
    if (deciding) throw new TypeError('dispatch inside apply, check or run: use tx.dispatch')
    deciding = []
    try {
      const first = key === undefined ? undefined : keys.get(key)
      if (first) return repeat(first, encodeBody(given.map(checkInput)))
      const { seq } = head
      if (expectSeq === undefined || expectSeq === seq) return transact(run, options, deciding)
      const details = { expected: expectSeq, actual: seq }
      throw new Rejection('conflict', details, `the store is at seq ${seq}, not ${expectSeq}`)
    } finally {
      deciding = undefined
    }
  }

  function transact(run: T.Run, { key, command }: T.CommitOptions, parts: T.Part[]): T.Pending {
    const at = toText(now())
    const meta = Object.freeze({ seq: head.seq + 1, at, ...(key !== undefined && { key }) })
    let { state } = head
    const dispatch = (type: string, payload?: unknown) => {
      if (deciding !== parts)
        throw new TypeError('this transaction is over: dispatch in run() only')
      const part = checkInput({ type, payload })
      checkRule(part, state, meta)
      state = reduce(state, part, meta)
      parts.push(part)
      return meta
    }
    const value = run({ at, dispatch, getState: () => state })
    if (value instanceof Rejection) throw value
    if (isThenable(value)) throw new TypeError('run() is asynchronous: await before or after it')
    const result = value === undefined ? {} : { value }
    const receipt = { ok: true, seq: head.seq, at, duplicate: false, ...result } as const
    if (parts.length === 0) return { receipt }
    const text = encode({ meta, command, parts }, journal)
    const record = { meta, command, parts, state, text }
    remember(keys, record)
    head = { state, seq: meta.seq }
    return { receipt: { ...receipt, seq: meta.seq }, record }
  }

  /** The same key again is the same request again: in flight, it waits for the first answer. */
  function repeat({ body, receipt }: T.KeyedRecord, again: string): T.Pending {
    if (again === body) return { receipt }
    const what = `this key belongs to another mutation, which is at seq ${receipt.seq}`
    throw new StoreError('key_reused', what, { seq: receipt.seq })
  }

  const checkInput = ({ type, payload }: T.Input) => check(definition.find(type), payload)

  /** Steps 3 and 4. One flush is in the air; what arrives meanwhile goes out with the next one. */
  async function flush(): Promise<void> {
    // Lets the rest of this turn's dispatches share the first flush.
    await undefined
    while (queue.length > 0) {
      const group = queue
      queue = []
      try {
        const seq = await append(journal, group, durable.seq)
        const rest = group.findIndex(({ receipt }) => receipt.seq > seq)
        if (rest >= 0) queue = [...group.splice(rest), ...queue]
        group.forEach(settle)
      } catch (error) {
        stop(error, group)
      }
    }
    flushing = undefined
  }

  function settle({ record, receipt, resolve }: T.Waiting): void {
    if (record) {
      const previous = durable.state
      durable = { state: record.state, seq: record.meta.seq }
      publish(listeners, record, previous, onListenerError)
    }
    resolve(receipt)
  }

  /** Fail stop: the group has the outcome that the journal names, the rest was never written. */
  function stop(cause: unknown, group: readonly T.Waiting[]): void {
    const broken = `the append to ${journal.name} broke off: ${cause}`
    const error = cause instanceof StoreError ? cause : new StoreError('unknown', broken, { cause })
    const code = error.code === 'unknown' ? 'io' : error.code
    const what = `not written: ${journal.name} takes no dispatches since seq ${durable.seq}`
    const options = { path: error.path, cause: error }
    const refused = new StoreError(code, `${what} (${error.message})`, options)
    stopped ??= refused
    for (const waiting of group) end(waiting, error)
    for (const waiting of queue) end(waiting, refused)
    queue = []
  }

  /** What only waited for records that are durable has its answer all the same. */
  const end = (waiting: T.Waiting, error: StoreError) =>
    waiting.receipt.seq > durable.seq ? waiting.reject(error) : settle(waiting)

  async function close(): Promise<void> {
    stopped = new StoreError('closed', `${journal.name} was closed: open it again`)
    await flushing
    for (const closer of [...closers]) closer()
    await journal.close()
  }

  return {
    replayed: { records, fallback },
    listeners,
    closers,
    getHead: () => durable,
    take: () => {
      if (stopped) throw stopped
      return { ...durable, keys: keysUpTo(keys, durable.seq) }
    },
    isClosed: () => closing !== undefined,
    commit,
    close: () => {
      closing ??= close()
      return closing
    },
  }
}
