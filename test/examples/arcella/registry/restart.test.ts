// A23 and A24: what a registry is after its tail was torn off, and how long a large one takes to start.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { registry } from '../../../../examples/arcella/registry/definition.ts'
import { deployed, type Fact, installed, spec, started, startedDeployment } from './given.ts'

const DEPLOYMENTS = Number(process.env['ARCELLA_DEPLOYMENTS'] ?? 300)

vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 })

let directory: string
let journal: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'arcella-registry-'))
  journal = join(directory, 'registry.jsonl')
})
afterEach(async () => {
  expect(await registry.replayCheck(journal)).toMatchObject({ ok: true })
  rmSync(directory, { recursive: true })
})

test('A23: a torn tail takes the operation that was not answered, and nothing else', async () => {
  const store = await registry.open(journal)
  await store.dispatchAll([installed()])
  await store.execute('deploy', { id: 'a', spec: spec() })
  const before = store.state
  const size = statSync(journal).size
  await store.execute('deploy', { id: 'b', spec: spec() })
  await store.close()
  const whole = readFileSync(journal)
  const torn = join(directory, 'torn.jsonl')
  // Without its newline alone, the record is whole.
  for (let left = size; left < whole.length - 1; left += 31) {
    copyFileSync(journal, torn)
    truncateSync(torn, left)
    const again = await registry.open(torn)
    expect(again.seq).toBe(2)
    expect(JSON.stringify(again.state)).toBe(JSON.stringify(before))
    if (left > size) expect(again.recovery.found).toMatchObject({ offset: size })
    await again.execute('deploy', { id: 'b', spec: spec() })
    expect([...again.state.deployments.keys()]).toEqual(['a', 'b'])
    await again.close()
    expect(await registry.replayCheck(torn)).toMatchObject({ ok: true, findings: [] })
  }
})

test(`A24: ${DEPLOYMENTS} deployments are there again from a snapshot`, async () => {
  const store = await registry.open(journal)
  await store.dispatchAll([installed()])
  for (let n = 0; n < DEPLOYMENTS; n += 100) {
    const batch: Fact[] = []
    for (let one = n; one < Math.min(n + 100, DEPLOYMENTS); one += 1) {
      const id = `web-${one}`
      batch.push(deployed(id, { group: `g${one % 10}`, replicas: 2 }), startedDeployment(id))
      batch.push(started(0, 1, id), started(1, 1, id))
    }
    await store.dispatchAll(batch)
  }
  await store.snapshot()
  const text = JSON.stringify(store.state)
  await store.close()

  const begin = performance.now()
  const again = await registry.open(journal)
  const opened = performance.now() - begin
  expect(again.recovery).toMatchObject({ records: 0, snapshot: { used: true } })
  expect(again.state.deployments.size).toBe(DEPLOYMENTS)
  expect(again.state.runningInstances.size).toBe(2 * DEPLOYMENTS)
  expect(JSON.stringify(again.state)).toBe(text)
  await again.close()

  const snapshot = readFileSync(`${journal}.snapshot`, 'utf8')
  const lines = snapshot.split('\n').filter((line) => line !== '')
  const parsing = performance.now()
  for (const line of lines) JSON.parse(line)
  const parsed = performance.now() - parsing
  const size = `${(snapshot.length / 2 ** 20).toFixed(2)} MiB`
  console.log(
    `${DEPLOYMENTS} deployments, a snapshot of ${size}: opened in ${opened.toFixed(1)} ms; JSON.parse of it alone ${parsed.toFixed(1)} ms`,
  )
})
