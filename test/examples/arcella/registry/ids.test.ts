import { describe, expect, test } from 'vitest'
import { deploymentId, moduleId, moduleIdInput } from '../../../../examples/arcella/registry/ids.ts'
import { describeIssues } from '../../../../examples/arcella/registry/refusals.ts'
import { hostileNames } from './given.ts'

const message = (value: unknown): string => {
  const { error } = moduleIdInput.safeParse(value)
  return error ? describeIssues(error.issues) : 'fine'
}

describe('A12: a module id', () => {
  test('is accepted in both forms, and always is an object', () => {
    const logger = { name: 'http-logger', version: '0.1.0' }
    expect(moduleIdInput.parse('http-logger@0.1.0')).toEqual(logger)
    expect(moduleIdInput.parse(logger)).toEqual(logger)
    expect(moduleId.safeParse('http-logger@0.1.0').success).toBe(false)
  })

  test.each([
    ['logger', 'Invalid module ID format: logger'],
    ['', 'Invalid module ID format: '],
    [17, 'Invalid module ID format: 17'],
    [null, 'Invalid module ID format: null'],
    [['a', '1.0.0'], 'Invalid module ID format: ["a","1.0.0"]'],
    ['@1.0.0', 'Invalid module ID name: '],
    ['a b@1.0.0', 'Invalid module ID name: a b'],
    ['ü@1.0.0', 'Invalid module ID name: ü'],
    ['../x@1.0.0', 'Invalid module ID name: ../x'],
    ['a\n@1.0.0', 'Invalid module ID name: a\n'],
    [`${'x'.repeat(129)}@1.0.0`, `Invalid module ID name: ${'x'.repeat(129)}`],
    ['a@', 'Invalid module ID version: '],
    ['a@1.0', 'Invalid module ID version: 1.0'],
    ['a@1.0.0.0', 'Invalid module ID version: 1.0.0.0'],
    ['a@01.0.0', 'Invalid module ID version: 01.0.0'],
    ['a@1.0.00', 'Invalid module ID version: 1.0.00'],
    ['a@1.0.0-rc1', 'Invalid module ID version: 1.0.0-rc1'],
    ['a@1.0.0+b', 'Invalid module ID version: 1.0.0+b'],
    ['a@v1.0.0', 'Invalid module ID version: v1.0.0'],
    ['a@1.0.0\n', 'Invalid module ID version: 1.0.0\n'],
    ['a@1@0.0', 'Invalid module ID version: 1@0.0'],
    [`a@${'1'.repeat(11)}.0.0`, `Invalid module ID version: ${'1'.repeat(11)}.0.0`],
  ])('%j is refused: %s', (value, said) => {
    expect(message(value)).toBe(said)
  })

  test('has nothing else in it', () => {
    expect(message({ name: 'a', version: '1.0.0', more: 1 })).toContain('more')
    expect(message({ name: 'a' })).toContain('Invalid module ID version')
  })

  test.each([...hostileNames, 'x'.repeat(128), '-a-', '_'])('takes the name %s', (name) => {
    expect(moduleIdInput.parse(`${name}@0.0.0`)).toEqual({ name, version: '0.0.0' })
  })
})

describe('A12: a deployment id', () => {
  test.each([...hostileNames, 'a', 'a-b', 'x'.repeat(128)])('may be %s', (id) => {
    expect(deploymentId.parse(id)).toBe(id)
  })

  test.each(['', '-a', 'a-', '-', 'a.b', 'a/b', 'a b', 'ü', 'a\n', 'x'.repeat(129)])(
    'is not %j',
    (id) => {
      const { error } = deploymentId.safeParse(id)
      expect(error && describeIssues(error.issues)).toBe(`Invalid deployment ID: ${id}`)
    },
  )
})
