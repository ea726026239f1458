// Text for people: safe to print wherever it came from, and short.

// Control characters, line separators and lone surrogates, and what is invisible or turns the order
// of what follows around. Joiners stay: emoji and some scripts need them.
const HIDDEN =
  /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu
const SHORT = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
])

/** One line. What a terminal would obey instead of showing is escaped, such as `\u001b`. */
export const visible = (text: string): string =>
  text.replace(HIDDEN, (character) => SHORT.get(character) ?? escaped(character))

const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** At most `most` UTF-16 code units, then an ellipsis. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text
  // Half of a pair is not a character.
  return `${text.slice(0, most).replace(/\p{Cs}$/u, '')}…`
}

/** The first of them, and how many there are besides. */
export function atMost<T>(items: readonly T[], most: number, show: (item: T) => string): string[] {
  const more = items.length - most
  const shown = items.slice(0, most).map(show)
  return more > 0 ? [...shown, `… and ${grouped(more)} more`] : shown
}

/** `1 record`, `1,234 records`. */
export const counted = (count: number, noun: string): string =>
  `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`

export const grouped = (count: number): string => count.toLocaleString('en-US')
