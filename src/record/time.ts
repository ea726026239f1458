// The time of a record, which never decreases within a journal.

/**
 * Returns the function that gives a new record its time: that of the clock `now`, in milliseconds since 1970, or
 * `last`, the time of the record before it, if the clock is earlier than that. Clocks of several machines differ, and a
 * clock may be set back.
 */
export function timeFrom(now: () => number): (last: string) => string {
  let [time, text] = [Number.NaN, '']
  return (last) => {
    const ms = now()
    // Making the text takes longer than encoding the rest of a record, so it is kept for a millisecond.
    if (ms !== time) text = new Date(ms).toISOString()
    time = ms
    // What cannot be parsed, as before the first record, is not a limit. What can be has up to nine decimals.
    return last !== text && ms <= Date.parse(last) ? last : text
  }
}
