// Runs the compiler over files that exist only for a test.
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const bin = join(root, 'node_modules/typescript/bin/tsc')

export interface Diagnostic {
  readonly file: string
  readonly line: number
  /** The whole message, with the lines that explain it. */
  readonly text: string
}

export interface Compiled {
  readonly diagnostics: readonly Diagnostic[]
  /** What `--extendedDiagnostics` counts, by its label, such as `Instantiations`. */
  readonly counts: ReadonlyMap<string, number>
}

/**
 * Compiles these files, named as given, under this repository's tsconfig and `options`. They are
 * written inside the repository, where zod and node types are found, and outside of node_modules,
 * where the compiler would take `ministore-ts` for what was built last.
 * Single-threaded: with several checkers the compiler counts shared types more than once.
 */
export async function compile(
  files: Readonly<Record<string, string>>,
  options: Readonly<Record<string, boolean>> = {},
): Promise<Compiled> {
  const parent = join(root, '.types')
  mkdirSync(parent, { recursive: true })
  const directory = mkdtempSync(join(parent, 'test-'))
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
    const config = {
      extends: join(root, 'tsconfig.json'),
      compilerOptions: { noUnusedLocals: false, noUnusedParameters: false, ...options },
      include: [],
      files: Object.keys(files),
    }
    writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(config))
    return read(await run(['-p', directory, '--pretty', 'false', '--extendedDiagnostics']))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** What it printed; a compiler that found errors has worked, one that could not be run has not. */
function run(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const all = [bin, '--singleThreaded', ...args]
    execFile(process.execPath, all, { maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      if (stdout.includes('Instantiations:')) resolve(stdout)
      else reject(error ?? new Error(stderr || stdout))
    })
  })
}

function read(output: string): Compiled {
  const diagnostics: { file: string; line: number; text: string }[] = []
  const counts = new Map<string, number>()
  for (const text of output.split('\n')) {
    const [, file, line] = /^(\S.*?)\((\d+),\d+\): error TS\d+: /.exec(text) ?? []
    const [, label, count] = /^(\w[\w ]*): +(\d+)K?$/.exec(text) ?? []
    const last = diagnostics.at(-1)
    if (file !== undefined) diagnostics.push({ file: basename(file), line: Number(line), text })
    else if (label !== undefined) counts.set(label, Number(count))
    else if (text.startsWith('  ') && last) last.text += `\n${text}`
    else if (text.startsWith('error ')) throw new Error(text)
  }
  return { diagnostics, counts }
}
