import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript-6'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const src = join(root, 'src')

/**
 * The floors of the house, from the ground up, each with its rooms: folders of src/, and files directly in it. A room
 * imports only rooms that stand before it in this list, so that no circle can be. Types are free.
 */
const FLOORS: readonly (readonly [floor: string, rooms: readonly string[]])[] = [
  ['values', ['errors.ts', 'port', 'table', 'json']],
  ['one mutation', ['diff', 'mutation', 'secrets']],
  ['one record, one state', ['record', 'snapshot']],
  ['a history', ['replay']],
  ['an open store', ['store', 'observe']],
  [
    'where records go',
    [
      'journals',
      'journals/chain',
      'journals/file/format',
      'journals/file/disk',
      'journals/file/compaction',
      'journals/file',
      'journals/shared',
      'journals/url',
    ],
  ],
  ['the front door', ['define', 'index.ts']],
  [
    'code against journals',
    ['proof', 'proof/check', 'proof/schema', 'proof/report', 'proof/seals', 'proof/verify'],
  ],
  [
    'tools',
    ['testing', 'cli/terminal', 'cli/sources', 'inspect', 'cli/import-rust', 'cli/commands', 'cli'],
  ],
  ['strangers', ['journals/postgres', 'journals/nats', 'journals/sqlite', 'otel', 'vitest']],
]
const ROOMS = FLOORS.flatMap(([, rooms]) => rooms)
const STRANGERS = FLOORS.at(-1)?.[1] ?? []

/** What is loaded only when it is asked for, from further up: a definition that is checked, a store that is verified. */
const LAZY = ['define → proof/check', 'define → proof/verify']

const TYPES = `AppendEvent CompactionEvent DispatchEvent FollowEvent Health Observer ReconnectEvent ReplayEvent SnapshotEvent StopEvent StoreEvent BoundMetadata DefaultMetadata MetadataInput MetadataOutput MetadataTypes GuardMeta Metadata WellKnownMetadata Replica Accepted AcceptedSources AnyRejection AnyStoreDefinition AppendResult Awaitable CheckOptions
  CommandPart CompactOptions CompactReceipt Conflict DefinitionOf DispatchOptions Entry
  ExecuteOptions Executed FileOpenOptions Finding TornTail Immutable ImmutableObject ImpureSource
  Invalid Journal JournalInfo JournalRecord JournalSource Json KeptKey Meta Mutation
  MutationConfig MutationInput MutationName MutationPart NewEntry Nothing NothingIn OpenOptions
  Outcome Problem Receipt RecordOf RecordsOptions Recovery RejectionJson RejectionOf ReplayReport
  Replayed Snapshot SnapshotReceipt Snapshots State Store StoreDefinition StoreErrorCode
  StoreErrorJson StoreErrorOptions StoreOf SubscribeOptions Tx UnionParts UnionReducers
  SqlTransaction UnusedSnapshot Upcaster VerifyOptions VerifyReport Within WithinRecord`

