// The contract of a journal, kept by every engine; memory and file have theirs in test/testing.

import { sharedJournal } from 'ministore-ts/shared'
import { journalContract } from 'ministore-ts/testing'
import { describe, expect, test } from 'vitest'
import { Server } from '../shared/simulated-engine.ts'
import { ENGINES, newName, startEngine } from './engines.ts'

describe('the contract of a shared journal on a simulated engine', () => {
  const create = () => {
    const server = new Server()
    return { journal: () => sharedJournal(server.engine()) }
  }
  for (const { name, run } of journalContract({ create, shared: true })) test(name, run)
})

for (const label of ENGINES) {
  const engine = await startEngine(label)
  describe.skipIf(!engine)(`the contract of a shared journal on ${label}`, () => {
    const create = () => {
      const name = newName()
      return { journal: () => engine?.journal(name) ?? expect.unreachable() }
    }
    for (const { name, run } of journalContract({ create, shared: true })) test(name, run)
  })
}
