// The JSON text of a part of a schema: what it is known by.

const texts = new WeakMap<object, string>()

/** Made once for each part, since the same parts are compared again and again. */
export function textOf(part: unknown): string {
  if (typeof part !== 'object' || part === null) return JSON.stringify(part) ?? ''
  const known = texts.get(part)
  if (known !== undefined) return known
  const text = JSON.stringify(part)
  texts.set(part, text)
  return text
}
