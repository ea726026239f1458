// What fuzzing found worth keeping, again: `npm run fuzz` looks for more.
import { describe, expect, test } from 'vitest'
import { build, MUTANTS, type Mutant } from '../mutants.ts'
import { corpus } from './corpus.ts'
import { loadFormat, tryInput } from './target.ts'

const edit = (file: string, from: string, to: string) => ({ file, from, to })

const FORMAT_MUTANTS: readonly Mutant[] = [
  ...MUTANTS.filter(({ edits }) =>
    edits.some(({ file }) => file === 'journals/file/format/scan.ts'),
  ),
  {
    name: 'lines that need not be UTF-8',
    edits: [edit('journals/file/format/line.ts', 'return isText && isSealed', 'return isSealed')],
  },
  {
    name: 'a checksum that may stand anywhere on a line',
    edits: [
      edit(
        'journals/file/format/line.ts',
        'if (sealAt(bytes, at) === crc) return at',
        'if (at > 0) return at',
      ),
    ],
  },
  {
    name: 'a record with another seq that is kept',
    edits: [edit('journals/file/format/scan.ts', 'record?.seq !== next)', '!record)')],
  },
]

async function replay(src?: string): Promise<Map<string, number>> {
  const format = await loadFormat(src)
  const reached = new Map<string, number>()
  for (const { name, bytes } of corpus()) {
    const what = await tryInput(format, bytes).catch((error) => {
      throw new Error(`corpus/${name}: ${error}`, { cause: error })
    })
    reached.set(what, (reached.get(what) ?? 0) + 1)
  }
  return reached
}

describe('the corpus of fuzzing', () => {
  test('is judged as docs/JOURNAL.md says, with each outcome of the opening rule', async () => {
    const outcomes = [...(await replay()).keys()]
    const rules = [1, 2, 3, 4].map((rule) => `rule ${rule}`)
    for (const tail of ['nothing', 'torn_write', 'lost_newline', ...rules])
      expect(
        outcomes.some((outcome) => outcome.endsWith(tail)),
        tail,
      ).toBe(true)
    const headers = ['a torn header', 'a compacted journal', 'foreign', 'corrupt', 'newer_format']
    for (const header of headers)
      expect(
        outcomes.some((outcome) => outcome.endsWith(header)),
        header,
      ).toBe(true)
  })

  test.each(FORMAT_MUTANTS)('catches $name', async (mutant) => {
    const { directory } = await build(mutant)
    await expect(replay(directory)).rejects.toThrow('instead of')
  })
})
