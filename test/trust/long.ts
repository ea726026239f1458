// npm run test:long [-- name …]
// All campaigns once, with fixed seeds, in at most 20 minutes on two cores. Exit code 1 if one fails.
import { PARTS, runPart } from './parts.ts'

const SEED = 20_261_130

const wanted = process.argv.slice(2)
const parts = PARTS.filter(
  ({ name }) => wanted.length === 0 || wanted.some((each) => name.includes(each)),
)
let failures = 0
for (const [index, part] of parts.entries()) {
  console.log(`${index + 1} of ${parts.length}: ${part.name}`)
  const { failure, seconds } = await runPart(part, SEED)
  console.log(`  ${failure ? 'FAILED' : 'passed'} in ${seconds} s`)
  if (!failure) continue
  failures += 1
  console.error(failure)
}
if (failures > 0) {
  console.error(`${failures} of ${parts.length} campaigns failed.`)
  process.exitCode = 1
}
