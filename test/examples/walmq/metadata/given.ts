// Histories that scenarios begin with.
import type { MutationInput } from 'ministore-ts'
import { scenarios } from 'ministore-ts/testing'
import { metadata } from '../../../../examples/walmq/metadata/definition.ts'

export const { given } = scenarios(metadata)
export type Fact = MutationInput<typeof metadata>

export const at = '2000-01-01T00:00:00.000Z'
/** A name that every plain object has already. */
export const hostileNames = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']

export const topic = (name = 'logs', partitions = 1): Fact => ({
  type: 'createTopic',
  payload: { name, partitions },
})
export const group = (name = 'g'): Fact => ({ type: 'createGroup', payload: { group: name } })
export const subscription = (cursors = [0], topicId = 1): Fact => ({
  type: 'subscribe',
  payload: { group: 'g', topic: 'logs', topicId, cursors },
})
export const ack = (...ranges: [from: number, to: number][]): Fact => ({
  type: 'ack',
  payload: { ...place, ranges },
})
export const trim = (logStart: number): Fact => ({
  type: 'trimTopic',
  payload: { name: 'logs', partition: 0, logStart },
})

export const place = { group: 'g', topic: 'logs', partition: 0 }
export const subscribed: readonly Fact[] = [topic(), group(), subscription()]
