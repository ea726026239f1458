// How the verbs on journals write counts, sizes, and strings that no one has vouched for.

const UNSAFE = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu
const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']

/** Without characters that a terminal obeys: they become \u escapes, which JSON reads as the same. */
export const safe = (text: string): string =>
  text.replace(UNSAFE, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** 1,234 records. */
export const counted = (count: number, noun: string, plural: string = `${noun}s`): string =>
  `${grouped(count)} ${count === 1 ? noun : plural}`

/** 1,234,567. */
export const grouped = (count: number): string => count.toLocaleString('en')

/** 56.7 KiB. */
export function sized(bytes: number): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), UNITS.length - 1)
  const count = power === 0 ? grouped(bytes) : (bytes / 1024 ** power).toFixed(1)
  return `${count} ${bytes === 1 ? 'byte' : UNITS[power]}`
}
