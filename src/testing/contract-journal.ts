// The contract's cases about one Journal at a time: opening, appending, reading, closing.
import type { Entry, Journal } from '../port/journal.ts'
import { AssertionError, assert, assertSame } from './assertion.ts'
import type { Cases } from './contract-case.ts'

/** Enough for several chunks, and several writes, of any journal. */
const MANY = 3000
/** The size of each record of a batch that is too large for one write. */
const LARGE_BYTES = 2 ** 18
/** No journal is asked to take more at once. */
const MOST_BYTES = 2 ** 25

export const journalCases: Cases = {
  'it has a name for messages, and says how large an entry may be': async ({ journal }) => {
    const { name, maxEntryBytes } = await journal()
    assert(typeof name === 'string' && name !== '', `its name is ${JSON.stringify(name)}`)
    assert(maxEntryBytes > 0, `its maxEntryBytes is ${maxEntryBytes}`)
  },

  'opening creates an empty journal, and says so': async ({ open }) => {
    const { journal, info } = await open()
    const { created, head, epoch } = info
    assertSame('open resolved with something else', { created, head }, { created: true, head: 0 })
    assert(typeof epoch === 'string' && epoch !== '', `the epoch is ${JSON.stringify(epoch)}`)
    assertSame('a new journal has records', await readAll(journal), [])
  },

  'opened again, even if empty, it was not created and has the same epoch': async ({ open }) => {
    const first = await open()
    await first.journal.close()
    const { info } = await open()
    const { created, epoch, head } = info
    const expected = { created: false, epoch: first.info.epoch, head: 0 }
    assertSame('open resolved with something else', { created, epoch, head }, expected)
  },

  'opened again it has all that was appended': async ({ open }) => {
    const first = await open()
    await appendAll(first.journal, texts(5))
    await first.journal.close()
    const { journal, info } = await open()
    const { created, epoch, head } = info
    const expected = { created: false, epoch: first.info.epoch, head: 5 }
    assertSame('open resolved with something else', { created, epoch, head }, expected)
    assertSame('it has other records', await readAll(journal), entries(texts(5)))
    assertSame('it goes on elsewhere', await journal.append(some(1), 5), { ok: true, seq: 6 })
  },

  'another journal has another epoch': async ({ open, openAnother }) => {
    const [one, another] = [await open(), await openAnother()]
    const { epoch } = one.info
    assert(another.info.epoch !== epoch, `both have the epoch ${epoch}`)
  },

  'another store is refused with `wrong_store`, and leaves it as it was': async (stage) => {
    const first = await stage.open()
    await appendAll(first.journal, texts(2))
    await first.journal.close()
    await assertFails('opening it for another store', stage.open('another'), 'wrong_store')
    const { journal, info } = await stage.open()
    assertSame('it is another journal', info.epoch, first.info.epoch)
    assertSame('it has other records', await readAll(journal), entries(texts(2)))
  },

  'append resolves with the seq of its last record: 1, 2, 3 …': async ({ open }) => {
    const { journal } = await open()
    for (const seq of [1, 2, 3]) {
      const appended = await journal.append(some(1, seq), seq - 1)
      assertSame(`append at seq ${seq - 1} gave something else`, appended, { ok: true, seq })
    }
    assertSame('it has other records', await readAll(journal), entries(texts(3)))
  },

  'a batch keeps its order': async ({ open }) => {
    const { journal } = await open()
    const seq = await appendAll(journal, texts(50))
    assertSame('the seq after a batch is another', seq, 50)
    assertSame('it has other records', await readAll(journal), entries(texts(50)))
  },

  'a large batch is taken from its first record on, and append says how far': async ({ open }) => {
    const { journal } = await open()
    const filler = 'x'.repeat(Math.min(LARGE_BYTES, journal.maxEntryBytes) - 100)
    const batch = texts(40).map((text) => ({ text: text.replace('note', filler) }))
    const appended = await journal.append(batch, 0)
    assert(appended.ok, 'the batch was refused as a conflict')
    const { seq } = appended
    assert(seq >= 1 && seq <= 40, `it took 40 records up to seq ${seq}`)
    const taken = batch.slice(0, seq).map(({ text }) => text)
    assertTexts(await readAll(journal), taken)
    const rest = batch.slice(seq).map(({ text }) => text)
    assertSame('the rest ends elsewhere', await appendAll(journal, rest, seq), 40)
  },

  'an empty batch appends nothing': async ({ open }) => {
    const { journal } = await open()
    assertSame('append gave something else', await journal.append([], 0), { ok: true, seq: 0 })
    await appendAll(journal, texts(2))
    assertSame('append gave something else', await journal.append([], 2), { ok: true, seq: 2 })
    assertSame('it has other records', await readAll(journal), entries(texts(2)))
  },

  'a conflict is a value, and appends nothing': async ({ open }) => {
    const { journal } = await open()
    await appendAll(journal, texts(2))
    for (const expected of [0, 1, 3, 99]) {
      const { ok, ...others } = await journal.append(some(1, 7), expected)
      assert(!ok, `append at seq ${expected} was not refused, although the head is 2`)
      const { head } = others as { head: unknown }
      assert(Number.isInteger(head), `the conflict's head is ${String(head)}`)
    }
    assertSame('it has other records', await readAll(journal), entries(texts(2)))
    const appended = await journal.append(some(1, 3), 2)
    assertSame('it does not go on after a conflict', appended, { ok: true, seq: 3 })
  },

  'texts come back as they were appended, character by character': async ({ open }) => {
    const { journal } = await open()
    await appendAll(journal, HARD_TEXTS)
    assertTexts(await readAll(journal), HARD_TEXTS)
    await journal.close()
    const again = await open()
    assertTexts(await readAll(again.journal), HARD_TEXTS)
  },

  'an entry of maxEntryBytes is taken, and comes back': async ({ open }) => {
    const { journal } = await open()
    const bytes = Math.min(journal.maxEntryBytes, MOST_BYTES)
    // Half of it in characters of two bytes, which are counted as bytes.
    const [before, after] = ['{"at":"2000-01-01T00:00:00.000Z","type":"', '"}']
    const room = bytes - before.length - after.length
    const wide = Math.floor(room / 4)
    const text = `${before}${'é'.repeat(wide)}${'x'.repeat(room - 2 * wide)}${after}`
    await appendAll(journal, ['{"type":"before"}', text, '{"type":"after"}'])
    assertTexts(await readAll(journal), ['{"type":"before"}', text, '{"type":"after"}'])
  },

  'read gives the records after `after` and up to `to`, and ends': async ({ open }) => {
    const { journal } = await open()
    assertSame('an empty journal has records', await readAll(journal, 0, { to: 9 }), [])
    await appendAll(journal, texts(6))
    for (let after = 0; after <= 7; after++) {
      for (const to of [undefined, 0, 1, 3, 6, 7, 100]) {
        const expected = entries(texts(6)).filter(({ seq }) => seq > after && seq <= (to ?? 6))
        const what = `read(${after}, { to: ${to} }) gave other records`
        assertSame(what, await readAll(journal, after, { to }), expected)
      }
    }
  },

  'many records are read without a hole, from any seq on': async ({ open }) => {
    const { journal } = await open()
    const all = texts(MANY).map((text) => text.replace('note', 'note'.repeat(200)))
    for (let seq = 0; seq < MANY; seq += 500) {
      await appendAll(journal, all.slice(seq, seq + 500), seq)
    }
    for (const after of [0, 1, 499, 500, 1234, MANY - 1]) {
      assertTexts(await readAll(journal, after), all.slice(after), after)
    }
    assertTexts(await readAll(journal, 700, { to: 2100 }), all.slice(700, 2100), 700)
  },

  'reading goes on while records are appended': async ({ open }) => {
    const { journal } = await open()
    const all = texts(MANY).map((text) => text.replace('note', 'note'.repeat(200)))
    await appendAll(journal, all.slice(0, MANY - 500))
    const found: Entry[] = []
    let head = MANY - 500
    for await (const chunk of journal.read(0)) {
      found.push(...chunk)
      if (head < MANY) head = await appendAll(journal, all.slice(head, head + 100), head)
    }
    assert(found.length >= MANY - 500, `it gave ${found.length} records and had ${MANY - 500}`)
    assertTexts(found, all.slice(0, found.length))
  },

  'two readers do not disturb each other': async ({ open }) => {
    const { journal } = await open()
    await appendAll(journal, texts(MANY))
    const [all, some] = await Promise.all([readAll(journal), readAll(journal, 1000, { to: 2000 })])
    assertTexts(all, texts(MANY))
    assertTexts(some, texts(MANY).slice(1000, 2000), 1000)
  },

  'a reader may stop early': async ({ open }) => {
    const { journal } = await open()
    await appendAll(journal, texts(MANY))
    for await (const chunk of journal.read(0)) if (chunk.length > 0) break
    const appended = await journal.append(some(1, MANY + 1), MANY)
    assertSame('append gave something else', appended, { ok: true, seq: MANY + 1 })
    assertTexts(await readAll(journal, MANY), texts(MANY + 1).slice(MANY), MANY)
  },

  'close can be called twice': async ({ open }) => {
    const { journal } = await open()
    await journal.close()
    await journal.close()
  },

  'appending to a closed journal throws `closed`': async ({ open }) => {
    const { journal } = await open()
    await appendAll(journal, texts(1))
    await journal.close()
    await assertFails('appending to a closed journal', journal.append(some(1, 2), 1), 'closed')
    const again = await open()
    assertSame('it has other records', await readAll(again.journal), entries(texts(1)))
  },

  'reading a closed journal throws `closed`': async ({ open }) => {
    const { journal } = await open()
    await appendAll(journal, texts(1))
    await journal.close()
    await assertFails('reading a closed journal', readAll(journal), 'closed')
  },
}

