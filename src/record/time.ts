// The time of a record, which never decreases within a journal.

/** The first and the last millisecond of the years that ISO 8601 writes with four digits. */
const [FIRST_MS, LAST_MS] = [
  Date.parse('0000-01-01T00:00:00Z'),
  Date.parse('9999-12-31T23:59:59.999Z'),
]

/**
 * Returns the function that gives a new record its time: that of the clock `now`, in milliseconds since 1970, or
 * `last`, the time of the record before it, if the clock is earlier than that. Clocks of several machines differ, and a
 * clock may be set back. What it returns throws TypeError if the clock does not give such a number.
 */
export function timeFrom(now: () => number): (last: string) => string {
  let [time, text] = [Number.NaN, '']
  return (last) => {
    const ms = now()
    // Making the text takes longer than encoding the rest of a record, so it is kept for a millisecond.
    if (ms !== time) text = timeText(ms)
    time = ms
    // What cannot be parsed, as before the first record, is not a limit. What can be has up to nine decimals.
    return last !== text && ms <= Date.parse(last) ? last : text
  }
}

function timeText(ms: number): string {
  if (typeof ms === 'number' && ms >= FIRST_MS && ms <= LAST_MS) return new Date(ms).toISOString()
  throw new TypeError(
    `now: must return milliseconds since 1970, up to the year 9999: got ${String(ms)}`,
  )
}
