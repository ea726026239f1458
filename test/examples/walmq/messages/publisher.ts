// A process that appends until it may not, to be given limits. Says each acknowledged body, or why it was refused.
import { BrokerError } from '../../../../examples/walmq/broker/errors.ts'
import { openPartition } from '../../../../examples/walmq/messages/partition.ts'

const [directory = '', count = '0'] = process.argv.slice(2)
const partition = await openPartition(directory)
const begin = partition.end
for (let index = 0; index < Number(count); index++) {
  const text = `${begin + index} `.padEnd(60 + index, 'x')
  try {
    await partition.append([{ body: Buffer.from(text) }])
    process.stdout.write(`${text}\n`)
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error
    process.stdout.write(`${error.code}\n`)
  }
}
const all = await partition.read(partition.start, { messages: 2 ** 20, bytes: 2 ** 30 })
process.stdout.write(`read ${all.length}\n`)
await partition.close()
