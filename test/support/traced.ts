// A copy of src/ whose functions note that they are entered, so that a test can follow a call through the sources.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import ts from 'typescript-6'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** One function that was entered, by its file in src/ and its name. */
export interface Entered {
  readonly file: string
  readonly name: string
}

interface Walk {
  ministoreWalk?: Entered[] | undefined
}

export interface Traced {
  load<T>(file: string): Promise<T>
  /** Returns the functions that `run` enters, in order. */
  follow(run: () => Promise<unknown>): Promise<readonly Entered[]>
}

/** Immer's published text is not ours to walk through. */
const NOT_OURS = 'mutation/immer.ts'

export function traceSources(): Traced {
  const all = join(root, 'node_modules/.cache/ministore-traced')
  mkdirSync(all, { recursive: true })
  const directory = mkdtempSync(join(all, 'src-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  for (const file of readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue
    const text = readFileSync(join(root, 'src', file), 'utf8')
    mkdirSync(dirname(join(directory, file)), { recursive: true })
    writeFileSync(join(directory, file), file === NOT_OURS ? text : noted(file, text))
  }
  return {
    load: (file) => import(/* @vite-ignore */ pathToFileURL(join(directory, file)).href),
    async follow(run) {
      const walk: Entered[] = []
      const notes = globalThis as Walk
      notes.ministoreWalk = walk
      try {
        await run()
      } finally {
        notes.ministoreWalk = undefined
      }
      return walk
    },
  }
}

/** The source, with a note at the beginning of each function that has a name. */
function noted(file: string, text: string): string {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const inserted: { readonly at: number; readonly what: string }[] = []
  const visit = (node: ts.Node): void => {
    const name = nameOf(node)
    if (name !== undefined && ts.isFunctionLike(node) && 'body' in node && node.body) {
      const body = node.body as ts.Node
      const entered = JSON.stringify({ file, name })
      const note = `(globalThis as any).ministoreWalk?.push(${entered})`
      if (ts.isBlock(body)) inserted.push({ at: body.getStart() + 1, what: `${note};` })
      else {
        inserted.push({ at: body.getStart(), what: `(${note},` })
        inserted.push({ at: body.end, what: ')' })
      }
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return inserted
    .toSorted((one, other) => other.at - one.at)
    .reduce((so, { at, what }) => so.slice(0, at) + what + so.slice(at), text)
}

function nameOf(node: ts.Node): string | undefined {
  if (ts.isConstructorDeclaration(node)) return 'constructor'
  if (ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node) || ts.isAccessor(node))
    return node.name?.getText()
  if (!ts.isArrowFunction(node) && !ts.isFunctionExpression(node)) return undefined
  const { parent } = node
  const isNamed = ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent)
  return isNamed || ts.isPropertyDeclaration(parent) ? parent.name.getText() : undefined
}
