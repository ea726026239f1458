// A21: defaults < arcella.toml < includes.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loadConfig, MAX_DEPTH } from '../../../../examples/arcella/config/load.ts'
import { DEFAULTS } from '../../../../examples/arcella/config/schema.ts'

let base: string
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'arcella-config-'))
})
afterEach(() => rmSync(base, { recursive: true }))

const path = (name: string) => join(base, name)
function write(name: string, text: string): string {
  mkdirSync(dirname(path(name)), { recursive: true })
  writeFileSync(path(name), text)
  return path(name)
}
const load = () => loadConfig(path('arcella.toml'))
function problem(): string {
  try {
    load()
    return 'fine'
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

describe('A21: layers', () => {
  test('are the defaults alone where there is no file', () => {
    expect(load()).toEqual({ config: DEFAULTS, files: [], warnings: [] })
  })

  test('override key by key: arcella.toml the defaults, includes arcella.toml, a later one an earlier one', () => {
    write(
      'arcella.toml',
      'includes = ["conf.d/*.toml", "last.toml"]\n[runtime]\nmax_restarts = 1\nmemory_mb = 1\nbackoff_ms = 1\ntimeout_seconds = 1\n[environment]\nA = "main"\nB = "main"\n',
    )
    write('conf.d/20.toml', '[runtime]\nmemory_mb = 20\nbackoff_ms = 20\n')
    write('conf.d/10.toml', '[runtime]\nmemory_mb = 10\ntimeout_seconds = 10\n')
    write('conf.d/30.txt', 'not TOML at all')
    write('last.toml', '[runtime]\nbackoff_ms = 30\n[environment]\nB = "last"\n')
    const { config, files, warnings } = load()
    expect(config).toEqual({
      ...DEFAULTS,
      environment: { A: 'main', B: 'last' },
      runtime: {
        ...DEFAULTS.runtime,
        ...{ max_restarts: 1, memory_mb: 20, backoff_ms: 30, timeout_seconds: 10 },
      },
    })
    const order = ['arcella.toml', 'conf.d/10.toml', 'conf.d/20.toml', 'last.toml']
    expect(files).toEqual(order.map(path))
    expect(warnings).toEqual([])
  })

  test('name paths as their own file sees them', () => {
    write('arcella.toml', 'includes = ["sub/a.toml"]\n[filesystem]\n"/x" = "x"\n')
    write('sub/a.toml', '[filesystem]\n"/y" = "../y"\n[publish]\nwalmq_dir = "queue"\n')
    const { config } = load()
    expect(config.filesystem).toEqual({ '/x': path('x'), '/y': path('y') })
    expect(config.publish.walmq_dir).toBe(path('sub/queue'))
  })

  test('go five deep, and no deeper', () => {
    write('arcella.toml', 'includes = ["1.toml"]\n')
    for (let depth = 1; depth < MAX_DEPTH; depth += 1)
      write(`${depth}.toml`, `includes = ["${depth + 1}.toml"]\n`)
    write('5.toml', '[runtime]\nmax_restarts = 55\n')
    expect(load().config.runtime.max_restarts).toBe(55)
    write('5.toml', '\nincludes = ["6.toml"]\n')
    write('6.toml', '')
    expect(problem()).toBe(`${path('5.toml')}:2:1: includes are deeper than 5`)
  })

  test.each(['arcella.toml', '*.toml', 'b.toml', 'link.toml'])(
    'pass over a cycle by %s with a warning',
    (pattern) => {
      write('arcella.toml', `includes = ["${pattern}"]\n[runtime]\nmax_restarts = 7\n`)
      write('b.toml', 'includes = ["arcella.toml"]\n')
      symlinkSync(path('arcella.toml'), path('link.toml'))
      const { config, warnings } = load()
      expect(config.runtime.max_restarts).toBe(7)
      expect(warnings.length).toBeGreaterThan(0)
      for (const warning of warnings) expect(warning).toMatch(/\.toml:1:1: .* includes itself/)
    },
  )

  test('may be included twice, and not without end', () => {
    const both = 'includes = ["a.toml", "a.toml"]\n'
    write('arcella.toml', both)
    write('a.toml', '')
    expect(load().files).toHaveLength(3)
    write('arcella.toml', `includes = [${'"1.toml", '.repeat(10)}]\n`)
    for (const depth of [1, 2, 3])
      write(`${depth}.toml`, `includes = [${`"${depth + 1}.toml", `.repeat(10)}]\n`)
    write('4.toml', '')
    expect(problem()).toContain('more than 256 files are included')
  })

  test('warn of a pattern that fits nothing, and refuse a name that is not there', () => {
    write('arcella.toml', '[log]\nlevel = "debug"\n')
    write('arcella.toml', 'includes = ["conf.d/*.toml"]\n')
    expect(load().warnings).toEqual([`${path('arcella.toml')}:1:1: no file fits conf.d/*.toml`])
    write('arcella.toml', '# here\nincludes = ["none.toml"]\n')
    expect(problem()).toBe(`${path('arcella.toml')}:2:1: none.toml is not there`)
  })
})

describe('A21: what is wrong is told with file, line and column', () => {
  test.each([
    ['[log\n', '1:5: Invalid TOML document'],
    ['a = 1\na = 2\n', '2:1: Invalid TOML document'],
    ['\n\n  colour = 1\n', '3:3: Unrecognized key: "colour"'],
    ['[log]\nlevel = "loud"\n', '2:1: log.level: Invalid option'],
    ['[runtime]\n# x\n  memory_mb = 0\n', '3:3: runtime.memory_mb: Too small'],
    ['runtime.memory_mb = "1"\n', '1:1: runtime.memory_mb: Invalid input'],
    ['log = { level = 1 }\n', '1:1: log.level'],
    ['[environment]\n"A=B" = "x"\n', '2:1: environment.A=B: no name of a variable'],
    ['[environment]\nx = """\n[log]\n"""\n__proto__ = "y"\n', '5:1: no key is called __proto__'],
    ['[log]\nlevel = 2026-11-22\n', '2:1: dates are not used here'],
    ['[runtime]\ntimeout_seconds = inf\n', '2:1: Infinity is not used here'],
    ['includes = "a.toml"\n', '1:1: includes: Invalid input'],
  ])('%j: %s', (text, said) => {
    const file = write('arcella.toml', text)
    expect(problem().slice(0, file.length + 1 + said.length)).toBe(`${file}:${said}`)
  })

  test('also in an included file', () => {
    write('arcella.toml', 'includes = ["conf.d/a.toml"]\n')
    const file = write('conf.d/a.toml', '\n[log]\nlevel = 1\n')
    expect(problem()).toContain(`${file}:3:1: log.level`)
  })

  test('and a file that is too large, or is not UTF-8, by its name', () => {
    const file = write('arcella.toml', '#'.repeat(65_537))
    expect(problem()).toBe(`${file} has more than 65536 bytes`)
    writeFileSync(file, Buffer.of(35, 255))
    expect(problem()).toBe(`${file} is not UTF-8`)
  })
})
