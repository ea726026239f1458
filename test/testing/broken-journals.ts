// Journals that break one promise each, as careless ones do, for the contract to find out.
import { StoreError } from 'ministore-ts'
import { entriesOf, type Mutate } from './plain-journal.ts'

/** How a journal breaks a promise, and the sentence of the contract that says so. */
export interface Broken {
  readonly breaks: string
  readonly mutate: Mutate
  readonly shared?: boolean
}

export const BROKEN: Readonly<Record<string, Broken>> = {
  'says that nothing fits into it': {
    breaks: 'it has a name for messages, and says how large an entry may be',
    mutate: () => ({ maxEntryBytes: 0 }),
  },
  'never says that it created anything': {
    breaks: 'opening creates an empty journal, and says so',
    mutate: ({ open }) => ({ open: async (store) => ({ ...(await open(store)), created: false }) }),
  },
  'takes an empty journal for a new one': {
    breaks: 'opened again, even if empty, it was not created and has the same epoch',
    mutate: ({ open }) => ({
      async open(store) {
        const info = await open(store)
        return { ...info, created: info.head === 0 }
      },
    }),
  },
  'has a new epoch each time': {
    breaks: 'opened again, even if empty, it was not created and has the same epoch',
    mutate: ({ open }) => ({
      open: async (store) => ({ ...(await open(store)), epoch: globalThis.crypto.randomUUID() }),
    }),
  },
  'has the same epoch everywhere': {
    breaks: 'another journal has another epoch',
    mutate: ({ open }) => ({ open: async (store) => ({ ...(await open(store)), epoch: 'one' }) }),
  },
  'loses its last record when it is opened again': {
    breaks: 'opened again it has all that was appended',
    mutate: ({ open }, disk) => ({
      async open(store) {
        disk.texts.pop()
        return open(store)
      },
    }),
  },
  'does not ask whose journal it is': {
    breaks: 'another store is refused with `wrong_store`, and leaves it as it was',
    mutate: ({ open }, disk) => ({
      async open(store) {
        disk.store &&= store
        return open(store)
      },
    }),
  },
  'keeps its lock where it refuses': {
    breaks: 'another store is refused with `wrong_store`, and leaves it as it was',
    mutate: ({ open, ...others }, disk) => ({
      async open(store) {
        if (disk.store !== undefined && disk.store !== store) disk.owner ??= { open, ...others }
        return open(store).catch((error) => {
          if (error.code !== 'locked' || disk.store === store) throw error
          throw new StoreError('wrong_store', 'it belongs to another')
        })
      },
    }),
  },
  'counts from 0': {
    breaks: 'append resolves with the seq of its last record: 1, 2, 3 …',
    mutate: ({ append }) => ({
      async append(batch, expected) {
        const appended = await append(batch, expected)
        return appended.ok ? { ok: true, seq: appended.seq - 1 } : appended
      },
    }),
  },
  'turns a batch round': {
    breaks: 'a batch keeps its order',
    mutate: ({ append }) => ({
      append: async (batch, expected) => append(batch.toReversed(), expected),
    }),
  },
  'takes the last entries of a large batch': {
    breaks: 'a large batch is taken from its first record on, and append says how far',
    mutate: ({ append }) => ({
      append: async (batch, expected) =>
        append((batch[0]?.text.length ?? 0) > 1000 ? batch.slice(-9) : batch, expected),
    }),
  },
  'appends a record for an empty batch': {
    breaks: 'an empty batch appends nothing',
    mutate: ({ append }) => ({
      append: async (batch, expected) =>
        append(batch.length > 0 ? batch : [{ text: '{}' }], expected),
    }),
  },
  'ignores the expected seq': {
    breaks: 'a conflict is a value, and appends nothing',
    mutate: ({ append }, disk) => ({ append: async (batch) => append(batch, disk.texts.length) }),
  },
  'throws where it has a conflict': {
    breaks: 'a conflict is a value, and appends nothing',
    mutate: ({ append }) => ({
      async append(batch, expected) {
        const appended = await append(batch, expected)
        if (!appended.ok) throw new StoreError('io', 'another writer was first')
        return appended
      },
    }),
  },
  'mangles U+2028': {
    breaks: 'texts come back as they were appended, character by character',
    mutate: onTexts((text) => text.replaceAll('\u2028', '\\u2028')),
  },
  'makes its own JSON of every text': {
    breaks: 'texts come back as they were appended, character by character',
    mutate: onTexts((text) => JSON.stringify(JSON.parse(text))),
  },
  'counts three bytes for every character': {
    breaks: 'an entry of maxEntryBytes is taken, and comes back',
    mutate: ({ append, maxEntryBytes }) => ({
      async append(batch, expected) {
        if (batch.every(({ text }) => text.length * 3 <= maxEntryBytes)) {
          return append(batch, expected)
        }
        throw new StoreError('io', 'too large')
      },
    }),
  },
  'reads one too many': {
    breaks: 'read gives the records after `after` and up to `to`, and ends',
    mutate: ({ read }) => ({
      read: (after, { to } = {}) => read(after, { to: to === undefined ? to : to + 1 }),
    }),
  },
  'reads `after` too': {
    breaks: 'read gives the records after `after` and up to `to`, and ends',
    mutate: ({ read }) => ({ read: (after, options) => read(Math.max(0, after - 1), options) }),
  },
  'loses a record between two chunks': {
    breaks: 'many records are read without a hole, from any seq on',
    mutate: ({ read }) => ({
      async *read(after, options) {
        for await (const chunk of read(after, options)) {
          yield chunk.filter(({ seq }) => seq % 1500 !== 0)
        }
      },
    }),
  },
  'forgets where it was when something is appended': {
    breaks: 'reading goes on while records are appended',
    mutate: (_, disk) => ({
      async *read(after, { to = disk.texts.length } = {}) {
        for (let seq = after; seq < to; seq += 500) {
          const before = disk.texts.length
          yield entriesOf(disk).slice(seq, Math.min(seq + 500, to))
          if (disk.texts.length !== before) seq -= 500
        }
      },
    }),
  },
  'has one cursor for all readers': {
    breaks: 'two readers do not disturb each other',
    mutate(_, disk) {
      let at = 0
      return {
        async *read(after, { to = disk.texts.length } = {}) {
          for (at = after; at < to; at += 500) {
            const chunk = entriesOf(disk).slice(at, Math.min(at + 500, to))
            await undefined
            yield chunk
          }
        },
      }
    },
  },
  'is stuck behind a reader that stopped': {
    breaks: 'a reader may stop early',
    mutate({ read, append }) {
      let reading = 0
      return {
        async *read(after, options) {
          reading += 1
          yield* read(after, options)
          reading -= 1
        },
        async append(batch, expected) {
          if (reading > 0) throw new StoreError('io', 'a reader has it')
          return append(batch, expected)
        },
      }
    },
  },
  'cannot be closed twice': {
    breaks: 'close can be called twice',
    mutate({ close }) {
      let isClosed = false
      return {
        async close() {
          if (isClosed) throw new StoreError('closed', 'it is closed')
          isClosed = true
          return close()
        },
      }
    },
  },
  'appends although it is closed': {
    breaks: 'appending to a closed journal throws `closed`',
    mutate: (_, disk) => ({
      async append(batch, expected) {
        if (expected !== disk.texts.length) return { ok: false, head: disk.texts.length }
        disk.texts.push(...batch.map(({ text }) => text))
        return { ok: true, seq: disk.texts.length }
      },
    }),
  },
  'reads although it is closed': {
    breaks: 'reading a closed journal throws `closed`',
    mutate: (_, disk) => ({
      async *read(after, { to } = {}) {
        yield entriesOf(disk).slice(after, to)
      },
    }),
  },
  'lets a second one in': {
    breaks: 'a second one is refused with `locked` until the first one is closed',
    mutate: ({ open }, disk) => ({
      async open(store) {
        disk.owner = undefined
        return open(store)
      },
    }),
  },
  'loses what was acknowledged when it crashes': {
    breaks: 'what was acknowledged survives a crash',
    mutate: ({ open }, disk) => ({
      async open(store) {
        if (disk.isCrashed) disk.texts.pop()
        return open(store)
      },
    }),
  },
  'writes a batch from its end': {
    breaks: 'of what is under way when it crashes, the first records are there or none',
    mutate: (_, disk) => ({
      async append(batch, expected) {
        if (expected !== disk.texts.length) return { ok: false, head: disk.texts.length }
        for (const { text } of batch.toReversed()) {
          disk.texts.splice(expected, 0, text)
          await undefined
        }
        return { ok: true, seq: disk.texts.length }
      },
    }),
  },
  'sees only what it appended itself': {
    shared: true,
    breaks: 'two at once are one journal: each sees what the other one appended',
    mutate: ({ open, append, read }) => {
      let own = 0
      return {
        async open(store) {
          const info = await open(store)
          own = info.head
          return info
        },
        async append(batch, expected) {
          const appended = await append(batch, expected)
          if (appended.ok) own = appended.seq
          return appended
        },
        read: (after, { to = own } = {}) => read(after, { to }),
      }
    },
  },
  'appends behind whatever is there': {
    shared: true,
    breaks: 'a writer that does not know the last record has a conflict',
    mutate: ({ append }, disk) => ({ append: async (batch) => append(batch, disk.texts.length) }),
  },
  'asks for the expected seq before it appends, instead of when': {
    shared: true,
    breaks: 'of two that append at the same seq one wins',
    mutate: ({ append }, disk) => ({
      async append(batch, expected) {
        if (expected !== disk.texts.length) return { ok: false, head: disk.texts.length }
        await undefined
        return append(batch, disk.texts.length)
      },
    }),
  },
  'follows from its beginning, whatever is asked for': {
    shared: true,
    breaks: 'who follows it meets every record once, own ones too, until the signal aborts',
    mutate: ({ follow }) => (follow ? { follow: (_, signal) => follow(0, signal) } : {}),
  },
  'gives the records of a store that is opened again in another order': {
    breaks: 'a store that is opened again has the same state and digest',
    mutate: onReopen((texts) => texts.toReversed()),
  },
  'makes records of a batch': {
    breaks: "a store's batch is one record, all or none",
    mutate: onReopen((texts) =>
      texts.flatMap((text) => [text, ...(/"batch"/.test(text) ? [text] : [])]),
    ),
  },
  'loses keys': {
    breaks: 'a store that is opened again knows its idempotency keys',
    mutate: onReopen((texts) => texts.map((text) => text.replace(/"key":"(\\.|[^"\\])*",/, ''))),
  },
  'loses what commands returned': {
    breaks:
      'a command that is repeated with its key has the first value, at once and after opening again',
    mutate: onReopen((texts) =>
      texts.map((text) => text.replace(/"value":[\s\S]*(?="batch"|"type")/, '')),
    ),
  },
  'loses metadata': {
    breaks: "a store's records have their metadata",
    mutate: onReopen((texts) =>
      texts.map((text) => text.replace(/"metadata":[\s\S]*(?="type")/, '')),
    ),
  },
  'loses the second of two records': {
    breaks: 'a store refuses a seq that is no longer expected with `conflict`',
    mutate: onReopen((texts) => texts.filter((_, index) => index !== 1)),
  },
  'begins at the start, wherever it is asked to': {
    breaks: "a store's records are those that were committed, from any seq on",
    mutate: ({ read }) => ({ read: (_, options) => read(0, options) }),
  },
  'loses the end of a group': {
    breaks: 'dispatches at once are all committed, in their order',
    mutate: ({ append }) => ({
      async append(batch, expected) {
        const appended = await append(batch.slice(0, 100), expected)
        return appended.ok ? { ok: true, seq: expected + batch.length } : appended
      },
    }),
  },
  'has payloads that the schema does not know': {
    breaks: 'the replay check finds nothing wrong with what a store has journaled',
    mutate: onReopen((texts) => texts.map((text) => text.replace('"text":', '"texts":'))),
  },
}

/** Changes each text on its way to the storage. */
function onTexts(change: (text: string) => string): Mutate {
  return ({ append }) => ({
    append: async (batch, expected) =>
      append(
        batch.map(({ text }) => ({ text: change(text) })),
        expected,
      ),
  })
}

/** Changes all texts each time that it is opened. */
function onReopen(change: (texts: readonly string[]) => readonly string[]): Mutate {
  return ({ open }, disk) => ({
    async open(store) {
      disk.texts = [...change(disk.texts)]
      return open(store)
    },
  })
}
