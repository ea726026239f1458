// The package as npm would publish it, and the fixed journal replayed with it.
import { type ExecFileException, execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../..', import.meta.url))
const NOT_PACKED = ['node_modules', 'dist', 'coverage', '.git', '.quickstart', '.docs']
const PROGRAM = ['definition.mjs', 'fixture.jsonl', 'replay.mjs']

/**
 * What must come out on every machine and every runtime. A changed digest means that old journals
 * give another state: never adjust it to the code.
 */
export const EXPECTED = {
  seq: 30,
  digest: 'sha256:6b1630eacf8a0408b5a265fdff144fdcb498fed8786aa02fe15cb7a56b856b0f',
  /** Of the journal's bytes after replay.mjs wrote to it. */
  file: '5a76ed9f23a4651ca9998e79830c2f43b12528e606d0949a61902932d590e0f7',
  after: {
    seq: 33,
    digest: 'sha256:0aaa49b622d835c818d6f63d57c350f6edd7f45bb9f68bbeb36a33f0ee2f8cc0',
  },
} as const

/** What replay.mjs says: of each step 'works', or the StoreError that it was refused with. */
export interface Said {
  readonly runtime: string
  readonly version: string
  readonly seq?: number
  readonly digest?: string
  readonly file?: string
  readonly after?: { readonly seq: number; readonly digest: string }
  readonly replay: Step
  readonly lock: Step
  readonly write: Step
  readonly reopen: Step
  readonly create: Step
}
type Step = 'works' | { readonly code: string; readonly message: string }

/** A new directory; whoever made it removes it. */
export const makeDirectory = (): string => mkdtempSync(join(tmpdir(), 'ministore-packed-'))

/**
 * Runs `npm pack`, which builds, and returns the tarball. It packs a copy in `directory`, so that
 * nobody's `dist` changes under them.
 */
export async function pack(directory: string): Promise<string> {
  const copy = join(directory, 'copy')
  for (const name of readdirSync(root))
    if (!NOT_PACKED.includes(name)) cpSync(join(root, name), join(copy, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction')
  await run('npm', ['pack', '--pack-destination', directory], copy)
  const tarball = readdirSync(directory).find((name) => name.endsWith('.tgz'))
  if (!tarball) throw new Error(`npm pack left no tarball in ${directory}`)
  return join(directory, tarball)
}

/** An empty project in `directory` with replay.mjs and what that needs of ours; nothing is installed. */
export function makeProject(directory: string): string {
  const project = join(directory, 'project')
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), '{"private":true,"type":"module"}\n')
  for (const name of PROGRAM) {
    cpSync(fileURLToPath(new URL(name, import.meta.url)), join(project, name))
  }
  return project
}

/** Runs replay.mjs with `command` in that project, on a copy of the fixture of its own. */
export async function replay(project: string, [file = '', ...args]: readonly string[]) {
  const directory = mkdtempSync(join(project, 'run-'))
  const { stdout } = await run(file, [...args, 'replay.mjs', directory], project)
  return JSON.parse(stdout) as Said
}

/** Rejects with what it wrote to its standard error. */
export async function run(file: string, args: readonly string[], cwd: string) {
  try {
    // npm and npx are scripts on Windows.
    const shell = process.platform === 'win32'
    return await promisify(execFile)(file, args, { cwd, shell, timeout: 300_000 })
  } catch (error) {
    const { code, signal, stderr } = error as ExecFileException
    const told = `${file} ${args.join(' ')} ended with ${code ?? signal}: ${stderr?.trim()}`
    throw new Error(told, { cause: error })
  }
}
