// npm run bench [-- --rounds 20] [-- --json figures.json]
// What a dispatch costs, as ratios to what no durable store can do without, from one run: these
// machines are shared, so a time means little and only what ran side by side can be compared.
import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { produce } from 'immer'
import { defineStore, memoryJournal } from 'ministore-ts'
import { fileJournal, nodeFileSystem } from 'ministore-ts/file'
import { z } from 'zod'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '20' }, json: { type: 'string' } },
})
const rounds = Number(values.rounds)
const CALLERS = 1000

interface Order {
  id: string
  item: string
  count: number
}
const orders = defineStore({
  name: 'orders',
  state: { orders: {} as Record<string, Order>, total: 0 },
  mutations: {
    put: {
      payload: z.object({ id: z.string(), item: z.string(), count: z.number().int() }),
      apply(draft, payload) {
        draft.orders[payload.id] = payload
        draft.total += payload.count
      },
    },
  },
})
// Sixteen ids, so that the state stays small: what is measured is the dispatch.
const order = (n: number): Order => ({
  id: `order-${n % 16}`,
  item: 'paper 80 g A4',
  count: n % 10,
})
const line = `${JSON.stringify({ seq: 100_000, at: new Date().toISOString(), type: 'put', payload: order(7), crc: '00000000' }).padEnd(149)}\n`

interface Row {
  readonly name: string
  readonly floor: string
  /** Microseconds per dispatch, and per unit of the floor: medians over the rounds. */
  readonly us: number
  readonly floorUs: number
  /** Median of the rounds' own ratios. */
  readonly ratio: number
}

const median = (all: number[]) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0

async function microseconds(count: number, run: () => unknown): Promise<number> {
  const start = performance.now()
  await run()
  return ((performance.now() - start) * 1000) / count
}

/** Floor and candidate take turns, so that whatever else the machine does hits both. */
async function compare(
  name: string,
  floor: string,
  count: number,
  runs: { floor: () => unknown; candidate: () => unknown },
): Promise<Row> {
  const [floors, candidates, ratios]: [number[], number[], number[]] = [[], [], []]
  for (let round = -2; round < rounds; round++) {
    if (process.stderr.isTTY) process.stderr.write(`\r${name}: round ${round + 3}\u001b[K`)
    const [a, b] = [
      await microseconds(count, runs.floor),
      await microseconds(count, runs.candidate),
    ]
    // The first two warm up.
    if (round < 0) continue
    floors.push(a)
    candidates.push(b)
    ratios.push(b / a)
  }
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  return { name, floor, us: median(candidates), floorUs: median(floors), ratio: median(ratios) }
}

const directory = mkdtempSync(join(tmpdir(), 'ministore-bench-'))
const rows: Row[] = []
let n = 0
try {
  // As in a process that has run for a while: otherwise the compiler's warming up is measured.
  const warm = await orders.open(memoryJournal())
  for (let i = 0; i < 20_000; i++) await warm.dispatch('put', order(n++))

  const fd = openSync(join(directory, 'floor'), 'w')
  let end = 0
  const appendSync = (text: string) => {
    end += writeSync(fd, text, end)
    fdatasyncSync(fd)
  }

  const appendAsync = async (text: string) => {
    end += writeSync(fd, text, end)
    await promisify(fdatasync)(fd)
  }
  const rowsOfOne = [
    { sync: 'blocking', floor: 'writeSync + fdatasyncSync of the same bytes', append: appendSync },
    {
      sync: 'async',
      floor: 'writeSync + awaited fdatasync of the same bytes',
      append: appendAsync,
    },
    { sync: 'async', floor: 'writeSync + fdatasyncSync of the same bytes', append: appendSync },
  ] as const
  for (const [index, { sync, floor, append }] of rowsOfOne.entries()) {
    const store = await orders.open(join(directory, `${index}.jsonl`), { sync })
    const row = await compare(`durable, one caller, sync: ${sync}`, floor, 50, {
      floor: async () => {
        for (let i = 0; i < 50; i++) await append(line)
      },
      candidate: async () => {
        for (let i = 0; i < 50; i++) await store.dispatch('put', order(n++))
      },
    })
    rows.push(row)
    await store.close()
  }

  let syncs = 0
  const disk = nodeFileSystem()
  const counting = {
    ...disk,
    async open(...args: Parameters<typeof disk.open>) {
      const file = await disk.open(...args)
      const datasync = () => {
        syncs += 1
        return file.datasync()
      }
      return { ...file, datasync }
    },
  }
  const store = await orders.open(
    fileJournal(join(directory, 'group.jsonl'), { fileSystem: counting }),
  )
  syncs = 0
  const many = line.repeat(CALLERS)
  const before = store.seq
  const group = await compare(
    `durable, ${CALLERS} callers at once`,
    `one write + one fdatasync of ${CALLERS} lines`,
    CALLERS,
    {
      floor: () => appendSync(many),
      candidate: () =>
        Promise.all(Array.from({ length: CALLERS }, () => store.dispatch('put', order(n++)))),
    },
  )
  rows.push(group)
  const perSync = Math.round((store.seq - before) / syncs)
  await store.close()
  closeSync(fd)

  const memory = await orders.open(memoryJournal())
  let plain: { orders: Record<string, Order>; total: number } = { orders: {}, total: 0 }
  const cpuBefore = process.cpuUsage()
  let dispatched = 0
  const cpu = await compare('in memory, one caller', 'bare Immer produce, same reducer', 2000, {
    floor: () => {
      for (let i = 0; i < 2000; i++) {
        const payload = order(n++)
        plain = produce(plain, (draft) => {
          draft.orders[payload.id] = payload
          draft.total += payload.count
        })
      }
    },
    candidate: async () => {
      for (let i = 0; i < 2000; i++) await memory.dispatch('put', order(n++))
      dispatched += 2000
    },
  })
  rows.push(cpu)
  const { user, system } = process.cpuUsage(cpuBefore)
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, rounds }
  console.log(
    `${machine.cpu} × ${machine.cores}, Node ${machine.node}, medians of ${rounds} rounds\n`,
  )
  console.log(
    `${'row'.padEnd(34)}${'µs each'.padStart(9)}${'floor'.padStart(9)}${'ratio'.padStart(8)}  floor is`,
  )
  for (const { name, us, floorUs, ratio, floor } of rows) {
    const figures = [us.toFixed(1), floorUs.toFixed(1)].map((figure) => figure.padStart(9)).join('')
    console.log(`${name.padEnd(34)}${figures}${ratio.toFixed(2).padStart(8)}  ${floor}`)
  }
  console.log(`\n${CALLERS} callers at once: ${perSync} records per fdatasync`)
  if (values.json !== undefined) {
    const report = { machine, rows, recordsPerSync: perSync, cpuUs: (user + system) / dispatched }
    writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`)
  }
} finally {
  rmSync(directory, { recursive: true, force: true })
}
