// A project with ministore installed, as its user has it: built, and found by its name.
import { execFile } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { installed as built, home } from './build.ts'
import { tickets } from './tickets.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const ticketsFile = fileURLToPath(new URL('tickets.ts', import.meta.url))
/** Of the journals that are made: the same text on every day. */
const NOON = Date.parse('2026-11-22T12:00:00.000Z')

// What a CI that runs these tests sets is not for the commands in them.
const {
  GITHUB_ACTIONS: _actions,
  GITHUB_STEP_SUMMARY: _summary,
  GITHUB_WORKSPACE: _workspace,
  ...ownEnv
} = process.env
export const env: NodeJS.ProcessEnv = { ...ownEnv, NO_COLOR: '1', npm_config_loglevel: 'error' }

export interface Ran {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Rejects only where `file` cannot be started. */
export async function run(
  file: string,
  args: readonly string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv },
): Promise<Ran> {
  try {
    const done = await promisify(execFile)(file, args, { env, ...options })
    return { status: 0, ...done }
  } catch (error) {
    const { code, stdout, stderr } = error as Ran & { code: unknown }
    if (typeof code !== 'number') throw error
    return { status: code, stdout, stderr }
  }
}

export class Project {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'ministore-project-'))
  /** The file behind the command `ministore`. */
  readonly command: string = this.path('node_modules/ministore-ts/dist/cli/main.js')

  constructor() {
    this.write('package.json', '{"private":true,"type":"module"}')
    this.write('store.ts', readFileSync(ticketsFile, 'utf8'))
    this.write('store.js', ticketsText())
  }

  /** Puts the build of this run into node_modules. */
  install(): void {
    const manifest = readFileSync(join(root, 'package.json'), 'utf8')
    const { dependencies, peerDependencies } = JSON.parse(manifest)
    for (const name of Object.keys({ ...dependencies, ...peerDependencies })) {
      const link = this.path('node_modules', name)
      mkdirSync(dirname(link), { recursive: true })
      symlinkSync(join(root, 'node_modules', name), link, 'junction')
    }
    cpSync(built(), this.path('node_modules/ministore-ts'), { recursive: true })
    // As npm does, for npx.
    mkdirSync(this.path('node_modules/.bin'))
    symlinkSync(this.command, this.path('node_modules/.bin/ministore'))
    chmodSync(this.command, 0o755)
  }

  path(...names: string[]): string {
    return join(this.directory, ...names)
  }

  write(name: string, text: string): void {
    const path = this.path(name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8')
  }

  /** Runs the command in this directory, or in one below it. */
  ministore(args: readonly string[], more: NodeJS.ProcessEnv = {}, below = '.'): Promise<Ran> {
    const options = { cwd: this.path(below), env: { ...env, ...more } }
    return run(process.execPath, [this.command, ...args], options)
  }

  remove(): void {
    rmSync(this.directory, { recursive: true })
  }
}

/** What tickets.ts compiles to, with each of `changes` made: `[before, after]`. */
export function ticketsText(...changes: readonly (readonly [string, string])[]): string {
  let text = readFileSync(join(home(), 'test/cli/tickets.js'), 'utf8')
  for (const [before, after] of changes) {
    if (!text.includes(before)) throw new Error(`tickets.ts has no ${before}`)
    text = text.replaceAll(before, () => after)
  }
  return text
}

/** Records: two openTicket, raise, closeTicket, three more openTicket; with `closeAll`, one of that command. */
export async function makeTickets(path: string, { closeAll = false } = {}): Promise<void> {
  mkdirSync(dirname(path), { recursive: true })
  const store = await tickets.open(path, { now: () => NOON, durability: 'os' })
  for (const id of ['a', 'b']) await store.dispatch('openTicket', { id, title: `Ticket ${id}` })
  await store.dispatch('raise', { id: 'b' })
  await store.dispatch('closeTicket', { id: 'a' })
  for (const id of ['c', 'd', 'e'])
    await store.dispatch('openTicket', { id, title: `Ticket ${id}` })
  if (closeAll) await store.execute('closeAll')
  await store.close()
}
