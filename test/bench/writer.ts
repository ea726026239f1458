// One of several writers, in a process of its own: node writer.ts <assignment as JSON>. It prints a line when it is
// ready, reads the time at which the measurement begins, and prints what it has done.
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { engineAt, type Where } from './engine.ts'
import { order, orders, recordText } from './orders.ts'

export interface Assignment {
  readonly where: Where
  readonly way: 'bare client' | 'ministore'
  readonly name: string
  readonly warmMs: number
  readonly measuredMs: number
}
export interface Written {
  /** Records that it has appended within the time. */
  readonly count: number
  /** The longest time without one, in milliseconds. */
  readonly gapMs: number
  /** Processor time of this process, in milliseconds. */
  readonly cpuMs: number
}

interface Writer {
  append(n: number): Promise<unknown>
  close(): Promise<void>
}

async function bareWriter({ where, name }: Assignment): Promise<Writer> {
  const bare = await engineAt(where).bare(name)
  let head = 0
  return {
    async append(n) {
      for (;;) {
        const isFirst = await bare.append([recordText(n)], head)
        head += isFirst ? 1 : await bare.read(head)
        if (isFirst) return
      }
    },
    close: () => bare.close(),
  }
}

async function storeWriter({ where, name }: Assignment): Promise<Writer> {
  const store = await orders.open(engineAt(where).journal(name))
  return { append: (n) => store.dispatch('put', order(n)), close: () => store.close() }
}

const assignment: Assignment = JSON.parse(process.argv[2] ?? '')
const { way, warmMs, measuredMs } = assignment
const writer = await (way === 'ministore' ? storeWriter : bareWriter)(assignment)
console.log('ready')
const [line] = await once(createInterface(process.stdin), 'line')
const from = Number(line)
const to = from + measuredMs
await sleep(from - warmMs - Date.now())
let [count, gapMs, last] = [0, 0, from]
let cpu = process.cpuUsage()
for (let n = 0, now = Date.now(); now < to; n++) {
  if (now < from) cpu = process.cpuUsage()
  await writer.append(n)
  now = Date.now()
  if (now < from) continue
  gapMs = Math.max(gapMs, Math.min(now, to) - last)
  last = Math.min(now, to)
  if (now < to) count += 1
}
const { user, system } = process.cpuUsage(cpu)
const written: Written = { count, gapMs, cpuMs: (user + system) / 1000 }
console.log(JSON.stringify(written))
await writer.close()
