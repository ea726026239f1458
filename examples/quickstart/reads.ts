// Reads: functions of the state, as with any object in memory.
import type { StoreOf } from 'ministore-ts'
import type { registry } from './registry.ts'

type State = StoreOf<typeof registry>['state']

export const byLicense = ({ packages }: State) =>
  count(Object.values(packages).map(({ license }) => license))

export const mostUsed = ({ packages }: State) =>
  count(Object.values(packages).flatMap(({ dependencies }) => dependencies))

export const severalVersions = ({ packages }: State) =>
  count(Object.values(packages).map(({ name }) => name)).filter(([, n]) => n > 1)

/** How often each occurs, most frequent first. */
function count(words: readonly string[]): [word: string, n: number][] {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return [...counts].sort(([, a], [, b]) => b - a)
}
