// store.verify: does the journal on the disk still give the state that is in memory? Asked in a worker
// thread, so that the program goes on.
import { Worker } from 'node:worker_threads'
import { StoreError } from '../index.ts'
import { canonicalChunks } from '../json/chunks.ts'
import { onAbort } from '../observe/abort.ts'
import type { Core, Journal, VerifyOptions, VerifyReport } from '../types.ts'
import { type Answer, type Assignment, WORKER_CODE } from './worker.ts'

/** A compaction may take the journal away from the worker: so often it begins again. */
const MAX_ATTEMPTS = 3

/**
 * Replays the journal up to the store's seq in a worker thread and compares the digests. Throws TypeError
 * if the journal is not in a file; StoreError `closed`; StoreError `bad_definition` if the module does not have the
 * definition; the signal's reason.
 */
export async function verify(
  store: string,
  journal: Journal,
  core: Core,
  options: VerifyOptions,
): Promise<VerifyReport> {
  const path = journal.location
  if (path === undefined)
    throw new TypeError(
      `${journal.name} cannot be verified by a worker thread, which cannot open it; a journal in a file can`,
    )
  const { module, export: name, signal } = readOptions(options)
  for (let attempt = 1; ; attempt++) {
    const stopped = core.getStopped()
    if (stopped?.code === 'closed') throw stopped
    const { state, seq } = core.getHead()
    const assignment = { module, export: name, store, path, until: seq }
    const report = await compare(assignment, state, signal)
    const isMoved = report.problem?.code === 'compacted' || report.problem?.code === 'io'
    if (!isMoved || attempt === MAX_ATTEMPTS) return report
  }
}

function readOptions(options: VerifyOptions | undefined) {
  const { module, export: name, signal } = options ?? ({} as Partial<VerifyOptions>)
  const url = module instanceof URL ? module.href : module
  if (typeof url === 'string' && url.includes(':')) return { module: url, export: name, signal }
  const form = "verify({ module: new URL('./broker.js', import.meta.url) })"
  throw new TypeError(`${form}: the module is missing, or not a URL`)
}

/** Runs one worker to its end. */
function compare(
  assignment: Assignment,
  state: unknown,
  signal: AbortSignal | undefined,
): Promise<VerifyReport> {
  signal?.throwIfAborted()
  const worker = new Worker(WORKER_CODE, { eval: true, workerData: assignment })
  const chunks = canonicalChunks(state)
  const { until: seq } = assignment
  let forget: () => void = () => undefined
  return new Promise<VerifyReport>((resolve, reject) => {
    let [disk, records]: [string | undefined, number] = [undefined, 0]
    let problem: VerifyReport['problem']
    // One chunk at a time: the loop is free while the worker hashes.
    const sendNext = () => {
      const next = chunks.next()
      worker.postMessage(next.done ? null : next.value)
    }
    const take = (answer: Answer) => {
      if (answer.kind === 'module') {
        const what = `verify: ${assignment.module} cannot be used: ${answer.message}`
        reject(new StoreError('bad_definition', what))
      } else if (answer.kind === 'memory') {
        const memory = answer.digest
        const ok = memory === disk
        resolve({ ok, seq, records, memory, disk, ...(problem && { problem }) })
      } else {
        if (answer.kind === 'disk') [disk, records] = [answer.digest, answer.records]
        if (answer.kind === 'problem') problem = { code: answer.code, message: answer.message }
        sendNext()
      }
    }
    worker.on('message', take)
    worker.on('error', reject)
    worker.on('exit', (code) => reject(new Error(`the worker of verify ended with code ${code}`)))
    if (signal) forget = onAbort(signal, () => reject(signal.reason))
  }).finally(() => {
    forget()
    return worker.terminate()
  })
}
