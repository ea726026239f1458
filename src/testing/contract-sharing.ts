// The contract's cases about two Journals on one storage: refused, or told of each other.

import type { Entry } from '../port/journal.ts'
import { assert, assertSame } from './assertion.ts'
import type { Cases } from './contract-case.ts'
import {
  appendAll,
  assertFails,
  assertTexts,
  entries,
  readAll,
  some,
  texts,
} from './contract-journal.ts'

export const exclusiveCases: Cases = {
  'a second one is refused with `locked` until the first one is closed': async (stage) => {
    const first = await stage.open()
    await appendAll(first.journal, texts(1))
    await assertFails('opening it a second time', stage.open(), 'locked')
    assertSame('the first one stopped', await appendAll(first.journal, texts(1, 2), 1), 2)
    await first.journal.close()
    const second = await stage.open()
    assertSame('it has other records', await readAll(second.journal), entries(texts(2)))
  },
}

const RACES = 20
const FOLLOWED = 12

export const sharedCases: Cases = {
  'two at once are one journal: each sees what the other one appended': async ({ open }) => {
    const first = await open()
    await appendAll(first.journal, texts(2))
    const second = await open()
    const { created, epoch, head } = second.info
    const expected = { created: false, epoch: first.info.epoch, head: 2 }
    assertSame('open resolved with something else', { created, epoch, head }, expected)
    await appendAll(second.journal, texts(1, 3), 2)
    for (const { journal } of [first, second]) {
      assertSame('it has other records', await readAll(journal), entries(texts(3)))
    }
  },

  'a writer that does not know the last record has a conflict': async ({ open }) => {
    const [first, second] = [await open(), await open()]
    await appendAll(first.journal, texts(2))
    const { ok } = await second.journal.append(some(1, 9), 0)
    assert(!ok, 'append at seq 0 was not refused, although another one had appended two records')
    assertSame('it has other records', await readAll(second.journal), entries(texts(2)))
    assertSame('the second one stopped', await appendAll(second.journal, texts(1, 3), 2), 3)
    assertSame('the first one stopped', await appendAll(first.journal, texts(1, 4), 3), 4)
  },

  'who follows it meets every record once, own ones too, until the signal aborts': async (
    stage,
  ) => {
    const [first, second] = [await stage.open(), await stage.open()]
    if (!first.journal.follow) return
    await appendAll(first.journal, texts(3))
    const ending = new AbortController()
    const found: Entry[] = []
    const following = (async () => {
      for await (const batch of first.journal.follow?.(1, ending.signal) ?? []) {
        found.push(...batch.map(({ seq, text }) => ({ seq, text })))
        if (found.length >= FOLLOWED - 1) ending.abort()
      }
    })()
    for (let seq = 3; seq < FOLLOWED; seq++) {
      const { journal } = seq % 2 === 0 ? first : second
      await appendAll(journal, texts(1, seq + 1), seq)
    }
    await following
    assertTexts(found, texts(FOLLOWED).slice(1), 1)
  },

  'of two that append at the same seq one wins': async ({ open }) => {
    const both = [await open(), await open()].map(({ journal }) => journal)
    const won: string[] = []
    for (let seq = 0; seq < RACES; seq++) {
      const tried = both.map((_, index) => `{"race":${seq},"by":${index}}`)
      const appended = await Promise.all(
        both.map((journal, index) => journal.append([{ text: tried[index] ?? '' }], seq)),
      )
      const winners = tried.filter((_, index) => appended[index]?.ok)
      assertSame(`race ${seq + 1} has another number of winners`, winners.length, 1)
      won.push(...winners)
    }
    for (const journal of both) {
      assertSame('it has other records', await readAll(journal), entries(won))
    }
  },
}
