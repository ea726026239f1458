import { expect, test } from 'vitest'
import { keyPositions } from '../../../../examples/arcella/toml/positions.ts'

const TEXT = `# comment = 1
list = ["a", # key = 1
  'b]',
key = 1
"]
[table]
'quoted.key' = """
[not.a.table] \\"""
"""
a.b = { c = 1, "}" = [
  2 ] }
[[array]]
x = 1
[[array]]
[array.sub]
"\\u0079" = '''
z = 1'''
`.replace('key = 1\n"]', '"key = 1",\n]')

test('each key is found where it stands, whatever strings, comments and brackets are around it', () => {
  const found = [...keyPositions(TEXT)].map(([path, { line, column }]) => [
    ...[JSON.parse(path).join(' '), line, column],
  ])
  expect(found).toEqual([
    ['list', 2, 1],
    ['table', 6, 1],
    ['table quoted.key', 7, 1],
    ['table a', 10, 1],
    ['table a b', 10, 1],
    ['array', 12, 1],
    ['array 0', 12, 1],
    ['array 0 x', 13, 1],
    ['array 1', 14, 1],
    ['array 1 sub', 15, 1],
    ['array 1 sub y', 16, 1],
  ])
})