/** One dependency, one home. */
const HOME: Record<string, readonly string[]> = {
  immer: ['mutation/'],
  zod: ['mutation/', 'secrets/', 'define/', 'proof/check/', 'proof/schema/', 'testing/', 'cli/'],
  'fast-json-stable-stringify': ['json/'],
  '@noble/hashes/sha2.js': ['json/'],
  '@noble/hashes/utils.js': ['json/'],
  diff: ['diff/'],
  leven: ['define/', 'journals/shared/', 'cli/'],
  'fs-native-extensions': ['journals/file/disk/'],
  commander: ['cli/', 'inspect/'],
  jiti: ['cli/'],
  tinyglobby: ['cli/'],
  picocolors: ['cli/', 'proof/report/'],
  vitest: ['vitest/'],
  '@opentelemetry/api': ['otel/'],
  pg: ['journals/postgres/'],
  '@nats-io/transport-node': ['journals/nats/'],
  'node:worker_threads': ['journals/file/disk/', 'proof/verify/'],
  'node:fs': ['journals/file/disk/', 'journals/sqlite/', 'cli/'],
  'node:fs/promises': ['secrets/', 'journals/file/disk/', 'journals/url/', 'proof/check/', 'cli/'],
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
    'secrets/',
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
    'secrets/',
    'journals/chain/',
    'journals/file/disk/',
    'journals/file/',
    'snapshot/',
    'journals/shared/',
    'journals/postgres/',
    'journals/sqlite/',
    'journals/nats/',
    'proof/report/',
    'proof/schema/',
    'proof/seals/',
    'cli/',
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
    /^(?:import|export)\s+(?!type\b)([^'"`]*?)from\s+'([^']+)'|(?<!typeof )\bimport\('([^']+)'\)/gm,
  )
  return [...found].flatMap(([, names = '', eager, lazy]) => {
    const isTypesOnly = /^\{(\s*type [^,}]+,?)+\s*\}\s*$/.test(names)
    const to = eager ?? lazy
    return to === undefined || isTypesOnly ? [] : [{ from: file, to, isLazy: lazy !== undefined }]
  })
}

/** The innermost room that the file is in. */
function roomOf(file: string): string {
  const rooms = ROOMS.filter((room) => file === room || file.startsWith(`${room}/`))
  return rooms.toSorted((one, other) => other.length - one.length)[0] ?? file
}

const shown = (room: string) => (room.endsWith('.ts') ? `\`${room}\`` : `\`${room}/\``)

const hasFiles = (room: string) => files.some((file) => roomOf(file) === room)

const imports = files.flatMap(importsOf)
const target = ({ from, to }: Import) => relative(src, join(src, dirname(from), to))

describe('the import rules', () => {
  const arrows = imports
    .filter(({ to }) => to.startsWith('.'))
    .map((edge) => ({ ...edge, rooms: [roomOf(edge.from), roomOf(target(edge))] as const }))
    .filter(({ rooms: [from, to] }) => from !== to)

  test('every file is in a room, and every room has files', () => {
    expect([...new Set(files.map(roomOf))].toSorted()).toEqual(ROOMS.filter(hasFiles).toSorted())
    expect(ROOMS.filter((room) => !hasFiles(room))).toEqual([])
  })

  test('every arrow points down', () => {
    const up = arrows.filter(({ rooms: [from, to], isLazy }) => {
      const isKnown = isLazy && LAZY.includes(`${from} → ${to}`)
      return ROOMS.indexOf(to) > ROOMS.indexOf(from) && !isKnown
    })
    expect(up).toEqual([])
  })

  test('only what a stranger could write comes through the front door', () => {
    const through = arrows.filter(({ rooms: [, to] }) => to === 'index.ts')
    expect(through.length).toBeGreaterThan(3)
    expect(through.filter(({ rooms: [from] }) => !STRANGERS.includes(from))).toEqual([])
  })

  test('no import leads back to its own file', () => {
    const next = new Map(files.map((file) => [file, [] as string[]]))
    for (const edge of imports) if (edge.to.startsWith('.')) next.get(edge.from)?.push(target(edge))
    const done = new Set<string>()
    const circles: string[][] = []
    const visit = (file: string, path: readonly string[]) => {
      if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file])
      if (path.includes(file) || done.has(file)) return
      for (const to of next.get(file) ?? []) visit(to, [...path, file])
      done.add(file)
    }
    for (const file of files) visit(file, [])
    expect(circles).toEqual([])
  })

  test('ARCHITECTURE.md draws the floors: UPDATE=1 npx vitest run test/architecture.test.ts', () => {
    const rows = FLOORS.flatMap(([floor, rooms]) =>
      rooms.map((room, index) => {
        const lower = new Set(arrows.flatMap(({ rooms: [from, to] }) => (from === room ? to : [])))
        const list = ROOMS.filter((each) => lower.has(each)).map(shown)
        return `| ${index === 0 ? floor : ''} | ${shown(room)} | ${list.join(', ')} |`
      }),
    )
    const table = ['| floor | room | imports |', '|---|---|---|', ...rows].join('\n')
    const path = join(root, 'docs/ARCHITECTURE.md')
    const text = readFileSync(path, 'utf8')
    const drawn = /(?<=<!-- floors -->\n\n)[\s\S]*?(?=\n\n<!-- floors end -->)/
    if (process.env['UPDATE'] === '1')
      writeFileSync(
        path,
        text.replace(drawn, () => table),
      )
    else expect(drawn.exec(text)?.[0]).toBe(table)
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

  test('ports are types only', () => {
    const ports = files.filter((file) => file.startsWith('port/'))
    expect(ports.length).toBeGreaterThan(2)
    for (const file of ports) {
      expect(importsOf(file)).toEqual([])
      expect(read(file)).not.toMatch(/^\s*(export )?(const|let|function|class|enum) /m)
    }
  })
})

/** Whose length has a reason: a store, a disk and a set of metrics are each one literal; an engine keeps statements and answers together. */
const LONG_FUNCTIONS = [
  'define/handle.ts surface',
  'otel/metrics.ts metricsOf',
  'testing/simulated-disk.ts mount',
]
const LONG_FILES = ['journals/postgres/engine.ts', 'journals/sqlite/engine.ts']
/** Immer's published text. */
const NOT_OURS = 'mutation/immer.ts'

describe('what is read at once', () => {
  test('a file has at most 400 lines', () => {
    const long = files.filter(
      (file) => file !== NOT_OURS && read(file).trimEnd().split('\n').length > 400,
    )
    expect(long.filter((file) => !LONG_FILES.includes(file))).toEqual([])
  })

  test('a function has at most 70 lines', () => {
    const long: string[] = []
    for (const file of files.filter((each) => each !== NOT_OURS)) {
      const source = ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest, true)
      const lineOf = (position: number) => source.getLineAndCharacterOfPosition(position).line
      const visit = (node: ts.Node): void => {
        const lines = lineOf(node.end) - lineOf(node.getStart()) + 1
        if (ts.isFunctionLike(node) && lines > 70)
          long.push(`${file} ${node.name?.getText() ?? ''}`)
        ts.forEachChild(node, visit)
      }
      visit(source)
    }
    expect(long.filter((each) => !LONG_FUNCTIONS.includes(each))).toEqual([])
  })
})

describe('the public surface', () => {
  test('is these values: eight, and the maker of an upcaster', async () => {
    expect(Object.keys(await import('../src/index.ts')).toSorted()).toEqual([
      'Rejection',
      'StoreError',
      'commandsFor',
      'defineStore',
      'memoryJournal',
      'mutationsFor',
      'mutationsFromUnion',
      'reject',
      'upcaster',
    ])
  })

  test('is these types', () => {
    const types = read('index.ts').matchAll(/^(?:export (type)|export) \{([^}]*)\}/gm)
    const names = [...types].flatMap(([, isTypes, names = '']) =>
      names.split(',').flatMap((name) => {
        const [, isType, plain] = /^\s*(type )?(\w+)\s*$/.exec(name) ?? []
        return plain !== undefined && (isTypes || isType) ? [plain] : []
      }),
    )
    expect(names.toSorted()).toEqual(TYPES.split(/\s+/).toSorted())
  })
})
