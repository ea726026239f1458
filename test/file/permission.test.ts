// Node's permission model: `node --permission`.
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { home } from '../cli/build.ts'
import { start } from './processes.ts'
import { linesOf, tempJournal } from './temp-journal.ts'

const isStable = process.allowedNodeEnvironmentFlags.has('--permission')
const modules = fileURLToPath(new URL('../../node_modules', import.meta.url))

/** Runs child.ts with no rights but those, on a journal in a directory that may be written. */
async function dispatchWith(path: string, ...rights: string[]) {
  const data = dirname(path)
  mkdirSync(data, { recursive: true })
  const allowed = [home(), modules, data].map((each) => `--allow-fs-read=${each}`)
  const flag = isStable ? '--permission' : '--experimental-permission'
  const node = [flag, '--no-warnings', ...allowed, `--allow-fs-write=${data}`, ...rights]
  return start('dispatch', path, { node }).next()
}

describe('under the permission model', () => {
  test.each([
    ['/proc', ['--allow-fs-read=/proc']],
    ['child processes', ['--allow-child-process']],
    ['the addon', ['--allow-addons', '--allow-fs-read=/etc/alpine-release']],
  ])('with %s allowed, a store opens, writes and syncs', async (_, rights) => {
    const path = join(dirname(tempJournal()), 'data/ledger.journal')
    expect(await dispatchWith(path, ...rights)).toMatchObject({ ok: true, seq: 1 })
    expect(await dispatchWith(path, ...rights)).toMatchObject({ ok: true, seq: 2 })
    expect(linesOf(path)).toHaveLength(3)
  })

  test('with none of these, opening is refused as locked, and says what to allow', async () => {
    const refused = await dispatchWith(join(dirname(tempJournal()), 'data/ledger.journal'))
    expect(refused).toMatchObject({ code: 'locked' })
    expect(refused?.['message']).toMatch(/--allow-fs-read=\/proc.*--allow-addons.*lock: false/)
  })
})
