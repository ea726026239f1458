// The exit code. It is 2 until the command has finished, whatever a user's module does to the process.
import { writeSync } from 'node:fs'
import { safeLines } from './lines.ts'

/** The command could not run. */
const FAILED = 2

/** What the command that runs would end with. */
let answer = 0
/** What the process ends with; undefined as long as the command runs. */
let finished: number | undefined
/** The module that was loaded, and whether that is still going on. */
let loaded: { readonly where: string; isLoading: boolean } | undefined

/** Sets the exit code of the command: it counts once the command has finished. */
export function answerWith(exitCode: number): void {
  answer = exitCode
}

/** Returns the exit code of the command, and sets it back to 0 for the next one. */
export function takeAnswer(): number {
  const taken = answer
  answer = 0
  return taken
}

/** Names the module that `load` runs, for the message if it ends the process. */
export async function whileLoading<T>(where: string, load: () => Promise<T>): Promise<T> {
  loaded = { where, isLoading: true }
  try {
    return await load()
  } finally {
    loaded.isLoading = false
  }
}

/** Ends the process: everything is printed. */
export function end(exitCode: number): never {
  finished ??= exitCode
  process.exit(finished)
}

/**
 * Makes 2 the exit code of each end of the process but `end`. A module can end it by `process.exit`, by a
 * signal, by an error that nobody catches, or by waiting for something that cannot happen.
 */
export function guardExit(): void {
  process.exitCode = FAILED
  const host = process as NodeJS.Process & { reallyExit(exitCode: number): never }
  const { reallyExit, kill } = host
  // `process.exit` calls it last, after every listener that could set another exit code.
  host.reallyExit = () => {
    if (finished === undefined) refuse(ended('process.exit'))
    return reallyExit.call(host, finished ?? FAILED)
  }
  host.abort = () => fail(ended('process.abort'))
  host.kill = (pid, signal = 'SIGTERM') => {
    const isOwn = pid === process.pid || pid === 0 || pid === -process.pid
    const isHandled = typeof signal === 'string' && process.listenerCount(signal) > 0
    if (isOwn && signal !== 0 && !isHandled) fail(ended('process.kill'))
    return kill.call(host, pid, signal)
  }
  process.on('beforeExit', () => fail(waiting()))
  process.on('uncaughtException', (error: unknown) => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    fail(`an error that nothing caught ended the command. ${text}`)
  })
}

function fail(message: string): never {
  if (finished === undefined) refuse(message)
  return end(FAILED)
}

/** At once: the process may end before a stream is written. */
function refuse(message: string): void {
  finished = FAILED
  try {
    writeSync(2, `ministore: ${safeLines(message)}\n`)
  } catch {
    // Nobody reads it.
  }
}

const ONLY_DEFINE =
  'No report was finished. Keep the definition in a file that only defines it, and move everything else to another file'

const ended = (by: string): string =>
  loaded
    ? `${loaded.where}: the module ended the process by ${by}. ${ONLY_DEFINE}`
    : `the command was ended by ${by}`

function waiting(): string {
  if (!loaded) return 'the command waits for something that cannot happen any more'
  return loaded.isLoading
    ? neverLoaded(loaded.where)
    : `${loaded.where}: the module's code waits for something that cannot happen any more. ${ONLY_DEFINE}`
}

/** The message for a module whose top-level `await` does not end. */
export const neverLoaded = (where: string): string =>
  `${where}: the module never finished loading: a top-level await does not end. ${ONLY_DEFINE}`
