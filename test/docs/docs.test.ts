import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { formatWithOptions } from 'node:util'
import { defineStore } from 'ministore-ts'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import {
  anchorOf,
  documentAt,
  documents,
  headingsOf,
  linksOf,
  type Program,
  programsOf,
  root,
} from './markdown.ts'

// Enough for the program's own line to be among them.
Error.stackTraceLimit = 50

const generated = join(root, '.docs')
const programs = documents.flatMap(programsOf)

// As a reader has it: strict, and nothing against a name that an example does not use again.
const TSCONFIG = {
  extends: '../tsconfig.json',
  compilerOptions: { noUnusedLocals: false, noUnusedParameters: false, noImplicitReturns: false },
  include: ['**/*.ts'],
}

write(
  new Map([
    [join(generated, 'tsconfig.json'), JSON.stringify(TSCONFIG)],
    ...programs.map(({ file, text }) => [file, text] as const),
  ]),
)

/** Only what changed, so that a watching test run is not woken by itself. */
function write(files: ReadonlyMap<string, string>): void {
  mkdirSync(generated, { recursive: true })
  for (const entry of readdirSync(generated, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name)
    if (entry.isFile() && !files.has(file)) rmSync(file)
  }
  for (const [file, text] of files) {
    if (existsSync(file) && readFileSync(file, 'utf8') === text) continue
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
}

describe('the programs in the documents', () => {
  test('are all accepted by the compiler', () => {
    expect(programs.length).toBeGreaterThan(5)
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [tsc, '-p', generated, '--pretty', 'false'],
      { cwd: generated, encoding: 'utf8' },
    )
    const [problems, others] = [[] as string[], [] as string[]]
    for (const line of `${stdout}\n${stderr}`.split('\n').filter((text) => text.trim() !== '')) {
      const [, document, at, what] = /^(\S+?\.md)\/\S+?\((\d+),\d+\): (.*)$/.exec(line) ?? []
      if (document === undefined) others.push(line)
      else problems.push(`${document}:${at}: ${what}`)
    }
    expect(problems).toEqual([])
    // What is wrong in src/ is for `npm run types` to say; here it says that the compiler did run.
    expect(others.filter((line) => !line.startsWith('../src/') && !line.startsWith(' '))).toEqual(
      [],
    )
  })

  let directory: string
  const printed: string[] = []
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'ministore-docs-'))
    process.chdir(directory)
    printed.length = 0
    vi.spyOn(console, 'log').mockImplementation((...values) => {
      const options = { breakLength: Number.POSITIVE_INFINITY, compact: 99, depth: 9 }
      printed.push(...formatWithOptions(options, ...values).split('\n'))
    })
  })
  afterEach(() => {
    vi.restoreAllMocks()
    process.chdir(root)
    rmSync(directory, { recursive: true })
  })

  // A server runs until it is stopped: http-service.test.ts starts it.
  for (const program of programs.filter(({ file }) => !file.endsWith('/server.ts'))) {
    const { document, line, says } = program
    test(`${document}:${line} runs, and prints what it says`, async () => {
      await run(program)
      for (const [index, { line, text }] of says.entries()) {
        const what = `${document}:${line} does not print this`
        expect(printed[index] ?? 'nothing', what).toMatch(pattern(text))
      }
      expect(printed.slice(says.length), `${document} does not tell of this`).toEqual([])
    })
  }
})

async function run({ document, line, file }: Program): Promise<void> {
  try {
    await import(file)
  } catch (error) {
    const { stack = '' } = error as Error
    const at = stack.split(`${file}:`)[1]?.split(':')[0]
    throw new Error(`${document}:${at ?? line}: ${error}`, { cause: error })
  }
}

/** `…` stands for what is different each time. */
const pattern = (text: string) => new RegExp(`^${text.trimEnd().split('…').map(quote).join('.+')}$`)

const quote = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')

