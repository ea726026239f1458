// The files that users copy into their CI: read by a YAML parser that is not ours, and run.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { documentAt, root } from '../docs/markdown.ts'
import { env, makeTickets, Project, run } from './installed.ts'

interface Step {
  readonly name?: string
  readonly uses?: string
  readonly run?: string
  readonly shell?: string
  readonly env?: Readonly<Record<string, string>>
  readonly with?: Readonly<Record<string, unknown>>
}
interface Action {
  readonly name: string
  readonly description: string
  readonly inputs: Readonly<
    Record<string, { readonly description: string; required?: boolean; default?: string }>
  >
  readonly runs: { readonly using: string; readonly steps: readonly Step[] }
}
interface Workflow {
  readonly on: Readonly<Record<string, unknown>>
  readonly permissions: Readonly<Record<string, string>>
  readonly jobs: Readonly<
    Record<string, { readonly 'runs-on': string; readonly steps: readonly Step[] }>
  >
}

const actionText = readFileSync(join(root, 'docs/ci/action.yml'), 'utf8')
const action: Action = parse(actionText)
const workflow: Workflow = parse(readFileSync(join(root, 'docs/ci/replay-check.yml'), 'utf8'))

describe('docs/ci/action.yml', () => {
  test('is a composite action whose inputs are all explained, and used', () => {
    expect(action).toMatchObject({ name: 'Replay check', runs: { using: 'composite' } })
    for (const step of action.runs.steps) expect(step).toMatchObject({ shell: 'bash' })
    for (const input of Object.values(action.inputs)) {
      expect(input.description).toMatch(/\.$/)
      expect(input).toSatisfy(() => input.required === true || typeof input.default === 'string')
    }
    const used = [...actionText.matchAll(/\$\{\{ inputs\.([\w-]+) \}\}/g)].map(([, name]) => name)
    expect([...new Set(used)].sort()).toEqual(Object.keys(action.inputs).sort())
  })

  test('puts no input into a script', () => {
    for (const step of action.runs.steps) expect(step.run).not.toContain('${{')
  })
})

describe('docs/ci/replay-check.yml', () => {
  const steps = Object.values(workflow.jobs).flatMap((job) => job.steps)

  test('runs for pull requests, and may only read', () => {
    expect(Object.keys(workflow.on)).toContain('pull_request')
    expect(workflow.permissions).toEqual({ contents: 'read' })
  })

  test('has steps that use an action of a major version, or run something', () => {
    expect(steps.length).toBeGreaterThan(10)
    for (const { uses, run: script } of steps) {
      expect([uses, script].filter((each) => each !== undefined)).toHaveLength(1)
      if (uses !== undefined)
        expect(uses).toMatch(/^(?:[\w-]+\/[\w/-]+@v\d+|\.\/\.github\/actions\/replay-check)$/)
    }
  })

  test('gives the action what it asks for, and nothing else', () => {
    const given = steps
      .filter(({ uses }) => uses === './.github/actions/replay-check')
      .map((step) => Object.keys(step.with ?? {}))
    const required = Object.entries(action.inputs).filter(([, input]) => input.required)
    expect(given.length).toBeGreaterThan(0)
    for (const names of given) {
      expect(Object.keys(action.inputs)).toEqual(expect.arrayContaining(names))
      expect(names).toEqual(expect.arrayContaining(required.map(([name]) => name)))
    }
  })
})

test('what docs/ci/README.md shows for GitLab is YAML, with a report that the job writes', () => {
  const blocks = documentAt('docs/ci/README.md').blocks
  const [block] = blocks.filter(({ language }) => language === 'yaml')
  const { 'replay-check': job } = parse(block?.lines.join('\n') ?? '')
  expect(job.script.at(-1)).toMatch(new RegExp(` > ${job.artifacts.reports.junit}$`))
})

describe.concurrent('the step of the action', () => {
  const project = new Project()
  beforeAll(async () => {
    project.install()
    await makeTickets(project.path('my fixtures/one.jsonl'))
    await makeTickets(project.path('more/two.jsonl'), { closeAll: true })
  }, 120_000)
  afterAll(() => project.remove())

  /** As GitHub's runner does, with the inputs of a workflow. */
  function step(inputs: Readonly<Record<string, string>>) {
    const [{ run: script = '', env: variables = {} } = {}] = action.runs.steps
    const given = Object.entries(variables).map(([name, expression]) => {
      const [, input = ''] = /inputs\.([\w-]+)/.exec(expression) ?? []
      return [name, inputs[input] ?? action.inputs[input]?.default ?? '']
    })
    return run('bash', ['--noprofile', '--norc', '-e', '-o', 'pipefail', '-c', script], {
      cwd: project.directory,
      env: { ...env, ...Object.fromEntries(given) },
    })
  }

  test('checks every journal that is named, with annotations', async () => {
    const { status, stdout } = await step({
      journals: 'my fixtures/one.jsonl\nmore/*.jsonl\n',
      store: 'store.ts#tickets',
      'require-coverage': 'true',
    })
    expect({ status, line: stdout.split('\n')[0] }).toEqual({
      status: 0,
      line: 'ministore check: 2 journals, no findings',
    })
  })

  test('fails as the check does, and writes the report to a file where one is named', async () => {
    const { status, stdout } = await step({
      journals: 'my fixtures/*.jsonl',
      store: 'store.ts',
      'require-coverage': 'true',
      format: 'sarif',
      output: 'report.sarif',
    })
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(JSON.parse(project.read('report.sarif')).runs[0].results).toMatchObject([
      { ruleId: 'not_covered' },
    ])
  })

  test('ends with 2 where the schema lock that is named is not there', async () => {
    const { status, stderr } = await step({
      journals: 'my fixtures/*.jsonl',
      store: 'store.ts',
      lock: 'none.json',
    })
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: expect.stringContaining('none.json is not there'),
    })
  })
})
