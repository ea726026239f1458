// Everything is inferred from one defineStore literal, whatever the order of its properties.
import {
  defineStore,
  type GuardMeta,
  type JournalRecord,
  type Json,
  type Meta,
  type Mutation,
  type MutationInput,
  type MutationName,
  type RecordOf,
  type Rejection,
  type RejectionOf,
  reject,
  type State,
  type StoreOf,
  type Tx,
} from 'ministore-ts'
import { z } from 'zod'
import { type Equal, expectType, keeps } from './helpers.ts'

interface Topic {
  name: string
  partitions: number
  createdAt: string
}
interface Topics {
  topics: Record<string, Topic>
  total: number
}
type AddInput = { name: string; partitions?: number | undefined }
type AddPayload = { name: string; partitions: number }
type ReadonlyTopics = {
  readonly topics: { readonly [name: string]: Readonly<Topic> }
  readonly total: number
}
/** What each definition below must turn into. */
interface Mutations {
  addTopic: {
    input: AddInput
    payload: AddPayload
    rejects: Rejection<'topic_exists', { name: string }> | Rejection<'full', undefined>
  }
  reset: { input: undefined; payload: undefined; rejects: never }
}
interface Commands {
  createTopics: {
    input: { names: string[]; dryRun?: boolean | undefined }
    value: { created: number }
    rejects: Rejection<'taken', { names: string[] }>
  }
  count: { input: undefined; value: number; rejects: never }
}
interface Retired {
  renameTopic: { payload: { from: string; to: string } }
  freeze: { payload: undefined }
}

/** In the order of the README: state, mutations, retired, commands; payload, upcast, check, apply. */
export const inOrder = defineStore({
  name: 'broker',
  state: { topics: {} as Record<string, Topic>, total: 0 },
  mutations: {
    addTopic: {
      payload: z.object({ name: z.string(), partitions: z.number().default(1) }),
      upcast: { 1: z.object({ title: z.string() }).transform((v1) => ({ name: v1.title })) },
      guard(state, payload, meta) {
        expectType<Equal<typeof state, ReadonlyTopics>>()
        expectType<Equal<typeof payload, AddPayload>>()
        expectType<Equal<typeof meta, GuardMeta>>()
        if (state.topics[payload.name]) return reject('topic_exists', { name: payload.name })
        return state.total > 9 ? reject('full') : undefined
      },
      apply(draft, payload, meta) {
        expectType<Equal<typeof draft, Topics>>()
        expectType<Equal<typeof payload, AddPayload>>()
        expectType<Equal<typeof meta, Meta>>()
        draft.topics[payload.name] = { ...payload, createdAt: meta.at }
      },
    },
    reset: {
      apply(draft, payload) {
        expectType<Equal<typeof payload, undefined>>()
        return { ...draft, total: 0 }
      },
    },
  },
  retired: {
    renameTopic: {
      payload: z.object({ from: z.string(), to: z.string() }),
      apply(draft, payload) {
        expectType<Equal<typeof draft, Topics>>()
        expectType<Equal<typeof payload, { from: string; to: string }>>()
      },
    },
    freeze: { apply() {} },
  },
  commands: {
    createTopics: {
      input: z.object({ names: z.array(z.string()), dryRun: z.boolean().default(false) }),
      run(tx, input) {
        expectType<Equal<typeof tx.state, ReadonlyTopics>>()
        expectType<Equal<typeof tx.at, string>>()
        expectType<Equal<typeof input, { names: string[]; dryRun: boolean }>>()
        const taken = input.names.filter((name) => tx.state.topics[name])
        if (taken.length > 0) return reject('taken', { names: taken })
        for (const name of input.names) {
          const meta = tx.dispatch('addTopic', { name })
          expectType<Equal<typeof meta, Meta>>()
        }
        tx.dispatch('reset')
        return { created: input.names.length }
      },
    },
    count: {
      run(tx, input) {
        expectType<Equal<typeof input, undefined>>()
        return tx.state.total
      },
    },
  },
})

