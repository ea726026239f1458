// The words of other libraries, and slips, for the properties that a definition has.
import { closestMatch } from 'leven'

export type NearMisses = Readonly<Record<string, string>>

/** For each property, the words that are used for it elsewhere. */
export const STORE_WORDS: NearMisses = {
  name: 'id key title store storeName',
  state: 'initial initialState initialValue defaultState getInitialState',
  metadata: 'meta context headers actor metadataSchema',
  keys: 'key idempotency idempotencyKeys idempotencyKey dedupe deduplication',
  mutations: 'mutation action actions event events reducer reducers handler handlers on',
  retired: 'removed deprecated old legacy',
  commands: 'command queries methods',
  'upcast inside a mutation': 'upcast upcasts upcaster upcasters migrate migration migrations',
  'guard inside a mutation': 'guard guards check checks rule rules validate',
}
export const MUTATION_WORDS: NearMisses = {
  payload: 'schema input body args arguments params data payloadSchema inputSchema',
  upcast: 'upcasts upcaster upcasters migrate migration migrations version versions',
  guard: 'check checks guards rule rules validate validator when canApply precondition',
  apply: 'reduce reducer handler handle evolve mutate update run execute fn on produce',
  accept: 'accepts accepted allow allows ignore suppress impure',
}
export const SOURCE_WORDS: NearMisses = {
  clock: 'time date now timestamp',
  random: 'randomness uuid id crypto',
  timeZone: 'tz zone',
  locale: 'language intl',
  environment: 'env process',
  host: 'os machine system',
  files: 'fs filesystem',
  later: 'async timers timer promise',
}
export const COMMAND_WORDS: NearMisses = {
  input: 'schema payload body args arguments params data inputSchema',
  run: 'apply handler handle execute decide fn action perform reduce reducer',
}

/** The property that `name` was probably meant to be. */
export function nearMiss(name: string, words: NearMisses): string | undefined {
  const lower = name.toLowerCase()
  const slip = closestMatch(lower, known(words), { maxDistance: name.length > 4 ? 2 : 1 })
  if (slip !== undefined) return slip
  return Object.keys(words).find((property) =>
    words[property]?.split(' ').some((word) => word.toLowerCase() === lower),
  )
}

/** All that a part can have, for messages. */
export const propertiesOf = (words: NearMisses): string => known(words).join(', ')

/** Without the places that are elsewhere. */
const known = (words: NearMisses) => Object.keys(words).filter((word) => !word.includes(' '))
