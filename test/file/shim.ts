// The file systems that this machine does not have: their errors, preloaded into a child.
import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { whyNoTool } from '../trust/probe.ts'

const CALLS = {
  'sync of a directory': 'FAIL_SYNC_DIRECTORY',
  'sync of a reader': 'FAIL_SYNC_READER',
  link: 'FAIL_LINK',
} as const
export type Call = keyof typeof CALLS

/** Why nothing can be preloaded here; undefined if it can. Throws in CI, if there is no compiler. */
export function whyNoShim(): string | undefined {
  if (process.platform !== 'linux') return 'only Linux preloads libraries in this way'
  return whyNoTool('cc')
}

let library: string | undefined

/** The environment of a child in which `call` fails. */
export function failing(call: Call, errno: keyof typeof constants.errno): NodeJS.ProcessEnv {
  library ??= compile()
  return { LD_PRELOAD: library, [CALLS[call]]: `${constants.errno[errno]}`, UV_USE_IO_URING: '0' }
}

function compile(): string {
  const path = join(mkdtempSync(join(tmpdir(), 'ministore-shim-')), 'shim.so')
  const source = fileURLToPath(new URL('shim.c', import.meta.url))
  execFileSync('cc', ['-shared', '-fPIC', '-o', path, source, '-ldl'])
  return path
}
