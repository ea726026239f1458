// What is wrong with a definition, and where: StoreError `bad_definition`, whatever was thrown.
import { StoreError } from '../errors.ts'

/** `maker`: the call that was given the definition, such as `defineStore("broker")`. */
export const badDefinition = (maker: string, problem: string, cause?: unknown): StoreError =>
  new StoreError('bad_definition', `${maker}: ${problem}`, { cause })

/**
 * Runs code that reads the user's values, which may be getters, proxies or schemas that throw.
 * Throws StoreError `bad_definition`, with `where` unless the problem already names its place.
 */
export function reading<T>(maker: string, where: string, run: () => T): T {
  try {
    return run()
  } catch (cause) {
    if (isBadDefinition(cause)) throw cause
    throw badDefinition(maker, `${where}: reading it threw: ${textOf(cause)}`, cause)
  }
}

function isBadDefinition(thrown: unknown): boolean {
  try {
    return thrown instanceof StoreError && thrown.code === 'bad_definition'
  } catch {
    return false
  }
}

/** Like `String(value)`, but never throws. */
function textOf(value: unknown): string {
  try {
    return String(value)
  } catch {
    return `a value of type ${typeof value} that has no text`
  }
}
