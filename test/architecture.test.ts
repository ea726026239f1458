import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const src = join(root, 'src')

/** Who may import whom: by folder, `core` being the files directly in src/. Types are free. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  core: ['core', 'mutation', 'json', 'record', 'replay', 'follow'],
  table: [],
  json: ['table'],
  mutation: ['core', 'json', 'record', 'table'],
  record: ['core', 'mutation', 'json'],
  replay: ['core', 'mutation', 'record', 'table', 'json'],
  follow: ['record', 'replay'],
  memory: ['core'],
  observe: ['index'],
  define: [
    'core',
    'mutation',
    'json',
    'record',
    'replay',
    'table',
    'memory',
    'observe',
    'url',
    'lazy:url',
    'lazy:file',
    'lazy:check',
    'lazy:verify',
  ],
  index: ['core', 'mutation', 'json', 'record', 'replay', 'memory', 'define'],
  diff: ['table'],
  format: ['index'],
  disk: ['core'],
  snapshot: ['index', 'json', 'format', 'disk', 'table'],
  file: ['index', 'format', 'disk', 'snapshot'],
  shared: ['index', 'snapshot'],
  postgres: ['index', 'shared'],
  sqlite: ['index', 'shared'],
  nats: ['index', 'shared'],
  check: ['index', 'diff', 'table'],
  report: [],
  schema: ['index'],
  verify: ['index', 'json', 'observe'],
  testing: ['index', 'diff', 'report'],
  vitest: ['index', 'testing'],
  cli: [
    'index',
    'diff',
    'disk',
    'format',
    'file',
    'snapshot',
    'table',
    'check',
    'report',
    'schema',
    'url',
  ],
  // The engines by their names as parts of the package, so that no bundler follows.
  url: ['index', 'lazy:postgres', 'lazy:nats', 'lazy:sqlite'],
}

/** One dependency, one home. */
const HOME: Record<string, readonly string[]> = {
  immer: ['mutation/'],
  zod: ['mutation/', 'define/', 'check/', 'schema/', 'testing/', 'cli/'],
  'fast-json-stable-stringify': ['json/'],
  diff: ['diff/'],
  leven: ['define/', 'cli/'],
  'fs-native-extensions': ['disk/'],
  commander: ['cli/'],
  jiti: ['cli/'],
  tinyglobby: ['cli/'],
  picocolors: ['cli/', 'report/'],
  vitest: ['vitest/'],
  pg: ['postgres/'],
  '@nats-io/transport-node': ['nats/'],
  'node:worker_threads': ['disk/', 'verify/'],
  'node:fs': ['disk/', 'sqlite/', 'cli/'],
  'node:fs/promises': ['disk/', 'url/', 'check/', 'cli/'],
  'node:child_process': ['disk/', 'cli/'],
  'node:console': ['cli/'],
  'node:timers/promises': ['disk/', 'shared/', 'postgres/', 'nats/', 'sqlite/', 'cli/'],
  'node:net': ['nats/'],
  'node:os': ['disk/', 'cli/'],
  'node:path': ['disk/', 'file/', 'sqlite/', 'snapshot/', 'report/', 'cli/'],
  'node:url': ['disk/', 'sqlite/', 'report/', 'vitest/', 'cli/'],
  'node:util': ['disk/', 'cli/', 'nats/'],
  'node:inspector': ['schema/'],
  'node:crypto': [
    'disk/',
    'file/',
    'snapshot/',
    'shared/',
    'postgres/',
    'sqlite/',
    'nats/',
    'report/',
    'schema/',
  ],
  'node:buffer': ['format/', 'snapshot/'],
  'node:zlib': ['format/'],
}

interface Import {
  readonly from: string
  readonly to: string
  readonly isLazy: boolean
}

const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
)
const read = (file: string) => readFileSync(join(src, file), 'utf8')

