// What a journal names as its features: a version of ministore that does not know one of them must not read the journal.
import { isHash } from './hash.ts'

/** Those that this version knows. */
const KNOWN: readonly unknown[] = ['chain']

/** The fields of a header that say how to read the records; an engine keeps them as JSON text. */
export interface Features {
  /** What a reader must know. */
  readonly needs?: readonly string[]
  /** What the hash chain begins with. */
  readonly chain?: string
}

/** The fields of a journal whose chain begins with this value; none without a chain. */
export const featuresOf = (chain: string | undefined): Features =>
  chain === undefined ? {} : { needs: ['chain'], chain }

/**
 * Returns what the hash chain begins with; undefined if the journal has none. Throws what `refuse` returns, if
 * this version must not read the journal (`newer_format`), or if the fields contradict each other (`corrupt`).
 */
export function readFeatures(
  { needs = [], chain }: { readonly needs?: unknown; readonly chain?: unknown },
  refuse: (code: 'newer_format' | 'corrupt', what: string) => Error,
): string | undefined {
  if (!Array.isArray(needs)) throw refuse('corrupt', 'its "needs" is not a list')
  const unknown = needs.find((need) => !KNOWN.includes(need))
  if (unknown !== undefined)
    throw refuse(
      'newer_format',
      `it needs ${JSON.stringify(unknown)}, which takes a newer ministore`,
    )
  if (!needs.includes('chain') && chain === undefined) return undefined
  if (needs.includes('chain') && isHash(chain)) return chain
  throw refuse('corrupt', 'its "chain" does not fit its "needs"')
}

/** The option `chain` of a journal. */
export type ChainOption = boolean | string | undefined

/**
 * Why a journal cannot be opened with this option; undefined if it can. `chain`: what its chain begins with;
 * undefined if it has none.
 */
export function describeMismatch(
  name: string,
  option: ChainOption,
  chain: string | undefined,
): string | undefined {
  if (typeof option === 'string' && chain !== undefined && chain !== option)
    return 'has another hash chain than the option "chain" names'
  if (option === undefined || option === false || chain !== undefined) return undefined
  const convert = `npx ministore-ts copy ${JSON.stringify(name)} <new journal> --chain`
  return `has no hash chain, and an open journal cannot get one. Copy it to a journal that has one: ${convert}. Or open it without the option "chain"`
}
