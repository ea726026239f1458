// Run as a process of its own: `node … child.ts <what> <path> [user id]`. Speaks in JSON lines.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { StoreError } from 'ministore-ts'
import { ledger } from './ledger.ts'
import { sizes } from './sizes.ts'

const [what = '', path = '', user = ''] = process.argv.slice(2)
if (user) {
  // All that opening loads, since somebody else may not even see this directory.
  const directory = mkdtempSync(join(tmpdir(), 'ministore-'))
  await (await ledger.open(join(directory, 'first'))).close()
  rmSync(directory, { recursive: true })
  process.setgroups?.([])
  process.setgid?.(Number(user))
  process.setuid?.(Number(user))
}
const say = (message: object) => process.stdout.write(`${JSON.stringify(message)}\n`)
const self = fileURLToPath(import.meta.url)
const untilToldToEnd = () => new Promise((resolve) => process.stdin.once('end', resolve).resume())

const PARTS: Record<string, () => Promise<void>> = {
  /** Holds the journal until its standard input ends. */
  async hold() {
    const store = await ledger.open(path)
    say({ seq: store.seq })
    await untilToldToEnd()
    await store.close()
  },
  /** Has a worker thread hold the journal, terminates that, and opens the journal itself. */
  async terminated() {
    const worker = new Worker(self, { argv: ['hold', path], stdin: true, stdout: true })
    await once(worker.stdout, 'data')
    await worker.terminate()
    say({ seq: (await ledger.open(path)).seq })
  },
  /** Holds the journal, has a forked child try to write to it, and writes itself. */
  async fork() {
    const store = await ledger.open(path)
    await once(fork(self, ['dispatch', path]), 'exit')
    say(await store.dispatch('note', 'of the parent'))
    await store.close()
  },
  /** Holds the journal, and has a forked child that outlives it. */
  async outlived() {
    const store = await ledger.open(path)
    const { pid } = fork(self, ['linger'], { detached: true, stdio: 'ignore' })
    say({ seq: store.seq, pid })
    await untilToldToEnd()
  },
  async linger() {
    await setTimeout(60_000)
  },
  /** Opens, writes, and forgets to close. */
  async forget() {
    const store = await ledger.open(path)
    for (const text of ['a', 'b', 'c']) say(await store.dispatch('note', text))
  },
  /** Writes as fast as it can, and says what was acknowledged. */
  async write() {
    const store = await ledger.open(path)
    for (;;) {
      const count = 1 + Math.floor(Math.random() * 20)
      const group = Array.from({ length: count }, (_, index) =>
        store.dispatch('note', `${index}`.padEnd(200, 'x')),
      )
      say({ seq: Math.max(...(await Promise.all(group)).map(({ seq }) => seq)) })
    }
  },
  /** The same, but never so much that who reads all of it falls ever further behind. */
  async load() {
    const store = await sizes.open(path)
    for (;;) {
      const group = Array.from({ length: 1 + Math.floor(Math.random() * 20) }, () =>
        store.dispatch('blob', 'x'.repeat(Math.random() * 1000)),
      )
      say({ seq: Math.max(...(await Promise.all(group)).map(({ seq }) => seq)) })
      await setTimeout(store.seq < 5_000 ? 2 : 20)
    }
  },
  /** Opens, dispatches and closes, or says why not. */
  async dispatch() {
    const store = await ledger.open(path)
    say(await store.dispatch('note', 'of the child'))
    await store.close()
  },
  async compact() {
    const store = await ledger.open(path)
    await store.dispatch('note', 'of the child')
    const { archive } = await store.compact()
    say({ ...(await store.dispatch('note', 'after it')), archive })
    await store.close()
  },
  async read() {
    const store = await ledger.open(path, { readOnly: true })
    say({ seq: store.seq })
    await store.close()
  },
  /** How much memory it took to open it. */
  async measure() {
    const store = await sizes.open(path, { readOnly: true })
    say({ seq: store.seq, bytes: store.state.bytes, memory: process.resourceUsage().maxRSS * 1024 })
    await store.close()
  },
}

PARTS[what]?.().catch((error: unknown) => {
  if (!(error instanceof StoreError)) throw error
  const { code, message } = error
  say({ code, message })
})