/** As records are: JSON objects on one line, each with its number. */
export const texts = (count: number, from = 1): string[] =>
  Array.from({ length: count }, (_, index) => {
    return `{"at":"2000-01-01T00:00:00.000Z","type":"note","payload":${index + from}}`
  })

/** The same, to be appended. */
export const some = (count: number, from = 1): { text: string }[] =>
  texts(count, from).map((text) => ({ text }))

/** The same, as they are read. */
export const entries = (all: readonly string[], after = 0): Entry[] =>
  all.map((text, index) => ({ seq: after + index + 1, text }))

/** What storages get wrong: line ends, quotes, encodings, key order, numbers, white space, lengths. */
const HARD_TEXTS: readonly string[] = [
  '{"type":"lines","payload":"\u2028 \u2029 \u0085 \\n \\r\\n \\u2028"}',
  '{"type":"quotes","payload":"\' \\" ` \\\\ \\\\\\" $1 $$ % _ ? : ; -- */ E\'\' \\/ \\b\\f\\t"}',
  '{"type":"characters","payload":"é e\u0301 ß ﬁ \ufeff \u200b 日本語 👩‍👩‍👧 \u{10ffff} \ufffd \x7f"}',
  '{"type":"escapes","payload":"\\u0000 \\u001f \\ud83d \\udc4d \\u00e9"}',
  '{"type":"order","payload":{"z":1,"a":2,"10":3,"9":4,"aa":5}}',
  '{"type":"numbers","payload":[1e21,1.5e-7,12345678901234567890,0.1,1.0,100]}',
  '{"type":"space","payload": {"a" : [ ] , "b":  "  two  "} }',
  `{"type":"long","payload":"${'0123456789'.repeat(10_000)}"}`,
  '{"type":"repeated"}',
  '{"type":"repeated"}',
]

