// A state as text, with what JSON leaves out: absent and undefined properties, holes, kinds of objects.

/** Equal where a reducer could see no difference, but for identities. Throws RangeError for a cycle. */
export function exact(value: unknown): string {
  if (Object.is(value, -0)) return '-0'
  if (typeof value !== 'object' || value === null) return `${typeof value} ${String(value)}`
  if (Array.isArray(value)) {
    const places = Array.from(value, (each, index) => (index in value ? exact(each) : 'hole'))
    return `[${places.join()}]${Object.keys(value).slice(places.length).join()}`
  }
  const keys = Reflect.ownKeys(value).map((key) => {
    return `${String(key)}: ${exact(Reflect.get(value, key))}`
  })
  const kind = Object.getPrototypeOf(value)?.constructor.name ?? 'null'
  return `${kind === 'Object' ? '' : kind}{${keys.join()}}`
}
