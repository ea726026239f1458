// Small programs, of which nothing is left to chance: every crash, and every disk that it can leave.
import { defineStore } from 'ministore-ts'
import { fileJournal } from 'ministore-ts/file'
import { describe, expect, test } from 'vitest'
import { isLong } from '../../long.ts'
import { build, MUTANTS } from '../mutants.ts'
import { SMALL, sweep } from './sweep.ts'

// The others need a failing disk or a flipped bit. Random trials catch those: campaign.test.ts.
const CRASH_MUTANTS = [
  'no fsync',
  'an answer before the sync',
  'no fsync of the directory',
  'no fsync at open',
  'the rule that any valid line behind a bad one is damage',
  'no b',
  'a snapshot that takes its name before it is synced',
  'a compacted journal that takes its name before it is synced',
  'appends to a compacted journal before its name is durable',
  'records forgotten that came while it compacted',
  'no idempotency keys in its snapshots',
  'no tables in its snapshots',
]

describe('of small journals, snapshots and compactions', () => {
  test('every crash leaves a store that opens with all that it promised', async () => {
    const { reached, ...counts } = await sweep({ defineStore, fileJournal }, SMALL)
    console.log(JSON.stringify({ ...counts, ...Object.fromEntries(reached) }))
    // A change of the program that makes fewer crashes possible has to be seen.
    expect(counts.states).toBeGreaterThan(500)
    // A torn header is not among them: a crash cannot leave one, as a journal is renamed when it is whole.
    const branches = ['whole', 'torn_write', 'lost_newline', 'compacted', 'snapshot']
    expect([...reached.keys()].sort()).toEqual([...branches, 'outdated snapshot'].sort())
  }, 120_000)

  test.each(CRASH_MUTANTS.filter((_, index) => isLong || index % 3 === 0))(
    'some crash shows that a store has %s',
    async (name) => {
      const mutant = MUTANTS.find((each) => each.name === name)
      if (!mutant) throw new Error(`the mutant "${name}" is gone`)
      const subject = await build(mutant)
      await expect(sweep(subject, SMALL)).rejects.toThrow()
    },
    120_000,
  )
})
