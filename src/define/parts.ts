// Declarations in files of their own, to be spread into defineStore.
import type {
  CommandConfig,
  CommandPart,
  Get,
  MutationPart,
  RejectionsIn,
  RunConfig,
  SchemasOf,
  StoreConfig,
} from './dsl.ts'
import type { MetadataOutput } from './metadata.ts'

/** `mutationsFor<State>()({…})`: mutations in another file. `Me`: the type of the store's metadata schema, where guards read it. */
export function mutationsFor<S, Me = unknown>(): <P, R>(
  mutations: StoreConfig<S & object, P, R, {}, {}, {}, Me>['mutations'],
) => {
  [K in keyof P]: MutationPart<S, P[K], RejectionsIn<Get<R, K>> | undefined, MetadataOutput<Me>>
} {
  return (mutations) => mutations as never
}

/** `commandsFor<State, typeof mutations>()({…})`: commands in another file. */
export function commandsFor<S, Parts = {}, Me = unknown>(): <I, V>(
  commands: { [K in keyof I]: CommandConfig<I[K]> } & {
    [K in keyof V]: RunConfig<S, SchemasOf<Parts>, Get<I, K>, V[K], MetadataOutput<Me>>
  },
) => {
  [K in keyof V]: CommandPart<S, SchemasOf<Parts>, Get<I, K>, V[K], MetadataOutput<Me>>
} {
  return (commands) => commands as never
}
