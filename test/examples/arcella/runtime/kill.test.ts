// What was answered holds when the daemon is killed: `ARCELLA_KILLS=60 npx vitest run` this file, for more.
import { beforeAll, describe, expect, test } from 'vitest'
import { killLoop, type Outcome } from './kill-loop.ts'

const rounds = Number(process.env['ARCELLA_KILLS'] ?? 3)

describe(`a daemon that is killed ${rounds} times under load`, () => {
  let outcome: Outcome
  beforeAll(
    async () => {
      outcome = await killLoop(rounds)
    },
    60_000 + rounds * 20_000,
  )

  test('A5, A6: has all that was answered, and runs exactly what should run', () => {
    expect(outcome.wrong).toEqual([])
    expect(outcome.answered).toBeGreaterThanOrEqual(rounds * 6)
  })

  test('A6: has what was not answered wholly or not at all', () => {
    // It was killed under load.
    const { done, undone } = outcome.unanswered
    expect(done + undone).toBeGreaterThan(rounds)
  })

  test('A5, A7: leaves no process behind', () => {
    expect(outcome.orphans).toEqual([])
  })

  test('A11: runs no command again that has ended', () => {
    expect(outcome.printed).toBe(1)
  })
})
