// The definition, loaded once more in a process of its own, which is elsewhere: at another time, in another
// time zone and locale. What a module makes when it is loaded, such as an id, is different there.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Command } from 'commander'
import { changes, unifiedDiff } from '../../diff/index.ts'
import { canonicalText } from '../../json/index.ts'
import { definitionOf } from '../../mutation/brand.ts'
import type { Finding } from '../../proof/finding.ts'
import { schemaLock } from '../../proof/schema/index.ts'
import { type Loaded, loadDefinition } from '../sources/load.ts'
import { print } from '../terminal/output.ts'

/** What decides what a journal replays to, as far as it is data. */
interface Declared {
  readonly initial: unknown
  readonly mutations: Readonly<Record<string, unknown>>
}

const YEARS_MS = 1_205 * 86_400_000 + 17_673_017
const PLACE = { TZ: 'Pacific/Kiritimati', LC_ALL: 'de_DE.UTF-8', HOSTNAME: 'elsewhere' }
const TIMEOUT_MS = 60_000
const MOST_BYTES = 500_000_000
const MOST_CHANGES = 100

/** Not shown in the help: only `declareElsewhere` runs it. */
export function elsewhereCommand(): Command {
  return new Command('elsewhere')
    .requiredOption('--store <file#export>')
    .action(async ({ store }: { store: string }) => {
      shiftClock(YEARS_MS)
      await print(textOf(declared(await loadDefinition(store))))
    })
}

/** Begins at once, so that it takes no time of its own if there is a free processor. */
export function declareElsewhere(where: string): Promise<Declared | Error> {
  const [main = ''] = process.argv.slice(1)
  const args = [...process.execArgv, main, 'elsewhere', '--store', where]
  const options = {
    env: { ...process.env, ...PLACE },
    timeout: TIMEOUT_MS,
    maxBuffer: MOST_BYTES,
  }
  return promisify(execFile)(process.execPath, args, options).then(
    ({ stdout }) => JSON.parse(stdout) as Declared,
    (cause) => new Error('it cannot be loaded in a second process', { cause }),
  )
}

/** What is different here and there; each an error, whatever journals hold. */
export function compareDeclared(
  { definition, file }: Loaded,
  there: Declared,
  isInitialTold: boolean,
): Finding[] {
  const here = JSON.parse(textOf(declared(definition))) as Declared
  const found: Finding[] = []
  const tell = (what: string, more: Partial<Finding> = {}) => {
    const message = `${what} in another process, at another time and place: its module makes a part of it when it is loaded, such as an id, a time or a host's name. Make that value before you dispatch, and put it into a payload`
    found.push({ rule: 'nondeterministic', severity: 'error', message, file, ...more })
  }
  if (!isInitialTold && canonicalText(here.initial) !== canonicalText(there.initial)) {
    const diff = {
      changes: changes(here.initial, there.initial).slice(0, MOST_CHANGES),
      unified: unifiedDiff(here.initial, there.initial, ['in this process', 'in another process']),
    }
    tell('the initial state is different', { seq: 0, diff })
  }
  for (const type of new Set([...Object.keys(here.mutations), ...Object.keys(there.mutations)])) {
    if (canonicalText(here.mutations[type]) === canonicalText(there.mutations[type])) continue
    tell(`the payload schemas of ${type} are different`, { type })
  }
  return found
}

const declared = (store: Loaded['definition']): Declared => ({
  initial: definitionOf(store).initial,
  mutations: schemaLock(store).mutations,
})

const textOf = (of: Declared): string => canonicalText(of) ?? ''

/** For good: this process does nothing but load a definition. */
function shiftClock(ms: number): void {
  const { now } = Date
  const real = Date
  Date.now = () => now() + ms
  globalThis.Date = new Proxy(real, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now() + ms] : args, newTarget),
    apply: () => String(new real(now() + ms)),
  })
}
