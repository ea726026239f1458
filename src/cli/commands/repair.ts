// ministore-ts repair: what opening would do about a torn write, told beforehand, or done.

import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { Command } from 'commander'
import pc from 'picocolors'
import { StoreError } from '../../errors.ts'
import { cutTornTail } from '../../journals/file/disk/tail.ts'
import { readHeader } from '../../journals/file/format/header.ts'
import { fileJournal, nodeFileSystem } from '../../journals/file/index.ts'
import type { TornTail } from '../../port/journal.ts'
import { describeDamage, isDamage, readRecords, withJournal } from '../sources/journal-file.ts'
import { answerWith } from '../terminal/exit.ts'
import { print } from '../terminal/output.ts'
import { progress } from '../terminal/progress.ts'
import { counted, safe } from '../terminal/text.ts'

interface Diagnosis {
  /** The last whole record. */
  readonly seq: number
  /** The bytes after it; undefined if the journal is whole. */
  readonly found?: TornTail | undefined
}

export function repairCommand(): Command {
  return new Command('repair')
    .description('Repair the end of a journal after a crash, as opening a store does.')
    .argument('<journal>', 'a journal file')
    .option('--write', 'repair the file; without this option, only print what would be done')
    .addHelpText(
      'after',
      `
Changes only the end of the file: moves a torn write to <journal>.torn-<seq>, or adds a lost newline.
Does not repair other damage. Takes the writer's lock to write.

Exit codes: 0 nothing left to repair, 1 a repair is needed, or the journal is damaged, 2 the command
could not run.

Examples:
  $ npx ministore-ts repair data/broker.jsonl
  $ npx ministore-ts repair data/broker.jsonl --write
`,
    )
    .action(async (journal: string, { write = false }: { write?: boolean }) => {
      try {
        await repair(journal, write)
      } catch (error) {
        if (!isDamage(error)) throw error
        await print(`${pc.red('refused')} ${refusal(error)}\n`)
        answerWith(1)
      }
    })
}

async function repair(path: string, write: boolean): Promise<void> {
  const { store, seq, found } = await diagnose(path)
  if (!found) {
    await print(`${pc.green('ok')} ${safe(path)}: ${counted(seq, 'record')}, nothing to repair\n`)
  } else if (write) {
    // Read again under the lock: what was found there counts.
    const repaired = await (store === undefined ? cutHeader(path) : repairEnd(path, store))
    const done = repaired.found
      ? deed(repaired.found, repaired.seq, true)
      : 'nothing was left to repair'
    await print(`${pc.green('repaired')} ${safe(`${path}: ${done}`)}\n`)
  } else {
    const real = await nodeFileSystem().resolve(path)
    const savedTo = freeName(`${real}.torn-${store === undefined ? 0 : seq + 1}`)
    const plan = deed({ ...found, savedTo }, seq, false)
    const next =
      'nothing was changed. With --write it is done, as it is when a store opens the journal'
    await print(`${pc.yellow('torn')} ${safe(`${path}: ${plan}`)}\n  ${next}\n`)
    answerWith(1)
  }
}

/** Reads all of it by the rule by which it is opened. Throws StoreError if that refuses. */
async function diagnose(path: string): Promise<Diagnosis & { store: string | undefined }> {
  const told = progress('repair', path)
  try {
    return await withJournal(path, async (journal) => {
      const tail = await readRecords(journal, () => undefined, { progress: told })
      const { end, found } = tail ?? { end: journal.begin, found: undefined }
      const isEmpty = found?.kind === 'torn_header' && found.bytes === 0
      return { store: journal.header?.store, seq: end.seq, found: isEmpty ? undefined : found }
    })
  } finally {
    told.end()
  }
}

/** As every opening does: under the lock, and durable when it resolves. */
async function repairEnd(path: string, store: string): Promise<Diagnosis> {
  const journal = fileJournal(path)
  const { head, found } = await journal.open(store)
  await journal.close()
  return { seq: head, found }
}

/** Leaves an empty file, since only a definition knows whose journal this was to be. */
async function cutHeader(given: string): Promise<Diagnosis> {
  const fs = nodeFileSystem()
  const path = await fs.resolve(given)
  const unlock = await fs.lock(`${path}.lock`)
  try {
    const file = await fs.open(path, 'r+')
    try {
      if (!(await file.tryLock()))
        throw new StoreError('locked', `${path} is open elsewhere: close that store first`, {
          path,
        })
      const bytes = await file.size()
      if ((await readHeader(file, path)) || bytes === 0) return { seq: 0 }
      const torn = { kind: 'torn_header', offset: 0, bytes } as const
      const found = await cutTornTail(fs, file, torn, `${path}.torn-0`)
      await file.sync()
      await fs.syncDir(dirname(path))
      return { seq: 0, found }
    } finally {
      await file.close()
    }
  } finally {
    await unlock()
  }
}

function deed({ kind, offset, bytes, savedTo }: TornTail, seq: number, isDone: boolean): string {
  const would = isDone ? '' : 'would '
  if (kind === 'lost_newline') {
    const over = bytes > 0 ? `, in place of ${counted(bytes, 'NUL byte')}` : ''
    return `${would}${isDone ? 'added' : 'add'} the newline of record ${seq} at byte ${offset}${over}`
  }
  const what = kind === 'torn_header' ? 'a header' : `record ${seq + 1}`
  const cut = `${would}cut off ${counted(bytes, 'byte')} of ${what} at byte ${offset}`
  return `${cut} and ${isDone ? 'kept' : 'keep'} them in ${savedTo}`
}

/** The name under which the cut bytes will be kept: no file that is there is written over. */
function freeName(path: string): string {
  for (let copy = 1; ; copy++) {
    const free = copy === 1 ? path : `${path}.${copy}`
    if (!existsSync(free)) return free
  }
}

function refusal(error: StoreError): string {
  const why = 'this is not a torn write. Cutting it off could lose acknowledged records'
  return describeDamage(error) + (error.code === 'corrupt' ? `\n  ${why}` : '')
}
