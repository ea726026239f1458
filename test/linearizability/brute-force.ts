// The definition, word for word: some order of the calls, of which those of unknown outcome may be absent, respects
// their times and is one that the model gives. It takes exponential time, so it is for small histories only.
import type { Model, Operation } from './operation.ts'

export function isLinearizable<S, C, A>(
  model: Model<S, C, A>,
  operations: readonly Operation<C, A>[],
  state: S = model.initial,
): boolean {
  if (operations.every(({ answer }) => answer === undefined)) return true
  return operations.some((operation) => {
    const rest = operations.filter((each) => each !== operation)
    if (rest.some(({ end }) => end < operation.start)) return false
    const next = model.step(state, operation.call, operation.answer)
    return next !== undefined && isLinearizable(model, rest, next)
  })
}
