// store.verify: does the journal on the disk still give the state that is in memory? Asked in a worker
// thread, so that the program goes on.
import { MessageChannel, Worker } from 'node:worker_threads'
import { StoreError } from '../../errors.ts'
import { canonicalChunks } from '../../json/chunks.ts'
import { onAbort } from '../../observe/abort.ts'
import type { Journal } from '../../port/journal.ts'
import type { StoreCore } from '../../store/store.ts'
import type { VerifyOptions, VerifyReport } from './report.ts'
import { type Answer, type Assignment, WORKER_CODE } from './worker.ts'

/** A compaction may take the journal away from the worker: so often it begins again. */
const MAX_ATTEMPTS = 5

/** A module that only defines a store takes a moment. */
const MAX_IMPORT_MS = 60_000
const ONLY_DEFINE = 'The module must only define the store'

/**
 * Replays the journal up to the store's seq in a worker thread and compares the digests. Throws TypeError
 * if the journal is not in a file; StoreError `closed`; StoreError `bad_definition` if the module does not have the
 * definition, ends the worker or is not imported within a minute; `compacted` if compactions never let the worker
 * come to its end; the signal's reason.
 */
export async function verify(
  store: string,
  journal: Journal,
  core: StoreCore,
  options: VerifyOptions,
): Promise<VerifyReport> {
  const path = journal.location
  if (path === undefined)
    throw new TypeError(
      `${journal.name} cannot be verified by a worker thread, which cannot open it; a journal in a file can`,
    )
  const { module, export: name, signal } = readOptions(options)
  for (let attempt = 1; ; attempt++) {
    const stopped = core.stopped
    if (stopped?.code === 'closed') throw stopped
    const { state, seq } = core.durable
    const assignment = { module, export: name, store, path, until: seq }
    const report = await compare(assignment, state, signal)
    const isMoved = report.problem?.code === 'compacted' || report.problem?.code === 'io'
    if (!isMoved) return report
    if (attempt < MAX_ATTEMPTS) continue
    if (report.problem?.code === 'io') return report
    // Not a report: that the worker never came to the end says nothing about the journal.
    const what = `${journal.name} was compacted again and again while it was verified`
    throw new StoreError('compacted', `${what}. Verify it between two compactions.`, { path })
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
  const { port1, port2: port } = new MessageChannel()
  const workerData = { ...assignment, port }
  const worker = new Worker(WORKER_CODE, { eval: true, workerData, transferList: [port] })
  const chunks = canonicalChunks(state)
  const { until: seq } = assignment
  let forget: () => void = () => undefined
  let imported: () => void = () => undefined
  return new Promise<VerifyReport>((resolve, reject) => {
    let [disk, records]: [string | undefined, number] = [undefined, 0]
    let problem: VerifyReport['problem']
    // One chunk at a time: the loop is free while the worker hashes.
    const sendNext = () => {
      const next = chunks.next()
      port1.postMessage(next.done ? null : next.value)
    }
    const refuse = (why: string, cause?: unknown) => {
      const what = `verify: ${assignment.module} cannot be used: ${why}`
      reject(new StoreError('bad_definition', what, { cause }))
    }
    const take = (answer: Answer) => {
      imported()
      if (answer.kind === 'imported') return
      if (answer.kind === 'module') return refuse(answer.message)
      if (answer.kind === 'memory') {
        const memory = answer.digest
        const ok = memory === disk
        return resolve({ ok, seq, records, memory, disk, ...(problem && { problem }) })
      }
      if (answer.kind === 'disk') [disk, records] = [answer.digest, answer.records]
      if (answer.kind === 'problem') problem = { code: answer.code, message: answer.message }
      sendNext()
    }
    imported = onAbort(AbortSignal.timeout(MAX_IMPORT_MS), () =>
      refuse(`its import did not end. ${ONLY_DEFINE}`),
    )
    port1.on('message', take)
    worker.on('error', (error) => {
      // The worker's own, not the module's: the state is too large for it.
      if ((error as { code?: unknown } | undefined)?.code === 'ERR_WORKER_OUT_OF_MEMORY')
        reject(error)
      else refuse(`it threw outside of its import: ${error}`, error)
    })
    worker.on('exit', (code) =>
      refuse(`it ended the worker thread or waits without end (exit code ${code}). ${ONLY_DEFINE}`),
    )
    if (signal) forget = onAbort(signal, () => reject(signal.reason))
  }).finally(() => {
    forget()
    imported()
    port1.close()
    return worker.terminate()
  })
}
