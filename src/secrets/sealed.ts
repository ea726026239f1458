// The sealed form of a secret: the plain JSON object that payloads, records and states hold.
import { z } from 'zod'
import type { Json } from '../json/json.ts'
import { isTable, type Table } from '../table/index.ts'
import { copyTable } from '../table/table.ts'

declare const plain: unique symbol

/**
 * A secret in its sealed form. `Out` is what revealing gives, `In` what sealing takes; both are known to the compiler
 * only. The object holds no plain text.
 */
export type Secret<Out, In = Out> = {
  readonly $secret: { readonly alg: 'A256GCM'; readonly key: string; readonly subject: string }
  /** A function, since drafts and states leave the types of functions as they are. */
  readonly [plain]?: (given: In) => Out
}

/** Whose secret it is, the key that opens it, and what is left when that key is destroyed. */
export interface SealedBox {
  readonly alg: 'A256GCM'
  /** Ciphertext and tag, base64url. */
  readonly data: string
  /** 12 bytes, base64url. */
  readonly iv: string
  readonly key: string
  readonly redacted: Json
  readonly subject: string
}

/** What stands in the place of each secret once it is revealed. */
export type Revealed<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends Secret<infer Out, never>
    ? Out
    : T extends (...args: never[]) => unknown
      ? T
      : T extends { entries(): IterableIterator<[string, infer V]>; readonly size: number }
        ? { [K in keyof T]: K extends keyof RevealedTable<V> ? RevealedTable<V>[K] : T[K] }
        : T extends object
          ? { [K in keyof T]: Revealed<T[K]> }
          : T

interface RevealedTable<V> {
  get(key: string): Revealed<V> | undefined
  values(): IterableIterator<Revealed<V>>
  entries(): IterableIterator<[string, Revealed<V>]>
  [Symbol.iterator](): IterableIterator<[string, Revealed<V>]>
}

/** What sealing takes: plain text in the place of each secret. */
export type Plain<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends Secret<unknown, infer In>
    ? In
    : T extends object
      ? { [K in keyof T]: Plain<T[K]> }
      : T

const base64url = (characters: string) => z.string().regex(new RegExp(`^[\\w-]${characters}$`))

/** 1 to 256 printable characters: key stores use it as a key. */
export const SUBJECT: RegExp = /^[^\p{C}]{1,256}$/u

/** The shape of `SealedBox`, as JSON Schema and the schema lock show it. */
export const sealedShape: { readonly $secret: z.core.$ZodType } = {
  $secret: z.strictObject({
    alg: z.literal('A256GCM'),
    data: base64url('{22,}'),
    iv: base64url('{16}'),
    key: base64url('{22}'),
    redacted: z.json(),
    subject: z.string().regex(SUBJECT),
  }),
}
const box = sealedShape.$secret

/** Whether the value claims to be a secret: its only property is `$secret`. */
export const isSealed = (value: unknown): value is { readonly $secret: unknown } =>
  typeof value === 'object' &&
  value !== null &&
  Object.hasOwn(value, '$secret') &&
  Object.keys(value).length === 1

/** Undefined if it is not as this version or an earlier one seals. */
export function boxOf({ $secret }: { readonly $secret: unknown }): SealedBox | undefined {
  const parsed = z.core.safeParse(box, $secret)
  return parsed.success ? (parsed.data as SealedBox) : undefined
}

type Replace = (sealed: { readonly $secret: unknown }, within: readonly object[]) => unknown

/**
 * The value with each sealed form in it replaced, in arrays, plain objects and tables. What has none stays the same
 * object. `within`: the objects around the sealed form, the innermost first.
 */
export function replaceSealed(
  value: unknown,
  replace: Replace,
  within: readonly object[] = [],
): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (isSealed(value)) return replace(value, within)
  const around = [value, ...within]
  const inner = (each: unknown) => replaceSealed(each, replace, around)
  if (isTable(value)) return replacedTable(value, inner)
  if (Array.isArray(value)) {
    const replaced = value.map(inner)
    return replaced.every((each, index) => Object.is(each, value[index])) ? value : replaced
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return value
  const entries = Object.entries(value).map(([key, each]) => [key, inner(each)] as const)
  const isSame = entries.every(([key, each]) => Object.is(each, Reflect.get(value, key)))
  return isSame ? value : Object.fromEntries(entries)
}

function replacedTable(table: Table<unknown>, inner: (value: unknown) => unknown): object {
  let isSame = true
  const replaced = copyTable(table, (value) => {
    const next = inner(value)
    isSame &&= Object.is(next, value)
    return next
  })
  return isSame ? table : replaced
}