/** Appends them all, in as many calls as it takes; the seq of the last one. */
export async function appendAll(
  journal: Journal,
  all: readonly string[],
  expected = 0,
): Promise<number> {
  let seq = expected
  while (seq < expected + all.length) {
    const rest = all.slice(seq - expected).map((text) => ({ text }))
    const appended = await journal.append(rest, seq)
    const isTaken = appended.ok && appended.seq > seq && appended.seq <= seq + rest.length
    const what = `append of ${rest.length} records at seq ${seq} gave ${JSON.stringify(appended)}`
    assert(isTaken, what)
    seq = appended.seq
  }
  return seq
}

export async function readAll(
  journal: Journal,
  after = 0,
  options?: { to?: number | undefined },
): Promise<Entry[]> {
  const found: Entry[] = []
  for await (const chunk of journal.read(after, options)) {
    found.push(...chunk.map(({ seq, text }) => ({ seq, text })))
  }
  return found
}

/** For texts that are too long, or too many, to be shown. */
export function assertTexts(found: readonly Entry[], expected: readonly string[], after = 0): void {
  const at = expected.findIndex((text, index) => found[index]?.text !== text)
  const place = `record ${after + at + 1}`
  const shown = (text: string | undefined) => text?.slice(0, 300)
  if (at >= 0) assertSame(`${place} is another one`, shown(found[at]?.text), shown(expected[at]))
  assert(at < 0, `${place} is another one, although it begins in the same way`)
  assertSame('it has other records', found.length, expected.length)
  const wrong = found.find(({ seq }, index) => seq !== after + index + 1)
  assert(!wrong, `seq ${wrong?.seq} is not where it belongs: there is a hole, or a repetition`)
}

/** Throws AssertionError unless `promise` rejects with this code. */
export async function assertFails(
  what: string,
  promise: Promise<unknown>,
  code: string,
): Promise<void> {
  const thrown = await promise.then(
    () => undefined,
    (error: unknown) => error ?? 'nothing',
  )
  assert(thrown !== undefined, `${what} worked, and should have failed with ${code}`)
  if ((thrown as { code?: unknown }).code === code) return
  const told = `${what} failed with another error than ${code}: ${thrown}`
  throw new AssertionError(told, { cause: thrown })
}
