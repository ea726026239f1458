// ministore-ts check --shrink: a failing journal made short, and a test that shows it.
import { access, writeFile } from 'node:fs/promises'
import { basename, dirname, relative, sep } from 'node:path'
import { StoreError } from '../../errors.ts'
import { fileJournal } from '../../journals/file/index.ts'
import {
  readRecording,
  recordingPath,
  type Shrunk,
  shrink,
  writeRecording,
} from '../../proof/check/index.ts'
import type { ReplayReport } from '../../proof/check/report.ts'
import type { Loaded } from '../sources/load.ts'
import { progress } from '../terminal/progress.ts'
import { counted } from '../terminal/text.ts'

/** Writes the short journal and its test beside `journal`, and returns what there is to say. */
export async function shrinkJournal(
  loaded: Loaded,
  journal: string,
  report: ReplayReport,
): Promise<string> {
  const source = fileJournal(journal, { readOnly: true })
  const recording = await readRecording(journal).catch(() => undefined)
  const shown = progress('shrink', journal)
  const onProgress = (left: number) => shown.report(left)
  const shrunk = await shrink(loaded.definition, source, report, recording, onProgress)
    .catch((error: StoreError) => {
      if (error.code === 'compacted') return error
      throw error
    })
    .finally(() => shown.end())
  if (shrunk instanceof StoreError) return `not shrunk: ${shrunk.message}`
  if (!shrunk) return `${journal}: nothing to shrink: the error is not in its records`
  const paths = pathsOf(journal)
  await write(loaded, shrunk, paths)
  const { rule, seq } = shrunk.finding
  const left = counted(shrunk.texts.length, 'record')
  return `${journal}: ${left} of ${report.records} still show ${rule} (of seq ${seq}): ${paths.journal}, ${paths.test}`
}

/** Throws where a file is there already: it may have been edited since. */
export async function refuseToOverwrite(journal: string): Promise<void> {
  for (const path of Object.values(pathsOf(journal))) {
    const isThere = await access(path).then(
      () => true,
      () => false,
    )
    if (isThere) throw new Error(`${path} is there already: move or remove it before --shrink`)
  }
}

function pathsOf(journal: string) {
  const short = `${journal.replace(/\.jsonl$/, '')}.shrunk`
  return {
    journal: `${short}.jsonl`,
    recording: recordingPath(`${short}.jsonl`),
    test: `${short}.test.ts`,
  }
}

async function write(
  { definition, file, name }: Loaded,
  { texts, finding, recording }: Shrunk,
  paths: ReturnType<typeof pathsOf>,
): Promise<void> {
  // No other process has it, and no lock file should stay beside a fixture.
  const target = fileJournal(paths.journal, { lock: false })
  const { epoch } = await target.open(definition.name)
  try {
    const entries = texts.map((text) => ({ text }))
    for (let done = 0; done < texts.length; ) {
      const appended = await target.append(entries.slice(done), done)
      if (!appended.ok) throw new Error(`${paths.journal} was changed by another program`)
      done = appended.seq
    }
  } finally {
    await target.close()
  }
  if (recording) await writeRecording(paths.journal, { ...recording, journal: epoch })
  await writeFile(paths.test, testText({ file, name, finding, paths }))
}

function testText({
  file,
  name,
  finding,
  paths,
}: {
  file: string
  name: string
  finding: Shrunk['finding']
  paths: ReturnType<typeof pathsOf>
}): string {
  const from = relative(dirname(paths.test), file).split(sep).join('/')
  const module = from.startsWith('.') ? from : `./${from}`
  const journal = basename(paths.journal)
  const local = name === 'default' ? 'definition' : name
  const imported = name === 'default' ? 'definition' : `{ ${name} }`
  const of = finding.type === undefined ? '' : ` of ${finding.type}`
  return [
    '// Written by `npx ministore-ts check --shrink`: the shortest journal that was found to show',
    `// ${finding.rule}${of}. It passes once that is put right.`,
    "import { expect, test } from 'vitest'",
    "import 'ministore-ts/vitest'",
    `import ${imported} from ${JSON.stringify(module)}`,
    '',
    `test(${JSON.stringify(`${local} replays ${journal}`)}, async () => {`,
    `  await expect(${local}).toReplay(new URL(${JSON.stringify(`./${journal}`)}, import.meta.url))`,
    '})',
    '',
  ].join('\n')
}
