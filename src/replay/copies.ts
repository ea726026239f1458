// Copies that a replay in place makes: only of what is plain, so that each is the same in every respect.
import { isOtherDraft } from '../mutation/other-immer.ts'
import { isTable } from '../table/index.ts'
import { copyTable } from '../table/table.ts'

/** Longer arrays are not asked for properties with names, such as those of `match()`. */
const MOST_NAMED = 100

/** To be changed: the object itself, or a copy of its first level where it is frozen. */
export function thawed(value: object): object {
  if (!Object.isFrozen(value)) return value
  if (isTable(value)) return copyTable(value, (inner) => inner)
  if (Array.isArray(value)) return value.slice()
  const isBare = Object.getPrototypeOf(value) === null
  return isBare ? Object.assign(Object.create(null), value) : { ...value }
}

/** Throws where a copy would not be the same in every respect. */
export function copy(value: object, inner: (value: unknown, key: string) => unknown): object {
  if (isOtherDraft(value)) throw new TypeError('it is a draft of another Immer')
  if (Object.getOwnPropertySymbols(value).length > 0) throw new TypeError('it has symbols as keys')
  if (isTable(value)) return copyTable(value, inner)
  if (Array.isArray(value)) return copyArray(value, inner)
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) throw new TypeError('it is not JSON')
  const result = prototype === null ? Object.create(null) : {}
  for (const key of Object.getOwnPropertyNames(value)) {
    const property = Object.getOwnPropertyDescriptor(value, key)
    if (key === '__proto__' || !property?.enumerable || property.get || property.set)
      throw new TypeError(`its ${key} is not a plain property`)
    result[key] = inner(property.value, key)
  }
  return result
}

function copyArray(value: unknown[], inner: (value: unknown, key: string) => unknown): unknown[] {
  const isPlain =
    Object.getPrototypeOf(value) === Array.prototype &&
    (value.length > MOST_NAMED || Object.keys(value).length <= value.length)
  if (!isPlain) throw new TypeError('it is not a plain array')
  return value.map((each, index) => inner(each, String(index)))
}

/** Its own, and as it is: no draft. */
export const ownValue = (target: object, key: PropertyKey): unknown =>
  isTable(target) ? target.get(String(key)) : plainValue(target, key)

export const plainValue = (target: object, key: PropertyKey): unknown =>
  Object.hasOwn(target, key) ? Reflect.get(target, key) : undefined

/** 0 for -0, which JSON has not. */
export const withoutSign = (value: unknown): unknown => (Object.is(value, -0) ? 0 : value)

export const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null