/** The other way round: what is inferred from comes after what it is inferred for. */
export const reversed = defineStore({
  commands: {
    count: {
      run: (tx, input) => {
        expectType<Equal<typeof input, undefined>>()
        return tx.state.total
      },
    },
    createTopics: {
      run(tx, input) {
        expectType<Equal<typeof tx.state, ReadonlyTopics>>()
        expectType<Equal<typeof input, { names: string[]; dryRun: boolean }>>()
        const taken = input.names.filter((name) => tx.state.topics[name])
        if (taken.length > 0) return reject('taken', { names: taken })
        for (const name of input.names) tx.dispatch('addTopic', { name })
        return { created: input.names.length }
      },
      input: z.object({ names: z.array(z.string()), dryRun: z.boolean().default(false) }),
    },
  },
  retired: {
    freeze: { apply() {} },
    renameTopic: {
      apply(draft, payload) {
        expectType<Equal<typeof draft, Topics>>()
        expectType<Equal<typeof payload, { from: string; to: string }>>()
      },
      payload: z.object({ from: z.string(), to: z.string() }),
    },
  },
  mutations: {
    reset: { apply: () => ({ topics: {}, total: 0 }) },
    addTopic: {
      apply(draft, payload, meta) {
        expectType<Equal<typeof draft, Topics>>()
        expectType<Equal<typeof payload, AddPayload>>()
        draft.topics[payload.name] = { ...payload, createdAt: meta.at }
      },
      guard(state, payload) {
        expectType<Equal<typeof state, ReadonlyTopics>>()
        expectType<Equal<typeof payload, AddPayload>>()
        if (state.topics[payload.name]) return reject('topic_exists', { name: payload.name })
        return state.total > 9 ? reject('full') : undefined
      },
      upcast: { 1: z.object({ title: z.string() }).transform((v1) => ({ name: v1.title })) },
      payload: z.object({ name: z.string(), partitions: z.number().default(1) }),
    },
  },
  state: { topics: {} as Record<string, Topic>, total: 0 },
  name: 'broker',
})

/** Mixed: check after apply, payload between them, commands between state and mutations; arrow functions. */
export const mixed = defineStore({
  retired: {
    renameTopic: {
      apply: (draft, payload) => {
        draft.topics[payload.to] = { name: payload.to, partitions: 1, createdAt: payload.from }
      },
      payload: z.object({ from: z.string(), to: z.string() }),
    },
    freeze: { apply: () => undefined },
  },
  state: { topics: {} as Record<string, Topic>, total: 0 },
  commands: {
    createTopics: {
      run: (tx, input) => {
        const taken = input.names.filter((name) => tx.state.topics[name])
        if (taken.length > 0) return reject('taken', { names: taken })
        for (const name of input.names) tx.dispatch('addTopic', { name })
        return { created: input.names.length }
      },
      input: z.object({ names: z.array(z.string()), dryRun: z.boolean().default(false) }),
    },
    count: { run: (tx) => tx.state.total },
  },
  name: 'broker',
  mutations: {
    addTopic: {
      upcast: { 1: z.object({ title: z.string() }).transform((v1) => ({ name: v1.title })) },
      apply: (draft, payload, meta) => {
        draft.topics[payload.name] = { ...payload, createdAt: meta.at }
      },
      payload: z.object({ name: z.string(), partitions: z.number().default(1) }),
      guard: (state, payload) =>
        state.topics[payload.name]
          ? reject('topic_exists', { name: payload.name })
          : state.total > 9
            ? reject('full')
            : undefined,
    },
    reset: { apply: () => ({ topics: {}, total: 0 }) },
  },
})

type Broker = typeof inOrder

keeps('the order of properties makes no difference to the types', () => {
  expectType<Equal<typeof reversed, Broker>>()
  expectType<Equal<typeof mixed, Broker>>()
})

keeps('a definition knows its state, mutations, commands and retired mutations', () => {
  type Types = NonNullable<Broker['~types']>
  expectType<Equal<Types['state'], Topics>>()
  expectType<Equal<Types['mutations'], { [K in keyof Mutations]: Mutations[K] }>>()
  expectType<Equal<Types['commands'], { [K in keyof Commands]: Commands[K] }>>()
  expectType<Equal<Types['retired'], { [K in keyof Retired]: Retired[K] }>>()
  expectType<Equal<Broker['initial'], ReadonlyTopics>>()
})

