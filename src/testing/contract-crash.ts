// The contract's cases about a Journal that ends without being closed.
import { assert, assertSame } from './assertion.ts'
import type { Cases } from './contract-case.ts'
import { appendAll, assertTexts, entries, readAll, some, texts } from './contract-journal.ts'

/** How often something is under way when it crashes, each time a little further. */
const CRASHES = 20

export const crashCases: Cases = {
  'what was acknowledged survives a crash': async ({ open, crash }) => {
    const first = await open()
    await appendAll(first.journal, texts(3))
    await appendAll(first.journal, texts(1, 4), 3)
    await crash()
    const { journal, info } = await open()
    const { created, epoch, head } = info
    const expected = { created: false, epoch: first.info.epoch, head: 4 }
    assertSame('open resolved with something else', { created, epoch, head }, expected)
    assertSame('it has other records', await readAll(journal), entries(texts(4)))
    assertSame('it does not go on', await appendAll(journal, texts(1, 5), 4), 5)
  },

  'of what is under way when it crashes, the first records are there or none': async (stage) => {
    let seq = 0
    for (let round = 0; round < CRASHES; round++) {
      const { journal } = await stage.open()
      let acknowledged = seq
      journal.append(some(3, seq + 1), seq).then(
        (appended) => {
          if (appended.ok) acknowledged = appended.seq
        },
        () => undefined,
      )
      for (let turn = 0; turn < round; turn++) await undefined
      await stage.crash()
      const again = await stage.open()
      const { head } = again.info
      const range = `${acknowledged} to ${seq + 3}`
      assert(head >= acknowledged && head <= seq + 3, `the head is ${head}, of ${range}`)
      assertTexts(await readAll(again.journal), texts(head))
      await again.journal.close()
      seq = head
    }
  },
}
