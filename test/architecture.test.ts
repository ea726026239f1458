import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const src = join(root, 'src')

/** Who may import whom: by room, which is a folder of src/, or a file directly in it. Types are free. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  'errors.ts': [],
  'types.ts': [],
  table: [],
  json: ['table'],
  diff: ['table'],
  mutation: ['errors.ts', 'json', 'record', 'table'],
  record: ['errors.ts', 'mutation', 'json'],
  snapshot: ['index.ts', 'json', 'table'],
  replay: ['errors.ts', 'mutation', 'record', 'table', 'json'],
  store: ['errors.ts', 'mutation', 'json', 'record', 'replay'],
  observe: ['index.ts'],
  define: [
    'errors.ts',
    'store',
    'mutation',
    'json',
    'record',
    'replay',
    'table',
    'journals',
    'observe',
    'journals/url',
    'lazy:journals/url',
    'lazy:journals/file',
    'lazy:proof/check',
    'lazy:proof/verify',
  ],
  'index.ts': ['errors.ts', 'mutation', 'json', 'record', 'replay', 'journals', 'define'],
  journals: ['errors.ts'],
  'journals/file/format': ['index.ts'],
  'journals/file/disk': ['errors.ts'],
  'journals/file/compaction': [
    'index.ts',
    'journals/file/format',
    'journals/file/disk',
    'snapshot',
  ],
  'journals/file': [
    'index.ts',
    'journals/file/format',
    'journals/file/disk',
    'journals/file/compaction',
  ],
  'journals/shared': [
    'index.ts',
    'journals/file/compaction',
    'journals/file/disk',
    'journals/file/format',
  ],
  'journals/postgres': ['index.ts', 'journals/shared'],
  'journals/nats': ['index.ts', 'journals/shared'],
  'journals/sqlite': ['index.ts', 'journals/shared'],
  // The engines by their names as parts of the package, so that no bundler follows.
  'journals/url': [
    'index.ts',
    'lazy:journals/postgres',
    'lazy:journals/nats',
    'lazy:journals/sqlite',
  ],
  'proof/check': ['index.ts', 'diff', 'table'],
  'proof/report': [],
  'proof/schema': ['index.ts'],
  'proof/verify': ['index.ts', 'json', 'observe'],
  testing: ['index.ts', 'diff', 'proof/report'],
  vitest: ['index.ts', 'testing'],
  inspect: ['index.ts', 'diff', 'table', 'journals/file', 'cli/sources', 'cli/terminal'],
  'cli/terminal': ['journals/file/format'],
  'cli/sources': [
    'index.ts',
    'cli/terminal',
    'journals/file',
    'journals/file/format',
    'journals/url',
    'proof/schema',
  ],
  'cli/import-rust': ['index.ts', 'cli/sources', 'cli/terminal', 'journals/file'],
  'cli/commands': [
    'index.ts',
    'cli',
    'cli/import-rust',
    'cli/sources',
    'cli/terminal',
    'diff',
    'inspect',
    'journals/file',
    'journals/file/compaction',
    'journals/file/disk',
    'journals/file/format',
    'journals/url',
    'proof/check',
    'proof/report',
    'proof/schema',
    'table',
  ],
  cli: ['cli/terminal', 'lazy:cli/commands'],
}

/** One dependency, one home. */
const HOME: Record<string, readonly string[]> = {
  immer: ['mutation/'],
  zod: ['mutation/', 'define/', 'proof/check/', 'proof/schema/', 'testing/', 'cli/'],
  'fast-json-stable-stringify': ['json/'],
  diff: ['diff/'],
  leven: ['define/', 'journals/shared/', 'cli/'],
  'fs-native-extensions': ['journals/file/disk/'],
  commander: ['cli/', 'inspect/'],
  jiti: ['cli/'],
  tinyglobby: ['cli/'],
  picocolors: ['cli/', 'proof/report/'],
  vitest: ['vitest/'],
  pg: ['journals/postgres/'],
  '@nats-io/transport-node': ['journals/nats/'],
  'node:worker_threads': ['journals/file/disk/', 'proof/verify/'],
  'node:fs': ['journals/file/disk/', 'journals/sqlite/', 'cli/'],
  'node:fs/promises': ['journals/file/disk/', 'journals/url/', 'proof/check/', 'cli/'],
  'node:child_process': ['journals/file/disk/', 'cli/'],
  'node:console': ['cli/'],
  'node:timers/promises': [
    'journals/file/disk/',
    'journals/shared/',
    'journals/postgres/',
    'journals/nats/',
    'journals/sqlite/',
    'cli/',
  ],
  'node:net': ['journals/nats/'],
  'node:os': ['journals/file/disk/', 'cli/'],
  'node:path': [
    'journals/file/disk/',
    'journals/file/',
    'journals/shared/',
    'journals/sqlite/',
    'snapshot/',
    'proof/report/',
    'cli/',
  ],
  'node:url': ['journals/file/disk/', 'journals/sqlite/', 'proof/report/', 'vitest/', 'cli/'],
  'node:util': ['journals/file/disk/', 'journals/nats/', 'cli/'],
  'node:inspector': ['proof/schema/'],
  'node:crypto': [
    'journals/file/disk/',
    'journals/file/',
    'snapshot/',
    'journals/shared/',
    'journals/postgres/',
    'journals/sqlite/',
    'journals/nats/',
    'proof/report/',
    'proof/schema/',
  ],
  'node:buffer': ['journals/file/format/', 'snapshot/'],
  'node:zlib': ['journals/file/format/'],
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

/** The longest name in MAY_IMPORT that leads to the file. */
function roomOf(file: string): string {
  const names = Object.keys(MAY_IMPORT).filter(
    (name) => file === name || file.startsWith(`${name}/`),
  )
  return names.toSorted((a, b) => b.length - a.length)[0] ?? file
}

const imports = files.flatMap(importsOf)
const target = ({ from, to }: Import) => relative(src, join(src, dirname(from), to))

describe('the import rules', () => {
  test('every room imports only what it may', () => {
    const broken = imports
      .filter(({ to }) => to.startsWith('.'))
      .filter((edge) => {
        const [from, to] = [roomOf(edge.from), roomOf(target(edge))]
        const allowed = MAY_IMPORT[from] ?? []
        return from !== to && !allowed.includes(edge.isLazy ? `lazy:${to}` : to)
      })
    expect(broken).toEqual([])
  })

  test('every file in src/ is in a room, and every room has files', () => {
    expect([...new Set(files.map(roomOf))].sort()).toEqual(Object.keys(MAY_IMPORT).sort())
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
    // What reducers may not use is named in proof/check/trap-later.ts; who waits for a network, or for another writer's claim,
    // has to stop some time.
    const mayWait =
      /^(cli|journals\/(shared|postgres|nats|sqlite))\/|^proof\/check\/trap-later\.ts$|^journals\/file\/disk\/claim\.ts$/
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
    const core = files.filter((file) => file.startsWith('store/'))
    expect(core).toContain('store/store.ts')
    expect(codeLines(core)).toBeLessThan(300)
  })

  test('the file journal itself stays below 300 lines of code', () => {
    const own = files.filter((file) => /^journals\/file\/[\w-]+\.ts$/.test(file))
    expect(own).toContain('journals/file/journal.ts')
    expect(codeLines(own)).toBeLessThan(300)
  })

  test('types.ts has types only', () => {
    expect(importsOf('types.ts')).toEqual([])
    expect(read('types.ts')).not.toMatch(/^\s*(export )?(const|let|function|class|enum) /m)
  })
})
