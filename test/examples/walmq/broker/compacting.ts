// A process to be killed: publishes, acknowledges out of order, reports that, and compacts all the time.
import { openBroker } from '../../../../examples/walmq/broker/broker.ts'

const [directory = ''] = process.argv.slice(2)
const broker = await openBroker(directory, { compactEvery: 3 })
if (broker.listTopics().length === 0) await broker.createTopic('logs')
const consumer = await broker.subscribe('logs', { group: 'g', maxInFlight: 10_000 })

const publish = async () => {
  for (;;) await broker.publishBatch('logs', Array(5).fill({ body: Buffer.from('message') }))
}
const acknowledge = async () => {
  for await (const item of consumer) {
    if (item.type === 'gap' || item.offset % 3 === 1) continue
    await item.ack()
    process.send?.(item.offset)
  }
}
await Promise.all([publish(), acknowledge()])
