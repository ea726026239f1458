// Work in a process of its own: its memory is its own, and no one else's garbage slows it down.
import { spawn } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Works } from './child.ts'
import { Missing } from './peers/load.ts'

const program = fileURLToPath(new URL(`child${extname(import.meta.url)}`, import.meta.url))

export type Given<W extends keyof Works> = Parameters<Works[W]>[0]
export type Answer<W extends keyof Works> = Awaited<ReturnType<Works[W]>> & {
  /** The most memory it ever had, in MB. */
  readonly peakMB: number
}

/** For Node. */
export const childArguments = <W extends keyof Works>(work: W, given: Given<W>): string[] => [
  ...process.execArgv,
  program,
  work,
  JSON.stringify(given),
]

/** Throws Missing where the child says so, and Error where it fails. */
export async function inChild<W extends keyof Works>(
  work: W,
  given: Given<W>,
  flags: readonly string[] = [],
): Promise<Answer<W>> {
  const child = spawn(process.execPath, [...flags, ...childArguments(work, given)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [out, err] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  const code = await new Promise((resolve, reject) =>
    child.on('error', reject).on('close', resolve),
  )
  if (code !== 0) throw new Error(`${work} failed with ${code}: ${err.slice(-2000)}`)
  const answer = JSON.parse(out) as Answer<W> | { readonly missing: string }
  if ('missing' in answer) throw new Missing(answer.missing)
  return answer
}
