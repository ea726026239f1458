// Makes src/mutation/immer.ts from the published Immer: `npm run immer`, after its version was raised.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = new URL('../../', import.meta.url)
const published = (name: string) =>
  readFileSync(new URL(`node_modules/immer/${name}`, root), 'utf8')

/** Each must be in the published text; a version without one of them needs a person to look at it. */
const CHANGES: readonly (readonly [why: string, from: string | RegExp, to: string])[] = [
  [
    'The plugins. Nobody can enable one here, and what asks for them finds nothing.',
    /\/\/ src\/plugins\/patches\.ts\n[\s\S]*(?=\/\/ src\/immer\.ts\n)/,
    '',
  ],
  [
    'The advice to enable a plugin, which is asked for a Map or a Set only.',
    /return `The plugin for [^`]*(?:\\`[^`]*)*`;/,
    'return "A state holds JSON: it cannot hold a Map or a Set. Use a plain object, a list or a table";',
  ],
  [
    'The exports: one class, and no instance that is shared.',
    /\/\/ src\/immer\.ts\n[\s\S]*/,
    '// src/immer.ts\nexport const Immer: typeof Published = Immer2;\n',
  ],
  [
    'NODE_ENV, which decides what a list accepts: in production and in CI a reducer must do the same.',
    /process\.env\.NODE_ENV !== "production"/g,
    'true',
  ],
  [
    'The mark of a draft. What asks for the published one is another Immer.',
    'Symbol.for("immer-state")',
    'DRAFT_STATE_KEY',
  ],
  [
    'The answer to another Immer.',
    'if (prop === DRAFT_STATE)\n      return state;\n',
    'if (prop === DRAFT_STATE)\n      return state;\n    if (prop === OTHER_IMMER)\n      return answerOther(state);\n    lastAnswer.about = void 0;\n',
  ],
]

export function privateImmer(): string {
  const { version } = JSON.parse(published('package.json')) as { version: string }
  let code = published('dist/immer.mjs')
  for (const [why, from, to] of CHANGES) {
    const changed = code.replace(from, to)
    if (changed === code) throw new Error(`Immer ${version} has changed. Not found: ${why}`)
    code = changed
  }
  const license = published('LICENSE').trim()
  return `// @ts-nocheck
// Immer ${version} as published, for this package alone. Made by \`npm run immer\`: do not edit.
// What differs:
${CHANGES.map(([why]) => `// - ${why}`).join('\n')}
/*! @license Immer
${license}
*/
import type { Immer as Published } from 'immer'
import { answerOther, DRAFT as DRAFT_STATE_KEY, lastAnswer, OTHER_IMMER } from './other-immer.ts'

${code}`
}

const target = fileURLToPath(new URL('src/mutation/immer.ts', root))
if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(target, privateImmer())
