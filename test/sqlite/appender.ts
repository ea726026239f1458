// Run as a process of its own: `node … appender.js <file> <count> [read]`. Appends so many records, one after the
// other, or only reads, and prints how it ended as JSON.
import { randomUUID } from 'node:crypto'
import { StoreError } from 'ministore-ts'
import { sqliteEngine } from 'ministore-ts/sqlite'

const [file = '', count = '0', access = 'write'] = process.argv.slice(2)
const engine = sqliteEngine({ file, name: 'orders' })
try {
  const found = access === 'read' ? await engine.look() : await engine.open('ledger')
  const head = found?.head ?? 0
  for (let seq = head; seq < head + Number(count); seq++)
    await engine.append([{ id: randomUUID(), text: '{}' }], seq)
  let records = 0
  for await (const batch of engine.read(0)) records += batch.length
  console.log(JSON.stringify({ records }))
} catch (error) {
  if (!(error instanceof StoreError)) throw error
  console.log(JSON.stringify({ code: error.code, message: error.message }))
}
await engine.close()