describe('the documents', () => {
  test('link only to files and headings that are there', () => {
    const links = documents.flatMap(linksOf)
    expect(links.length).toBeGreaterThan(20)
    const broken = links.filter(({ path, anchor }) => {
      if (!existsSync(join(root, path))) return true
      return anchor !== undefined && !headingsOf(documentAt(path)).map(anchorOf).includes(anchor)
    })
    expect(broken).toEqual([])
  })

  test('have every section that an error message sends its reader to', () => {
    const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(join(root, 'src', name), 'utf8'))
    const named = sources.flatMap((text) => [
      ...text.matchAll(/(docs\/[\w/-]+\.md)(?:, "([^"]+)")?/g),
    ])
    expect(named.length).toBeGreaterThan(0)
    for (const [, path = '', section] of named) {
      expect(existsSync(join(root, path)), path).toBe(true)
      if (section) expect(headingsOf(documentAt(path)), path).toContain(section)
    }
  })

  test('explain every error code, and no other', () => {
    const types = readFileSync(join(root, 'src/errors.ts'), 'utf8')
    const [, union = ''] = /export type StoreErrorCode =\n((?: {2}\| .*\n)+)/.exec(types) ?? []
    const codes = [...union.matchAll(/\| '(\w+)'/g)].map(([, code]) => code)
    expect(codes).toContain('corrupt')
    const { prose } = documentAt('docs/guides/errors.md')
    const from = prose.indexOf('## Store errors')
    const explained = prose.slice(from).flatMap((line) => /^### `(\w+)`$/.exec(line)?.[1] ?? [])
    expect(explained.toSorted()).toEqual(codes.toSorted())
  })

  test('use no word that the glossary keeps out', () => {
    const rows = documentAt('docs/GLOSSARY.md').prose.filter((line) => line.startsWith('| **'))
    expect(rows.length).toBeGreaterThan(20)
    // In code style: not used at all. The others are ordinary words that only do not stand for this.
    const kept = rows.flatMap((row) => {
      const [, , , not = ''] = row.split('|')
      return [...not.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word)
    })
    expect(kept).toContain('rehydrate')
    const words = new RegExp(`\\b(?:${kept.map(quote).join('|')})`, 'i')
    // That guide translates the words of others.
    const ours = documents.filter(({ path }) => path !== 'docs/guides/if-you-know.md')
    const used = ours.flatMap(({ path, prose }) =>
      prose.flatMap((line, index) =>
        // In code style stand names, also of things that are not ours.
        words.test(line.replace(/`[^`]*`/g, '')) && !line.startsWith('| **')
          ? [`${path}:${index + 1}: ${line}`]
          : [],
      ),
    )
    expect(used, 'docs/GLOSSARY.md has another word for it').toEqual([])
  })

  test('show a journal that the code opens, byte for byte', async () => {
    const { blocks } = documentAt('docs/JOURNAL.md')
    const [shown, ...more] = blocks.filter(({ language }) => language === 'jsonl')
    expect(more).toEqual([])
    const directory = mkdtempSync(join(tmpdir(), 'ministore-docs-'))
    const path = join(directory, 'broker.jsonl')
    writeFileSync(path, `${shown?.lines.join('\n')}\n`)
    const names: string[] = []
    const broker = defineStore({
      name: 'broker',
      state: {},
      mutations: {
        addTopic: {
          payload: z.object({ name: z.string(), partitions: z.number() }),
          upcast: {
            1: z
              .object({ title: z.string() })
              .transform((v1) => ({ name: v1.title, partitions: 1 })),
          },
          apply: (_, { name }) => void names.push(name),
        },
      },
    })
    const { recovery, ...store } = await broker.open(path)
    await store.close()
    rmSync(directory, { recursive: true })
    expect(recovery).toEqual({ created: false, records: (shown?.lines.length ?? 0) - 1 })
  })
})

test.each(['walmq', 'arcella'])('%s names the four files that are about the store', (example) => {
  const { prose } = documentAt(`examples/${example}/README.md`)
  const from = prose.findIndex((line) => line.includes('Only here for the store?'))
  expect(from).toBeLessThan(10)
  const files = prose
    .slice(from)
    .flatMap((line) => /^\d\. \[(\S+)\]/.exec(line)?.[1] ?? [])
    .slice(0, 4)
  expect(files).toHaveLength(4)
  const texts = files.map((name) => readFileSync(join(root, 'examples', example, name), 'utf8'))
  expect(texts[0]).toContain('defineStore(')
})

test('no example imports from the inside of another', () => {
  const sources = readdirSync(join(root, 'examples'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({ name, text: readFileSync(join(root, 'examples', name), 'utf8') }))
  const crossing = sources.flatMap(({ name, text }) =>
    [...text.matchAll(/ from '(\.[^']+)'/g)].flatMap(([, to = '']) => {
      const target = join(dirname(name), to)
      const [from, into] = [name.split('/')[0], target.split('/')[0]]
      const isPublic = into === 'sockets' || target.endsWith('/client/index.ts')
      return from === into || isPublic ? [] : [`${name}: ${to}`]
    }),
  )
  expect(crossing).toEqual([])
})
