// npm run fuzz -- --seconds 60 --seed 1 [--keep]
// Coverage-guided fuzzing of src/journals/file/format/. `--keep` adds each input that ran something new to corpus/.
import { parseArgs } from 'node:util'
import { random } from 'ministore-ts/testing'
import { corpus, keep } from './corpus.ts'
import { Coverage } from './coverage.ts'
import { mutate } from './mutate.ts'
import { loadFormat, tryInput } from './target.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    keep: { type: 'boolean', default: false },
  },
})
const coverage = new Coverage()
const format = await loadFormat()
const numbers = random(Number(values.seed))
const inputs = corpus().map(({ bytes }) => bytes)
const reached: Record<string, number> = {}

/** What it did, as far as that is visible from outside. */
async function run(bytes: Buffer): Promise<string> {
  try {
    const what = await tryInput(format, bytes)
    reached[what] = (reached[what] ?? 0) + 1
    return what
  } catch (error) {
    const path = keep(bytes, 'failing')
    throw new Error(`seed ${values.seed}: ${error}. The input is in ${path}`, { cause: error })
  }
}

const known = new Set<string>()
/** Adds them; which of them were new. */
function learn(parts: Iterable<string>): Set<string> {
  const added = new Set([...parts].filter((part) => !known.has(part)))
  for (const part of added) known.add(part)
  return added
}

for (const bytes of inputs) learn([await run(bytes)])
learn(coverage.take())
const first = inputs.length
const end = Date.now() + Number(values.seconds) * 1000
let tried = 0
while (Date.now() < end) {
  // To ask for the coverage takes longer than an input: only if a batch has new parts, each of it runs by itself.
  const batch = Array.from({ length: 100 }, () =>
    mutate(numbers.pick(inputs), numbers.pick(inputs), numbers),
  )
  const outcomes = []
  for (const bytes of batch) outcomes.push(await run(bytes))
  tried += batch.length
  const added = learn([...coverage.take(), ...outcomes])
  for (const bytes of added.size > 0 ? batch : []) {
    const parts = [await run(bytes)]
    const own = [...coverage.take(), ...parts].filter((part) => added.delete(part))
    if (own.length === 0) continue
    inputs.push(bytes)
    if (values.keep) keep(bytes)
  }
}
const added = inputs.length - first
const found = { seed: Number(values.seed), tried, parts: known.size, added, reached }
console.log(JSON.stringify(found))
process.exit()
