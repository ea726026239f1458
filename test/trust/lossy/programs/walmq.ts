// A broker under load, in its own process: it publishes, acknowledges, creates and deletes topics, and compacts.
import { openBroker } from '../../../../examples/walmq/broker/broker.ts'
import type { Broker } from '../../../../examples/walmq/broker/types.ts'
import { ANY, say, telling } from './said.ts'

const [directory = '', life = ''] = process.argv.slice(2)
const broker = await openBroker(directory, { retentionEveryMs: null, compactEvery: 30 })
say('opened')
if (broker.listTopics().every(({ name }) => name !== 'load'))
  await broker.createTopic('load', { partitions: 2 })
await Promise.all([
  publish(broker, 'ann'),
  publish(broker, 'ben'),
  acknowledge(broker),
  changeTopics(broker),
])

async function publish(broker: Broker, publisher: string): Promise<void> {
  for (let number = 1; ; number++) {
    const body = Buffer.from(`${publisher} ${life}.${number} ${'x'.repeat((number * 97) % 900)}`)
    const subject = `message ${publisher} ${life}.${number}`
    say({ asked: { subject, value: ANY } })
    const { partition, offset } = await broker.publish('load', { key: publisher, body })
    say({ done: { subject, value: `${partition}/${offset}` } })
  }
}

async function acknowledge(broker: Broker): Promise<void> {
  for await (const item of await broker.subscribe('load', { group: 'readers', from: 'earliest' })) {
    if (item.type !== 'message') throw new Error('nothing was removed')
    const subject = `acknowledgement ${item.partition}/${item.offset}`
    await telling({ subject, value: 'there' }, () => item.ack())
  }
}

async function changeTopics(broker: Broker): Promise<void> {
  for (let number = 1; ; number++) {
    const name = `topic-${life}-${number}`
    const subject = `topic ${name}`
    await telling({ subject, value: 'there' }, () => broker.createTopic(name))
    if (number % 2 === 0)
      await telling({ subject, value: 'absent' }, () => broker.deleteTopic(name))
  }
}
