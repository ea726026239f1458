// A disk that makes mistakes without reporting them, in each sector of small journals.
import { defineStore } from 'ministore-ts'
import { fileJournal } from 'ministore-ts/file'
import { describe, expect, test } from 'vitest'
import { isLong } from '../../long.ts'
import { build, WRONG_READ_MUTANTS } from '../mutants.ts'
import { BrokenPromise, type Subject } from '../world.ts'
import { misdirect } from './misdirect.ts'
import { reach, type Scenario } from './scenario.ts'

const SCENARIOS: readonly Scenario[] = [
  { acts: ['one', 'two'], filler: 300 },
  { acts: ['two', 'snapshot', 'one'], filler: 10 },
  { acts: ['one', 'compact and two'], filler: 10 },
]

async function misdirectAll(subject: Subject) {
  const all = { mistakes: 0, reached: new Map<string, number>() }
  for (const scenario of SCENARIOS) {
    const { mistakes, reached } = await misdirect({ subject, scenario })
    all.mistakes += mistakes
    for (const [what, count] of reached) reach(all.reached, what, count)
  }
  return all
}

describe('a sector that lands elsewhere, is old, or is read wrongly', () => {
  test('is refused or does no harm, and never gives another state', async () => {
    const { mistakes, reached } = await misdirectAll({ defineStore, fileJournal })
    console.log(mistakes, JSON.stringify(Object.fromEntries(reached)))
    expect(mistakes).toBeGreaterThan(400)
    // The third is what docs/JOURNAL.md calls "Loss at the very end".
    const onDisk = [
      'refused as corrupt',
      'refused as foreign',
      'taken for a torn write',
      'harmless',
    ]
    const inRead = ['corrupt', 'foreign', 'io'].map((code) => `a read: refused as ${code}`)
    const expected = [...onDisk, ...inRead, 'a read: harmless']
    expect([...reached.keys()].sort()).toEqual(expected.sort())
  }, 120_000)

  test.each(isLong ? WRONG_READ_MUTANTS : WRONG_READ_MUTANTS.slice(0, 1))(
    'harms a store that is $name',
    async (mutant) => {
      const subject = await build(mutant)
      await expect(misdirectAll(subject)).rejects.toThrow(BrokenPromise)
    },
    120_000,
  )
})