keeps('the helper types name what a definition holds', () => {
  expectType<Equal<State<Broker>, Topics>>()
  expectType<Equal<MutationName<Broker>, 'addTopic' | 'reset'>>()
  expectType<
    Equal<
      Mutation<Broker>,
      { type: 'addTopic'; payload: AddPayload } | { type: 'reset'; payload?: undefined }
    >
  >()
  expectType<Equal<Mutation<Broker, 'addTopic'>, { type: 'addTopic'; payload: AddPayload }>>()
  expectType<
    Equal<
      MutationInput<Broker>,
      { type: 'addTopic'; payload: AddInput } | { type: 'reset'; payload?: undefined }
    >
  >()
  expectType<Equal<MutationInput<Broker, 'addTopic'>, { type: 'addTopic'; payload: AddInput }>>()
  expectType<
    Equal<
      RejectionOf<Broker>,
      Rejection<'topic_exists', { name: string }> | Rejection<'full', undefined>
    >
  >()
  expectType<Equal<RejectionOf<Broker, 'addTopic'>, RejectionOf<Broker>>>()
  expectType<Equal<RejectionOf<Broker, 'reset'>, never>>()
  expectType<Equal<StoreOf<Broker>, Awaited<ReturnType<Broker['memory']>>>>()
})

keeps('a retired mutation can no longer be dispatched, and is still among the records', () => {
  type Renamed = RecordOf<'renameTopic', { from: string; to: string }>
  expectType<Equal<Extract<MutationName<Broker>, 'renameTopic'>, never>>()
  expectType<
    Equal<
      JournalRecord<Broker>,
      | RecordOf<'addTopic', AddPayload>
      | RecordOf<'reset', undefined>
      | RecordOf<'freeze', undefined>
      | Renamed
    >
  >()
  expectType<Equal<JournalRecord<Broker, 'renameTopic'>, Renamed>>()
})

keeps('a record is the mutation, its meta and its place in its batch, deeply readonly', () => {
  type Renamed = JournalRecord<Broker, 'renameTopic'>
  expectType<Equal<Renamed['type'], 'renameTopic'>>()
  expectType<Equal<Renamed['payload'], { readonly from: string; readonly to: string }>>()
  expectType<Equal<Pick<Renamed, keyof Meta>, Pick<Meta, keyof Meta>>>()
  expectType<
    Equal<Pick<Renamed, 'part' | 'parts'>, { readonly part: number; readonly parts: number }>
  >()
  expectType<Equal<JournalRecord<Broker, 'freeze'>['payload'], undefined>>()
})

keeps('definition.schema takes what dispatchAll takes, and gives it as it was', () => {
  expectType<Equal<z.input<Broker['schema']>, MutationInput<Broker>>>()
  expectType<Equal<z.output<Broker['schema']>, MutationInput<Broker>>>()
  expectType<Broker['schema'] extends z.ZodDiscriminatedUnion ? true : false>()
})

/** Each kind of payload; the state is a Zod schema. */
export const kinds = defineStore({
  name: 'kinds',
  mutations: {
    whole: {
      payload: z.object({ size: z.number() }).default({ size: 1 }),
      apply(draft, payload) {
        expectType<Equal<typeof payload, { size: number }>>()
        expectType<Equal<typeof draft, { size: number; tags: string[] }>>()
        draft.size = payload.size
      },
    },
    optional: {
      payload: z.object({ size: z.number() }).optional(),
      guard: (_state, payload) => (payload ? undefined : reject('absent')),
      apply(draft, payload) {
        expectType<Equal<typeof payload, { size: number } | undefined>>()
        draft.size = payload?.size ?? 0
      },
    },
    text: { payload: z.string().trim(), apply: (draft, text) => void draft.tags.push(text) },
    coerced: {
      payload: z.object({ size: z.coerce.number() }),
      apply(_draft, payload) {
        expectType<Equal<typeof payload, { size: number }>>()
      },
    },
    branded: {
      payload: z.object({ id: z.string().brand<'Id'>(), tags: z.array(z.string()).readonly() }),
      apply(_draft, payload) {
        expectType<Equal<typeof payload.id, string & z.$brand<'Id'>>>()
        expectType<Equal<typeof payload.tags, readonly string[]>>()
      },
    },
    either: {
      payload: z.discriminatedUnion('by', [
        z.object({ by: z.literal('size'), size: z.number() }),
        z.object({ by: z.literal('tag'), tag: z.string(), at: z.iso.datetime().nullable() }),
      ]),
      apply(draft, payload) {
        if (payload.by === 'size') draft.size = payload.size
        else expectType<Equal<typeof payload.at, string | null>>()
      },
    },
    json: {
      payload: z.record(z.string(), z.json()),
      apply(_draft, payload) {
        expectType<typeof payload extends Json ? true : false>()
      },
    },
  },
  state: z.object({
    size: z.number().default(0),
    tags: z.array(z.string()).default(() => []),
  }),
})

