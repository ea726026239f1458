// How a program tells its parent what it is about to change, and what was acknowledged.

/** `subject` has this value, as soon as the change is done. */
export interface Change {
  readonly subject: string
  readonly value: string
}
/** A value that is only known afterwards. */
export const ANY = '*'

export type Said =
  | 'opened'
  | { readonly asked: Change }
  | { readonly done: Change }
  /** What the quickstart sends: the id of a package. */
  | string

export const say = (said: Said): void => void process.send?.(said)

/** Says so before and after. */
export async function telling<R>(change: Change, run: () => Promise<R>): Promise<R> {
  say({ asked: change })
  const result = await run()
  say({ done: change })
  return result
}
