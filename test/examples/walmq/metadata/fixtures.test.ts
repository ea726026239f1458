// The sample journal of the metadata plane, checked as in CI: `npm run replay-check:walmq`.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { metadata } from '../../../../examples/walmq/metadata/definition.ts'

const root = fileURLToPath(new URL('../../../..', import.meta.url))
const journal = new URL('../../../../examples/walmq/fixtures/metadata.jsonl', import.meta.url)

test('the sample journal still replays, covers everything, and fits the schema lock', async () => {
  const { stdout } = await promisify(execFile)('npm', ['run', '--silent', 'replay-check:walmq'], {
    cwd: root,
    env: { ...process.env, NO_COLOR: '1' },
  })
  expect(stdout).toMatch(/^ok examples\/walmq\/fixtures\/metadata\.jsonl: 29 records, /)
  expect(stdout).toContain('1 journal, no findings')
})

test('the sample journal has hostile names, a gap that nobody was told of, and files to remove', async () => {
  const { state } = await metadata.replay(fileURLToPath(journal), { until: 17 })
  expect([...state.topics.keys()]).toEqual(['__proto__', 'constructor', 'logs', 'orders'])
  expect(state.groups.get('shipper')?.subscriptions.get('logs')?.gaps).toEqual([
    { partition: 0, from: 16, to: 29 },
  ])
  const { state: last } = await metadata.replay(fileURLToPath(journal))
  expect([...last.deleting]).toEqual([['3', { name: '__proto__' }]])
})
