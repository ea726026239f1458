// strace, which makes the kernel fail a system call, delay it, or kill the process that enters it.
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { tempJournal } from '../file/temp-journal.ts'
import { whyNot } from './probe.ts'

/** What changes a file, or makes that durable. `?`: not every processor has it. */
const CHANGES =
  'write,pwrite64,fdatasync,fsync,ftruncate,?rename,?renameat,?renameat2,?unlink,?unlinkat'

/** Why it cannot be used; undefined where it can. Throws where it could have been installed. */
export function whyNoStrace(): string | undefined {
  const argv = ['-f', '-qq', '-o', '/dev/null', '-e', 'inject=fsync:error=EIO', 'true']
  const why = whyNot(['strace', ...argv])
  const isForgotten = why === 'strace is missing' && process.platform === 'linux'
  if (isForgotten && process.env['CI']) throw new Error(`CI is set and ${why}: install it`)
  return why
}

export interface Strace {
  /** To be put before a command. */
  readonly wrapper: readonly string[]
  /** The traced calls so far, by name, in order; those that were tampered with end in `!`. */
  readCalls(): string[]
}

/**
 * Traces, and tampers with, calls on the journal at `path` and on the files beside it. strace
 * counts `when=` by system call and thread, so the thread pool has one only, unless told otherwise.
 */
export function strace(
  path: string,
  injections: readonly string[],
  { threads = 1 }: { threads?: number } = {},
): Strace {
  const log = tempJournal('strace.log')
  const beside = ['.lock', '.new', '.torn-0', '.torn-4'].flatMap((suffix) =>
    ['', '.2', '.3'].map((copy) => `${path}${suffix}${copy}`),
  )
  const files = [path, ...beside, dirname(path), dirname(dirname(path))]
  const wrapper = [
    ...`env UV_THREADPOOL_SIZE=${threads} UV_USE_IO_URING=0 strace -f -qq -o`.split(' '),
    log,
    ...['-e', `trace=${CHANGES}`],
    ...injections.flatMap((injection) => ['-e', `inject=${injection}`]),
    ...files.flatMap((file) => ['-P', file]),
  ]
  return {
    wrapper,
    readCalls() {
      const lines = readFileSync(log, 'utf8').split('\n')
      // Closing signs the lock file off. That may fail without harm, so it is no call that matters.
      const isSigningOff = (line: string) => line.includes('"{\\"pid\\":0}')
      // `123 fsync(19) = 0`; a call that another thread's broke in two is `123 fsync(19 <unfinished ...>`.
      return lines.flatMap((line) => {
        const [, name] = /^\d+ +(\w+)\(/.exec(line) ?? []
        return name && !isSigningOff(line)
          ? [`${name}${line.endsWith('(INJECTED)') ? '!' : ''}`]
          : []
      })
    },
  }
}
