// npm run runtimes: the packed tarball, installed by npm, on every runtime that npm has. Needs the
// network. Exit code 1 if a step fails on a runtime, or gives another digest.
import { rmSync } from 'node:fs'
import { basename } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { EXPECTED, makeDirectory, makeProject, pack, replay, run, type Said } from './packed.ts'

const npx = (...args: string[]) => ['npx', '-y', ...args]
const RUNTIMES: Record<string, { command: string[]; run?: string[] }> = {
  'this node': { command: [process.execPath] },
  // The oldest that package.json's engines allow.
  'node 20.19': { command: npx('-p', 'node@20.19.0', '--', 'node') },
  'node 22.12': { command: npx('-p', 'node@22.12.0', '--', 'node') },
  'node 22': { command: npx('-p', 'node@22', '--', 'node') },
  'node 24': { command: npx('-p', 'node@24', '--', 'node') },
  'node 26': { command: npx('-p', 'node@26', '--', 'node') },
  bun: { command: npx('bun@1.4.5') },
  deno: { command: npx('deno@2.9.5'), run: ['run', '-A'] },
}
const STEPS = ['replay', 'lock', 'write', 'reopen', 'create'] as const

const directory = makeDirectory()
const rows: string[][] = [['runtime', 'version', 'digest', 'bytes', ...STEPS, 'verdict']]
const notes: string[] = []
try {
  const tarball = await pack(directory)
  const project = makeProject(directory)
  await run('npm', ['install', '--no-save', tarball, 'zod'], project)
  for (const [name, { command, run: args = [] }] of Object.entries(RUNTIMES)) {
    rows.push([name, ...(await tryRuntime(project, command, args))])
  }
  console.log(`${basename(tarball)} and a journal of ${EXPECTED.seq} records, ${EXPECTED.digest}\n`)
} finally {
  rmSync(directory, { recursive: true })
}
const widths = (rows[0] ?? []).map((_, column) =>
  Math.max(...rows.map((row) => (row[column] ?? '').length)),
)
for (const row of rows) {
  console.log(row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
}
for (const note of notes) console.log(`\n${note}`)
process.exitCode = rows.some((row) => row.at(-1) === 'BROKEN') ? 1 : 0

/** The row behind the runtime's name. */
async function tryRuntime(project: string, command: string[], args: string[]): Promise<string[]> {
  const [file = '', ...rest] = command
  const row = (version: string, verdict: string, said?: Said) => {
    const same = (isSame: boolean) => (said ? (isSame ? 'same' : 'OTHER') : '-')
    return [
      version,
      same(said?.seq === EXPECTED.seq && said.digest === EXPECTED.digest),
      same(said?.file === EXPECTED.file && isDeepStrictEqual(said.after, EXPECTED.after)),
      ...STEPS.map((step) => {
        const result = said?.[step] ?? '-'
        return typeof result === 'string' ? result : `refuses: ${result.code}`
      }),
      verdict,
    ]
  }
  try {
    await run(file, [...rest, '--version'], project)
  } catch (error) {
    notes.push(`skipped, as it could not be fetched: ${command.join(' ')}\n${error}`)
    return row('-', 'skipped')
  }
  try {
    const said = await replay(project, [...command, ...args])
    const { runtime, version } = said
    for (const step of STEPS) {
      const result = said[step]
      if (result !== 'works') notes.push(`${runtime} ${version}, ${step}: ${result.message}`)
    }
    return row(version, isFine(said) ? 'ok' : 'BROKEN', said)
  } catch (error) {
    notes.push(`${command.join(' ')}: ${error}`)
    return row('-', 'BROKEN')
  }
}

function isFine({ seq, digest, file, after, ...said }: Said): boolean {
  return (
    isDeepStrictEqual({ seq, digest, file, after }, EXPECTED) &&
    STEPS.every((step) => said[step] === 'works')
  )
}
