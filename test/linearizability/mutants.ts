// Copies of src/journals/shared/journal.ts with one mistake each, on the modules of src/ itself.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { sharedJournal } from 'ministore-ts/shared'

export interface JournalMutant {
  /** For the command line. */
  readonly id: string
  readonly name: string
  /** How many records a replica may lack: some mistakes show only then. */
  readonly lag?: number
  readonly edits: readonly (readonly [from: string, to: string])[]
}

export const JOURNAL_MUTANTS: readonly JournalMutant[] = [
  {
    id: 'too-late-in-doubt',
    name: 'two records of one dispatch, since it takes its own record for another writer’s',
    lag: 3,
    edits: [
      [
        'if (result.ok || result.withdrawn || !doubt) return result',
        [
          'if (result.ok || result.withdrawn || !doubt) return result',
          'const shown = await this.#find(entries, expected, confirmed)',
          'if (shown.count === confirmed && shown.head === undefined) return result',
        ].join(';'),
      ],
    ],
  },
  {
    id: 'unknown-as-unavailable',
    name: 'an unknown outcome as certainly not written',
    edits: [["if (error.code === 'unknown') doubt = error", '']],
  },
  {
    id: 'unknown-as-written',
    name: 'an unknown outcome as written',
    edits: [
      [
        "if (error.code === 'unknown') doubt = error",
        'return { ok: true, seq: expected + entries.length }',
      ],
    ],
  },
  {
    id: 'conflict-as-written',
    name: 'a conflict as written',
    edits: [
      [
        'if (result.ok || result.withdrawn || !doubt) return result',
        'if (result.ok || result.withdrawn || !doubt) return { ok: true, seq: expected + entries.length }',
      ],
    ],
  },
  {
    id: 'new-ids',
    name: 'new ids for what is sent again',
    edits: [
      [
        'const rest = entries.slice(confirmed)',
        'const rest = entries.slice(confirmed).map(({ text }) => ({ text, id: globalThis.crypto.randomUUID() }))',
      ],
    ],
  },
]

const root = fileURLToPath(new URL('../..', import.meta.url))

/**
 * The source with the mutant's edits, in TypeScript or as compiled, which breaks lines elsewhere. Throws Error if an
 * edit does not fit it exactly once.
 */
export function mutated(source: string, { name, edits }: JournalMutant): string {
  return edits.reduce((text, [from, to]) => {
    const words = from.split(' ').map((word) => word.replaceAll(/[()[\]{}.*+?^$|\\]/g, '\\$&'))
    const pattern = new RegExp(words.join('\\s+'), 'g')
    if (text.match(pattern)?.length !== 1) throw new Error(`${name}: not once: ${from}`)
    return text.replace(pattern, () => to)
  }, source)
}

/** The mutant's `sharedJournal`. Throws Error as `mutated` does. */
export async function buildJournal(mutant: JournalMutant): Promise<typeof sharedJournal> {
  const { name } = mutant
  const source = mutated(readFileSync(join(root, 'src/journals/shared/journal.ts'), 'utf8'), mutant)
    .replaceAll("from '../../", `from '${root}src/`)
    .replaceAll("from '../", `from '${root}src/journals/`)
    .replaceAll("from './", `from '${root}src/journals/shared/`)
  const directory = join(root, 'node_modules/.cache/ministore-mutants')
  mkdirSync(directory, { recursive: true })
  const path = join(directory, `journal-${name.replaceAll(/\W+/g, '-')}.ts`)
  writeFileSync(path, source)
  const { sharedJournal: its } = await import(/* @vite-ignore */ pathToFileURL(path).href)
  return its
}
