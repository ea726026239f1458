// Declarations in files of their own, to be spread into defineStore.
import type * as T from '../types.ts'

/** `mutationsFor<State>()({…})`: mutations in another file. `Me`: the type of the store's metadata schema, where guards read it. */
export function mutationsFor<S, Me = unknown>(): <P, R>(
  mutations: T.StoreConfig<S & object, P, R, {}, {}, {}, Me>['mutations'],
) => {
  [K in keyof P]: T.MutationPart<
    S,
    P[K],
    T.RejectionsIn<T.Get<R, K>> | undefined,
    T.MetadataOutput<Me>
  >
} {
  return (mutations) => mutations as never
}

/** `commandsFor<State, typeof mutations>()({…})`: commands in another file. */
export function commandsFor<S, Parts = {}, Me = unknown>(): <I, V>(
  commands: { [K in keyof I]: T.CommandConfig<I[K]> } & {
    [K in keyof V]: T.RunConfig<S, T.SchemasOf<Parts>, T.Get<I, K>, V[K], T.MetadataOutput<Me>>
  },
) => {
  [K in keyof V]: T.CommandPart<S, T.SchemasOf<Parts>, T.Get<I, K>, V[K], T.MetadataOutput<Me>>
} {
  return (commands) => commands as never
}
