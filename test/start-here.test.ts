// Start here: three calls, followed through the sources. docs/ARCHITECTURE.md prints the walks; these tests take them.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type Entered, traceSources } from './support/traced.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'ministore-walk-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const traced = traceSources()
const { defineStore } = await traced.load<typeof import('../src/index.ts')>('index.ts')
const { report } =
  await traced.load<typeof import('../src/proof/report/index.ts')>('proof/report/index.ts')

const path = join(directory, 'shop.jsonl')
const shopThat = (buy: (points: number, cents: number) => number) =>
  defineStore({
    name: 'shop',
    state: { points: 0 },
    mutations: {
      buy: {
        payload: z.object({ cents: z.int().positive() }),
        guard: () => undefined,
        apply(draft, { cents }) {
          draft.points = buy(draft.points, cents)
        },
      },
    },
  })
const shop = shopThat((points, cents) => points + cents)

/** The functions of a walk, as the document lists them: by the heading above. */
function printed(heading: string): Entered[] {
  const text = readFileSync(join(root, 'docs/ARCHITECTURE.md'), 'utf8')
  const [, section = ''] = text.split(`### ${heading}\n`)
  const [walk = ''] = section.split(/^#/m)
  return [...walk.matchAll(/\[`([^`]+)`\]\(\.\.\/src\/([^)]+)\)/g)].map(
    ([, name = '', file = '']) => ({
      file,
      name,
    }),
  )
}

/** Each printed function is entered, and after the one before it. */
function expectWalk(walk: readonly Entered[], steps: readonly Entered[]): void {
  expect(steps.length).toBeGreaterThan(5)
  let from = 0
  for (const step of steps) {
    const at = walk.findIndex(
      ({ file, name }, index) => index >= from && file === step.file && name === step.name,
    )
    expect(at, `${step.file} ${step.name} is not entered after the step before it`).not.toBe(-1)
    from = at + 1
  }
}

const filesOf = (steps: readonly Entered[]) =>
  steps.map(({ file }) => file).filter((file, index, all) => file !== all[index - 1])

describe('the walks in ARCHITECTURE.md', () => {
  test('a payload, from store.dispatch to the disk, in ten files and back to the store only', async () => {
    const store = await shop.open(path)
    await store.dispatch('buy', { cents: 1 })
    const walk = await traced.follow(() => store.dispatch('buy', { cents: 2 }))
    await store.close()
    const steps = printed('A payload, from `store.dispatch` to the disk')
    expectWalk(walk, steps)
    const files = filesOf(steps)
    expect(new Set(files).size).toBeLessThanOrEqual(10)
    const again = files.filter((file, index) => files.indexOf(file) < index)
    expect(new Set(again)).toEqual(new Set(['store/store.ts']))
  })

  test('a line, from the disk to the state', async () => {
    const walk = await traced.follow(() => shop.replay(path))
    expectWalk(walk, printed('A line, from the disk to the state'))
  })

  test('a finding, from the reducer to SARIF', async () => {
    const changed = shopThat((points, cents) => points + cents + Math.random())
    let text = ''
    const walk = await traced.follow(async () => {
      const checked = await changed.replayCheck(path)
      text = report({ journals: [checked], findings: [] }, 'sarif', {
        version: '1',
        cwd: directory,
      })
    })
    expectWalk(walk, printed('A finding, from the reducer to SARIF'))
    expect(text).toContain('"impure"')
  })

  test('lead to files that are there', () => {
    const text = readFileSync(join(root, 'docs/ARCHITECTURE.md'), 'utf8')
    const links = [...text.matchAll(/\]\((\.\.\/src\/[^)]+)\)/g)].map(([, to = '']) => to)
    expect(links.length).toBeGreaterThan(20)
    for (const to of links) {
      const file = relative(root, join(root, dirname('docs/ARCHITECTURE.md'), to))
      expect(readFileSync(join(root, file), 'utf8').length).toBeGreaterThan(0)
    }
  })
})
