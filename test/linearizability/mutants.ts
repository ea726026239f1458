// Copies of src/shared/journal.ts with one mistake each, on the modules of src/ itself.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { sharedJournal } from 'ministore-ts/shared'

export interface JournalMutant {
  readonly name: string
  /** How many records a replica may lack: some mistakes show only then. */
  readonly lag?: number
  readonly edits: readonly (readonly [from: string, to: string])[]
}

export const JOURNAL_MUTANTS: readonly JournalMutant[] = [
  {
    name: 'two records of one dispatch, since it takes its own record for another writer’s',
    lag: 3,
    edits: [
      [
        'if (head !== undefined) return { ok: false, head }',
        'if (head !== undefined || !failure) return { ok: false, head: head ?? expected }',
      ],
    ],
  },
  {
    name: 'an unknown outcome as certainly not written',
    edits: [["if (error.code === 'unknown') doubt = error", '']],
  },
  {
    name: 'an unknown outcome as written',
    edits: [
      [
        "if (error.code === 'unknown') doubt = error",
        'return { ok: true, seq: expected + entries.length }',
      ],
    ],
  },
  {
    name: 'a conflict as written',
    edits: [
      [
        'if (result.ok || !doubt) return result',
        'if (result.ok || !doubt) return { ok: true, seq: expected + entries.length }',
      ],
    ],
  },
  {
    name: 'new ids for what is sent again',
    edits: [
      [
        'const rest = entries.slice(confirmed)',
        'const rest = entries.slice(confirmed).map(({ text }) => ({ text, id: randomUUID() }))',
      ],
    ],
  },
]

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The mutant's `sharedJournal`. Throws Error if an edit does not fit the source exactly once. */
export async function buildJournal({ name, edits }: JournalMutant): Promise<typeof sharedJournal> {
  let source = readFileSync(join(root, 'src/shared/journal.ts'), 'utf8')
  for (const [from, to] of edits) {
    if (source.split(from).length !== 2) throw new Error(`${name}: not once: ${from}`)
    source = source.replace(from, () => to)
  }
  source = source
    .replaceAll("from '../", `from '${root}src/`)
    .replaceAll("from './", `from '${root}src/shared/`)
  const directory = join(root, 'node_modules/.cache/ministore-mutants')
  mkdirSync(directory, { recursive: true })
  const path = join(directory, `journal-${name.replaceAll(/\W+/g, '-')}.ts`)
  writeFileSync(path, source)
  const { sharedJournal: its } = await import(/* @vite-ignore */ pathToFileURL(path).href)
  return its
}
