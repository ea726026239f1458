// Two scenarios that do not hold, under node:test: one is awaited, one is forgotten.
import test from 'node:test'
import { scenarios } from 'ministore-ts/testing'
import { broker } from '../store/broker.ts'

const { given } = scenarios(broker)

test('awaited', async () => {
  await given([])
    .when('addTopic', { name: 'orders' })
    .then([{ type: 'addTopic', payload: { name: 'orders', partitions: 2 } }])
})

test('forgotten', () => {
  void given([]).when('reset').thenNothing()
})
