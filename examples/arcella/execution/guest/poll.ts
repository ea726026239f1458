// `poll_oneoff` of WASI, by which programs sleep. That of Node sleeps where nothing can wake it, not even the
// end of its thread; this one can be ended. All files are ready at any time.
import type { GuestMemory } from './memory.ts'

const [SUCCESS, EINVAL] = [0, 28]
const [CLOCK, LAST_TAG] = [0, 2]
const [SUBSCRIPTION_BYTES, EVENT_BYTES] = [48, 32]
const MOST = 1024

interface Subscription {
  readonly userdata: bigint
  readonly tag: number
  /** Nanoseconds from now; those of a file are none. */
  readonly wait: bigint
}

/** `sleep` waits for so many milliseconds. */
export function pollOneoff(
  memory: GuestMemory,
  sleep: (ms: number) => void,
  [from, to, count, counted]: readonly unknown[],
): number {
  if (typeof count !== 'number' || count < 1 || count > MOST) return EINVAL
  const subscriptions = readSubscriptions(memory.view(from, count * SUBSCRIPTION_BYTES), count)
  if (subscriptions === undefined) return EINVAL
  const shortest = subscriptions.reduce(
    (least, { wait }) => (wait < least ? wait : least),
    subscriptions[0]?.wait ?? 0n,
  )
  if (shortest > 0n) sleep(Number(shortest) / 1e6)
  const due = subscriptions.filter(({ wait }) => wait <= shortest)
  const events = memory.view(to, due.length * EVENT_BYTES)
  for (const [index, { userdata, tag }] of due.entries()) {
    const at = index * EVENT_BYTES
    for (let word = 0; word < EVENT_BYTES; word += 8) events.setBigUint64(at + word, 0n)
    events.setBigUint64(at, userdata, true)
    events.setUint8(at + 10, tag)
    // Bytes that are ready: at least one.
    if (tag !== CLOCK) events.setBigUint64(at + 16, 1n, true)
  }
  memory.view(counted, 4).setUint32(0, due.length, true)
  return SUCCESS
}

function readSubscriptions(view: DataView, count: number): Subscription[] | undefined {
  const read: Subscription[] = []
  for (let at = 0; at < count * SUBSCRIPTION_BYTES; at += SUBSCRIPTION_BYTES) {
    const tag = view.getUint8(at + 8)
    if (tag > LAST_TAG) return undefined
    const wait = tag === CLOCK ? untilDue(view, at) : 0n
    if (wait === undefined) return undefined
    read.push({ userdata: view.getBigUint64(at, true), tag, wait })
  }
  return read
}

function untilDue(view: DataView, at: number): bigint | undefined {
  const clock = view.getUint32(at + 16, true)
  const timeout = view.getBigUint64(at + 24, true)
  const isAbsolute = (view.getUint16(at + 40, true) & 1) === 1
  if (clock > 1) return undefined
  if (!isAbsolute) return timeout
  const now = clock === 0 ? BigInt(Date.now()) * 1_000_000n : process.hrtime.bigint()
  return timeout > now ? timeout - now : 0n
}
