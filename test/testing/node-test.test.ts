import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

test('a test runner that draws no diffs shows them all the same, also of a forgotten claim', async () => {
  const child = fileURLToPath(new URL('node-test-child.ts', import.meta.url))
  const env = { ...process.env, NO_COLOR: '1', JITI_TSCONFIG_PATHS: 'true' }
  const { code, stdout } = await new Promise<{ code: unknown; stdout: string }>((resolve) => {
    const args = ['--import', 'jiti/register', '--test-reporter=tap', child]
    execFile(process.execPath, args, { env }, (error, stdout) => {
      resolve({ code: error?.code ?? 0, stdout })
    })
  })
  expect(code).toBe(1)
  expect(stdout).toMatch(
    /not ok 1 - awaited\n[\s\S]*\n +- {6}"partitions": 2\n +\+ {6}"partitions": 1\n/,
  )
  // The line of the test itself.
  expect(stdout).toMatch(/node-test-child\.ts:11:/)
  expect(stdout).toMatch(/"forgotten".*reset journaled something else.*unhandledRejection/)
})
