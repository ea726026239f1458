// What the type tests are written with. `npx tsc -p .` is what checks them; nothing here runs.

/** Exactly the same type: `any`, `readonly` and `?` make a difference. */
export type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** `expectType<Equal<typeof seq, number>>()` */
export function expectType<_Holds extends true>(): void {}

/** A promise, and the code that does not compile unless it is kept. */
export function keeps(_promise: string, _code: () => unknown): void {}
