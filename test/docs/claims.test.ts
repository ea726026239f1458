import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { MAX_LINE_BYTES } from '../../src/journals/file/format/line.ts'
import { jsonIssue } from '../../src/json/index.ts'
import { documentAt, documents, root } from './markdown.ts'

const readme = documentAt('README.md').text
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  name: string
  version: string
  engines: { node: string }
  scripts: Record<string, string>
  dependencies: Record<string, string>
  peerDependencies: Record<string, string>
  peerDependenciesMeta: Record<string, { optional: boolean }>
}
/** Those that everybody needs. */
const peers = Object.keys(manifest.peerDependencies).filter(
  (name) => !manifest.peerDependenciesMeta[name]?.optional,
)
const NUMBERS = 'no one two three four five six seven eight nine ten'.split(' ')

/** The groups of `pattern` in a document's text. Fails if the document does not match it. */
function claim(path: string, pattern: RegExp): string[] {
  const found = pattern.exec(documentAt(path).text.replace(/\s+/g, ' '))
  expect(found, `${path} has no text that matches ${pattern}`).not.toBeNull()
  return found?.slice(1) ?? []
}

/** Blank lines and comments do not count. */
function codeLines(folder: string): number {
  const names = readdirSync(join(root, folder)).filter((name) => name.endsWith('.ts'))
  expect(names.length).toBeGreaterThan(0)
  return names
    .flatMap((name) => readFileSync(join(root, folder, name), 'utf8').split('\n'))
    .filter((line) => !/^\s*($|\/\/|\/\*|\*)/.test(line)).length
}

const ARCHITECTURE = 'docs/ARCHITECTURE.md'

describe('what the documents claim about sizes', () => {
  test('the core is below the lines of code it names', () => {
    const [most] = claim(ARCHITECTURE, /The core, `src\/store\/`, is below (\d+) lines of code/)
    expect(codeLines('src/store')).toBeLessThan(Number(most))
    claim(
      ARCHITECTURE,
      /So is the journal in a file, the files directly in `src\/journals\/file\/`/,
    )
    expect(codeLines('src/journals/file')).toBeLessThan(Number(most))
  })

  test('it names every run-time dependency, and how many there are', () => {
    const [count = '', names = ''] = claim(
      ARCHITECTURE,
      /- (\w+) run-time dependencies: (.*?)\. `zod` is a peer/,
    )
    const named = [...names.matchAll(/`([\w@/-]+)`/g)].map(([, name]) => name)
    expect(named.toSorted()).toEqual(Object.keys(manifest.dependencies).toSorted())
    expect(NUMBERS.indexOf(count.toLowerCase())).toBe(named.length)
    expect(peers).toEqual(['zod'])
  })

  test('a line of a journal and the depth of a payload have the limits it names', () => {
    const [mebibytes, depth] = claim(
      'README.md',
      /line of a journal has at most (\d+) MiB\. A payload nests at most (\d+) levels/,
    )
    expect(MAX_LINE_BYTES).toBe(Number(mebibytes) * 2 ** 20)
    const nested = (levels: number): unknown => (levels === 0 ? 0 : [nested(levels - 1)])
    expect(jsonIssue(nested(Number(depth)))).toBeUndefined()
    expect(jsonIssue(nested(Number(depth) + 1))).toBeDefined()
  })
})

describe('what the documents say about this package', () => {
  test('the README installs it by its name, with its peers, on the Node that it needs', () => {
    expect(readme).toContain(`npm install ${[manifest.name, ...peers].join(' ')}\n`)
    expect(readme).toContain(`Node \`${manifest.engines.node}\``)
  })

  test('the README has the two commands that do all the set-up, each to be copied as it stands', () => {
    expect(readme).toMatch(/^npm ci && npm run quickstart$/m)
    expect(readme).toMatch(/^npm ci && npm test$/m)
  })

  test('the words of the field lead to the README', () => {
    for (const word of [
      'event sourcing',
      'event store',
      'read model',
      'projection',
      'command handler',
    ])
      expect(readme).toContain(word)
  })

  test('every npm script that a document names is there', () => {
    for (const { path, text } of documents) {
      for (const [, script = ''] of text.matchAll(/npm run ([\w:-]+)/g)) {
        expect(Object.keys(manifest.scripts), path).toContain(script)
      }
    }
  })

  test('every file that a document names in src/ or test/ is there', () => {
    const files = ['src', 'test'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).flatMap((name) => [
        `${folder}/${name}`,
        `${folder}/${name}/`,
      ]),
    )
    files.push('src/', 'test/')
    for (const { path, prose } of documents) {
      for (const [, name = ''] of prose.join('\n').matchAll(/`((?:src|test)\/[\w./-]*)`/g)) {
        expect(files, path).toContain(name)
      }
    }
  })

  test('the code map tells of every folder and of every file of the core', () => {
    const { prose } = documentAt('docs/ARCHITECTURE.md')
    const told = prose.flatMap((line) => {
      const [, names = ''] = /^\*\*(`.*?`)\*\*:/.exec(line) ?? []
      return [...names.matchAll(/`([^`]+)`/g)].map(([, name]) => name)
    })
    const there = readdirSync(join(root, 'src'), { withFileTypes: true }).map((entry) =>
      entry.isDirectory() ? `${entry.name}/` : entry.name,
    )
    expect(told.toSorted()).toEqual(there.toSorted())
  })

  test('the changelog begins with the version of the package', () => {
    const [, version] = /^## \[([^\]]+)\]/m.exec(documentAt('CHANGELOG.md').text) ?? []
    expect(version).toBe(manifest.version)
  })
})
