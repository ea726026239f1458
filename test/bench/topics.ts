// The work of the growth row: one of many topics is changed.
export interface Topic {
  name: string
  partitions: number
  owner: string
}
export interface TopicsState {
  topics: Record<string, Topic>
}

/** Spread over all of them, since neighbours share more than strangers. */
export const topicName = (n: number, size: number): string => `topic-${(n * 7919) % size}`

export const topic = (n: number, size: number): Topic => ({
  name: topicName(n, size),
  partitions: 1 + (n % 31),
  owner: `team-${n % 7}`,
})

export function* topicEntries(size: number): Generator<[string, Topic]> {
  for (let n = 0; n < size; n++) {
    const name = `topic-${n}`
    yield [name, { name, partitions: 1 + (n % 31), owner: `team-${n % 7}` }]
  }
}

export const topicsOf = (size: number): Record<string, Topic> =>
  Object.fromEntries(topicEntries(size))