type Kinds = typeof kinds

keeps('a state schema gives the state its output type', () => {
  expectType<Equal<State<Kinds>, { size: number; tags: string[] }>>()
  expectType<Equal<Kinds['initial'], { readonly size: number; readonly tags: readonly string[] }>>()
})

keeps('a default around the whole payload makes it optional on the way in only', () => {
  expectType<
    Equal<MutationInput<Kinds, 'whole'>, { type: 'whole'; payload?: { size: number } | undefined }>
  >()
  expectType<Equal<Mutation<Kinds, 'whole'>, { type: 'whole'; payload: { size: number } }>>()
  expectType<Equal<Mutation<Kinds, 'optional'>, MutationInput<Kinds, 'optional'>>>()
})

keeps('definition.schema says the same as the helper types for each kind of payload', () => {
  expectType<z.input<Kinds['schema']> extends MutationInput<Kinds> ? true : false>()
  expectType<z.output<Kinds['schema']> extends MutationInput<Kinds> ? true : false>()
})

keeps('a state interface with recursion and optional fields passes as JSON', () => {
  interface Folder {
    name: string
    size?: number
    readonly folders: readonly Folder[]
    parent: Folder | null
  }
  const state: { root: Folder | undefined } = { root: undefined }
  const tree = defineStore({
    name: 'tree',
    state,
    mutations: {
      rename: {
        payload: z.object({ to: z.string() }),
        apply(draft, payload) {
          if (draft.root) draft.root.name = payload.to
          draft.root?.folders.pop()
        },
      },
    },
  })
  expectType<Equal<State<typeof tree>, { root: Folder | undefined }>>()
})

keeps('a definition without commands, guards or payloads needs none of them', () => {
  const bare = defineStore({
    name: 'bare',
    state: { on: false },
    mutations: { toggle: { apply: (draft) => ({ on: !draft.on }) } },
  })
  expectType<Equal<Mutation<typeof bare>, { type: 'toggle'; payload?: undefined }>>()
  expectType<Equal<RejectionOf<typeof bare>, never>>()
  expectType<Equal<NonNullable<(typeof bare)['~types']>['commands'], {}>>()
})

keeps('in a transaction, what is dispatched is an input and the state is readonly', () => {
  type T = Tx<Topics, { addTopic: { input: AddInput }; reset: { input: undefined } }>
  expectType<Equal<T['state'], ReadonlyTopics>>()
  return (tx: T) => {
    tx.dispatch('addTopic', { name: 'orders' })
    tx.dispatch('addTopic', { name: 'orders', partitions: 2 })
    return tx.dispatch('reset')
  }
})

const ticker = defineStore({
  name: 'ticker',
  state: { ticks: 0, last: '' },
  mutations: {
    tick: {
      apply(draft, _, meta) {
        draft.ticks += 1
        draft.last = meta.at
      },
    },
    stop: {
      guard: (state) => (state.ticks === 0 ? reject('not_started') : undefined),
      apply: (draft, _, { seq }) => void Object.assign(draft, { last: String(seq) }),
    },
  },
})

keeps('where no mutation has a payload, reducers have their meta all the same', async () => {
  expectType<Equal<MutationName<typeof ticker>, 'tick' | 'stop'>>()
  expectType<Equal<RejectionOf<typeof ticker, 'stop'>, Rejection<'not_started', undefined>>>()
  const store = await ticker.memory()
  await store.dispatch('tick')
  // @ts-expect-error there is no such mutation
  await store.dispatch('tock')
})
