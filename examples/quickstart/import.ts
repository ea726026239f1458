// The child process: imports package by package, until it is done or killed.
import { setTimeout } from 'node:timers/promises'
import { readPackages } from './packages.ts'
import { idOf, registry } from './registry.ts'

const [journal = ''] = process.argv.slice(2)
const store = await registry.open(journal)

const acknowledged: Promise<unknown>[] = []
for (const one of readPackages()) {
  const key = idOf(one)
  // Resolves once the record is durable: from here on, neither SIGKILL nor a power cut takes it back.
  const receipt = store.dispatch('addPackage', one, { key })
  acknowledged.push(receipt.then(() => process.send?.(key)))
  // The next one arrives soon, as from a network. No one waits for the disk: what is dispatched
  // while a write is under way shares the next fsync. That is group commit.
  await setTimeout(Math.random() * 10)
}
await Promise.all(acknowledged)
await store.close()
process.disconnect?.()