/** Imports that exist at run time; `import type` and an import of nothing but types do not. */
function importsOf(file: string): Import[] {
  const found = read(file).matchAll(
    /^(?:import|export)\s+(?!type\b)([^'"`]*?)from\s+'([^']+)'|\bimport\('([^']+)'\)/gm,
  )
  return [...found].flatMap(([, names = '', eager, lazy]) => {
    const isTypesOnly = /^\{(\s*type [^,}]+,?)+\s*\}\s*$/.test(names)
    const to = eager ?? lazy
    return to === undefined || isTypesOnly ? [] : [{ from: file, to, isLazy: lazy !== undefined }]
  })
}

function folderOf(file: string): string {
  if (file === 'index.ts') return 'index'
  return file.includes('/') ? (file.split('/')[0] ?? '') : 'core'
}

const imports = files.flatMap(importsOf)
const target = ({ from, to }: Import) => relative(src, join(src, dirname(from), to))

describe('the import rules', () => {
  test('every folder imports only what it may', () => {
    const broken = imports
      .filter(({ to }) => to.startsWith('.'))
      .filter((edge) => {
        const [from, to] = [folderOf(edge.from), folderOf(target(edge))]
        const allowed = MAY_IMPORT[from] ?? []
        return from !== to && !allowed.includes(edge.isLazy ? `lazy:${to}` : to)
      })
    expect(broken).toEqual([])
  })

  test('every folder in src/ has its rule', () => {
    expect([...new Set(files.map(folderOf))].sort()).toEqual(Object.keys(MAY_IMPORT).sort())
  })

  test('every dependency has one home', () => {
    const broken = imports
      .filter(({ to }) => !to.startsWith('.'))
      .filter(({ from, to }) => !(HOME[to] ?? []).some((home) => from.startsWith(home)))
    expect(broken).toEqual([])
  })

  test('what a browser loads never reaches a module of Node', () => {
    const reached = new Set<string>()
    const visit = (file: string) => {
      if (reached.has(file)) return
      reached.add(file)
      for (const edge of importsOf(file)) {
        if (edge.isLazy) continue
        if (edge.to.startsWith('.')) visit(target(edge))
        else expect(edge.to, `${file} imports ${edge.to}`).not.toMatch(/^node:|^fs-native/)
      }
    }
    visit('index.ts')
    visit('testing/index.ts')
    expect(reached.size).toBeGreaterThan(10)
  })

  test('the core has no timers and no background work', () => {
    // What reducers may not use is named in check/trap-later.ts; who waits for a network, or for another writer's claim,
    // has to stop some time.
    const mayWait = /^(cli|shared|postgres|nats|sqlite)\/|^check\/trap-later\.ts$|^disk\/claim\.ts$/
    const others = files.filter((name) => !mayWait.test(name))
    for (const file of others) {
      expect(read(file), file).not.toMatch(/\bset(Timeout|Interval|Immediate)\b/)
    }
  })
})

describe('the line budgets', () => {
  // Blank lines and comments do not count, so nobody deletes a comment to fit.
  const codeLines = (names: string[]) =>
    names
      .flatMap((name) =>
        read(name)
          .replace(/^\s*\/\*[\s\S]*?\*\//gm, '')
          .split('\n'),
      )
      .filter((line) => line.trim() !== '' && !line.trim().startsWith('//')).length

  test('the core stays below 300 lines of code', () => {
    // Without those that have nothing but names: types, and what the package exports.
    const names = ['types.ts', 'index.ts']
    const core = files.filter((file) => !file.includes('/') && !names.includes(file))
    expect(core).toContain('store.ts')
    expect(codeLines(core)).toBeLessThan(300)
  })

  test('src/file/ stays below 300 lines of code', () => {
    expect(codeLines(files.filter((file) => file.startsWith('file/')))).toBeLessThan(300)
  })

  test('types.ts has types only', () => {
    expect(importsOf('types.ts')).toEqual([])
    expect(read('types.ts')).not.toMatch(/^\s*(export )?(const|let|function|class|enum) /m)
  })
})
