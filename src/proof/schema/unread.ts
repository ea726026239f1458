// What to say of a mark: code that is new or another one, or a part that can only be compared as a whole.
import type { Narrowing } from './narrowing.ts'

/** How much of a source is reported. */
const TOLD = 80

const WHOLE = /^(.*) sha256:[0-9a-f]+$/s

/** Whether a mark stands for a part of a schema, by its digest. */
export const isWhole = (mark: string): boolean => WHOLE.test(mark)

/** `mark` is in the new schema and not in the old one. */
export function unreadNarrowing(
  mark: string,
  was: readonly string[],
  is: readonly string[],
): Narrowing {
  const before = was.find((each) => kindOf(each) === kindOf(mark) && !is.includes(each))
  const change = isWhole(mark)
    ? `${told(mark)} is ${before === undefined ? 'new' : 'another one'}`
    : before === undefined
      ? `${told(mark)} is new`
      : `${told(before)} → ${told(mark)}`
  const why = 'what it refuses or changes cannot be seen'
  return { path: '', change: `${change}, and ${why}`, isUnread: true }
}

/** `refine`, `transform`, a regular expression: the word that a mark begins with. */
const kindOf = (mark: string): string =>
  mark.startsWith('/') ? '/' : (WHOLE.exec(mark)?.[1] ?? mark.split(' ', 1)[0] ?? '')

function told(mark: string): string {
  const [, what] = WHOLE.exec(mark) ?? []
  if (what !== undefined) return what
  const line = mark.replace(/\s+/g, ' ')
  return line.length > TOLD ? `${line.slice(0, TOLD)}…` : line
}
