// What a module makes when it is loaded is the same in each process, or the check says so.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { makeTickets, Project, ticketsText } from './installed.ts'

const project = new Project()
vi.setConfig({ testTimeout: 120_000 })
beforeAll(async () => {
  project.install()
  await makeTickets(project.path('data.jsonl'))
}, 120_000)
afterAll(() => project.remove())

let stores = 0
/** Checks the journal with a definition whose module has other text. */
async function check(begin: string, ...changes: (readonly [string, string])[]) {
  const name = `store${++stores}.js`
  project.write(name, `${begin}\n${ticketsText(...changes)}`)
  const args = ['check', 'data.jsonl', '--store', name, '--format', 'json']
  const { status, stdout, stderr } = await project.ministore(args)
  return { status, stderr, stdout, name }
}

describe.concurrent('a definition that is loaded twice', () => {
  test.each([
    ['crypto.randomUUID()'],
    ['Date.now()'],
    ['new Date().getFullYear()'],
    ['new Date(0).getHours()'],
    ['(1234.5).toLocaleString()'],
    ['process.pid'],
    ["process.env.HOSTNAME ?? ''"],
  ])('with an initial state from %s fails, with what is different', async (make) => {
    const { status, stdout } = await check(`const node = ${make}`, ['state: {', 'state: { node,'])
    expect(status).toBe(1)
    expect(stdout).toContain('the initial state is different in another process')
    expect(stdout).toContain('/node')
  })

  test('with a limit in a schema from the clock fails, with the mutation', async () => {
    const limit = ['title: z.string()', 'title: z.string().max(Date.now())'] as const
    const { status, stdout } = await check('', limit)
    expect(status).toBe(1)
    expect(stdout).toMatch(/the payload schemas of \w+ are different in another process/)
  })

  test('and is the same in each process passes without a word', async () => {
    const { status, stderr } = await check('const started = Date.now()')
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  })

  test('but cannot be in another process is checked all the same, and that is said', async () => {
    const only = "if (process.env.HOSTNAME === 'elsewhere') throw new Error('busy')"
    const { status, stderr } = await check(only)
    expect(status).toBe(0)
    expect(stderr).toContain('cannot be loaded in a second process')
  })

  test.each([
    ['const now = Date.now', 'now()', 'Date.now()'],
    ['const { random } = Math', 'random()', 'Math.random()'],
    [
      'const { randomUUID } = crypto',
      'randomUUID.call(crypto).length && randomUUID()',
      'crypto.randomUUID()',
    ],
    ['const n = new Intl.NumberFormat()', 'n.format(1234.5)', 'Intl.NumberFormat'],
    [
      "const { format } = new Intl.DateTimeFormat('en', { timeZone: 'UTC' })",
      'format()',
      'Intl.DateTimeFormat.prototype.format()',
    ],
  ])('has traps at what its modules keep, as in %s', async (begin, use, what) => {
    const { status, stdout } = await check(begin, [
      'ticket.priority += 1',
      `ticket.priority += 1; ticket.title = String(${use})`,
    ])
    expect(status).toBe(1)
    expect(stdout).toContain(`uses ${what}`)
  })
})
