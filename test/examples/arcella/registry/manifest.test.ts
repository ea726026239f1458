import { describe, expect, test } from 'vitest'
import {
  componentManifest,
  MAX_CAPABILITIES,
  MAX_INTERFACES,
  manifestInput,
} from '../../../../examples/arcella/registry/manifest.ts'
import { describeIssues } from '../../../../examples/arcella/registry/refusals.ts'
import { id, nothing } from './given.ts'

const message = (value: unknown): string => {
  const { error } = manifestInput.safeParse(value)
  return error ? describeIssues(error.issues) : 'fine'
}
const withCapabilities = (capabilities: unknown) => message({ id, capabilities })

describe('a manifest', () => {
  const empty = { id, exports: {}, imports: {}, capabilities: nothing }

  test.each([
    ['a string', 'logger@1.2.3'],
    ['id as a string', { id: 'logger@1.2.3' }],
    ['id as an object', { id }],
    ['name and version beside the rest', { ...id }],
  ])('may be given as %s; what is not declared is not granted', (_, value) => {
    expect(manifestInput.parse(value)).toEqual(empty)
  })

  test('as it is kept, is accepted unchanged', () => {
    const kept = manifestInput.parse({ id, imports: ['wasi:cli/stdio@0.2.0'], description: 'x' })
    expect(componentManifest.parse(kept)).toEqual(kept)
    expect(manifestInput.parse(kept)).toEqual(kept)
  })

  test('lists interfaces as an array of names, or as a map to item specs', () => {
    const names = ['logger:log@1.0', 'my:custom', 'wasi:cli/stdio']
    const unknown = { kind: 'unknown' }
    expect(manifestInput.parse({ id, exports: names }).exports).toEqual(
      Object.fromEntries(names.map((name) => [name, unknown])),
    )
    const specs = { 'my:add': { kind: 'func', params: ['s32', 's32'], results: ['s32'] } }
    expect(manifestInput.parse({ id, imports: specs }).imports).toEqual(specs)
  })

  test.each([
    'log',
    'a:',
    ':b',
    'a::b',
    'a:b@',
    'a:b c',
    'a/b:c',
    '__proto__',
    'constructor',
    'ü:x',
  ])('A12: has no interface called %j', (name) => {
    expect(message({ id, exports: [name] })).toContain(`Invalid export interface format: ${name}`)
    expect(message({ id, imports: [name] })).toContain(`Invalid import interface format: ${name}`)
  })

  test.each([
    [{ wasi: ['cli'] }, 'capabilities.wasi.0: Invalid WASI interface: cli'],
    [{ filesystem: ['data'] }, 'Invalid path: data must be absolute, without "." and ".."'],
    [{ filesystem: ['/a/../etc'] }, 'Invalid path: /a/../etc must be absolute'],
    [{ filesystem: ['/./a'] }, 'Invalid path: /./a must be absolute'],
    [{ filesystem: ['/'] }, 'Invalid path: / must be absolute'],
    [{ filesystem: ['/a\0'] }, 'Invalid path'],
    [{ environment: ['A=B'] }, 'Invalid variable name: A=B'],
    [{ environment: ['1'] }, 'Invalid variable name: 1'],
    [{ resources: { memory_max: 0 } }, 'capabilities.resources.memory_max'],
    [{ security: { requires_tee: 'yes' } }, 'capabilities.security.requires_tee'],
    [{ more: [] }, 'more'],
  ])('A12: %j is refused: %s', (capabilities, said) => {
    expect(withCapabilities(capabilities)).toContain(said)
  })

  test('takes paths whose names begin with dots', () => {
    expect(withCapabilities({ filesystem: ['/.cache/..x', '/a b/…'] })).toBe('fine')
  })

  test('is of a limited size in every direction', () => {
    const many = (count: number, name = (n: number) => `a:b${n}`) =>
      Array.from({ length: count }, (_, n) => name(n))
    const variables = (count: number) => many(count, (n) => `V${n}`)
    expect(message({ id, exports: many(MAX_INTERFACES) })).toBe('fine')
    expect(message({ id, exports: many(MAX_INTERFACES + 1) })).toContain('more than 256 exports')
    expect(withCapabilities({ environment: variables(MAX_CAPABILITIES) })).toBe('fine')
    expect(withCapabilities({ environment: variables(MAX_CAPABILITIES + 1) })).toContain('Too big')
    expect(withCapabilities({ network: ['x'.repeat(257)] })).toContain('Too big')
    expect(message({ id, description: 'x'.repeat(1025) })).toContain('description: Too big')
    expect(message({ id, exports: [`a:${'b'.repeat(255)}`] })).toContain('Invalid export')
  })
})
