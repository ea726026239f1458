// Creating a journal in a file that exists, with one fault at each step and a power cut afterwards.
import { defineStore } from 'ministore-ts'
import { fileJournal } from 'ministore-ts/file'
import { type Fault, type SimulatedDisk, simulatedDisk } from 'ministore-ts/testing'
import { describe, expect, test } from 'vitest'
import { ledger } from '../file/ledger.ts'

const PATH = '/data/ledger.journal'
/** What a power cut leaves is chosen at random. */
const SEEDS = 30
const STEPS = 25

async function diskWith(content: string, seed: number): Promise<SimulatedDisk> {
  const disk = simulatedDisk({ seed })
  const file = await disk.open(PATH, 'wx')
  await file.write(Buffer.from(content), 0)
  await file.sync()
  await disk.syncDir('/data')
  return disk
}

const open = (disk: SimulatedDisk) => ledger.open(fileJournal(PATH, { fileSystem: disk }))

/** Opens it with the fault at that step, cuts the power, and returns what the next opening says. */
async function afterwards(content: string, seed: number, step: number, fault: Fault) {
  const disk = await diskWith(content, seed)
  const faulty = disk.restart({ faults: new Map([[disk.operations + step, fault]]) })
  await Promise.race([open(faulty).catch(() => undefined), faulty.ended])
  faulty.end('power cut')
  return open(faulty.restart()).then(
    () => 'opened',
    (error) => `step ${step}, seed ${seed}: ${error.message}`,
  )
}

describe('whatever fails while a journal is created in a file that exists, it can be opened', () => {
  test.each([
    ['an empty file', ''],
    ['half a header', '{"format":"ministore","version":1,"jour'],
    ['a header over one sector, torn', `{"format":"ministore",${'x'.repeat(700)}`],
  ])('%s', async (_, content) => {
    const faults: Fault[] = [{ errno: 'EIO' }, { short: 0.4 }, 'power cut', 'kill']
    const results = new Set<string>()
    for (const fault of faults)
      for (let step = 0; step < STEPS; step++)
        for (let seed = 1; seed <= SEEDS; seed++)
          results.add(await afterwards(content, seed, step, fault))
    expect([...results]).toEqual(['opened'])
  })
})

test('a record that follows a header whose sync failed outlives a power cut', async () => {
  // So long that the record is in another sector than the begin of the header.
  const named = defineStore({
    name: `ledger ${'😀'.repeat(120)}`,
    state: { notes: 0 },
    mutations: { note: { apply: (draft) => void draft.notes++ } },
  })
  const open = (disk: SimulatedDisk) => named.open(fileJournal(PATH, { fileSystem: disk }))
  const states = new Set<string>()
  for (let step = 0; step < STEPS; step++) {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const disk = await diskWith('', seed)
      const at = disk.operations + step
      // The header's sync fails, and so does everything that would take the header back.
      const failing = [0, 1, 2].map((after): [number, Fault] => [at + after, { errno: 'EIO' }])
      const faulty = disk.restart({ faults: new Map(failing) })
      await open(faulty).catch(() => undefined)
      const next = faulty.restart()
      const store = await open(next)
      await store.dispatch('note')
      next.end('power cut')
      const { state } = await open(next.restart())
      states.add(`${state.notes}`)
    }
  }
  expect([...states]).toEqual(['1'])
})
