// Broken stores, each the real one but for a few characters: what the trials must catch.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Subject } from './world.ts'

export interface Mutant {
  readonly name: string
  /** So many trials do not see it: they need not be made each time. */
  readonly rareUntil?: number
  readonly edits: readonly { readonly file: string; readonly from: string; readonly to: string }[]
}

const journal = 'journals/file/journal.ts'
const create = 'journals/file/disk/create.ts'
const keeper = 'journals/file/compaction/file-snapshots.ts'
const scan = 'journals/file/format/scan.ts'

const edit = (file: string, from: string, to: string) => ({ file, from, to })

/** As reliability demands them: each is a mistake that some store has made. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'no fsync',
    edits: [edit(journal, "!== 'os') await file.datasync()", "!== 'os') await undefined")],
  },
  {
    name: 'an answer before the sync',
    edits: [
      edit(
        journal,
        "!== 'os') await file.datasync()",
        "!== 'os') void Promise.resolve(file.datasync()).catch(() => undefined)",
      ),
    ],
  },
  {
    name: 'no fsync of the directory',
    edits: [edit(journal, 'await this.fs.syncDir(dirname(this.path))', 'await undefined')],
  },
  {
    name: 'no fsync at open',
    rareUntil: 2300,
    edits: [edit(journal, 'await this.file.sync()', 'await undefined')],
  },
  {
    name: 'a retry after a failed fsync',
    edits: [
      edit(
        journal,
        "!== 'os') await file.datasync()",
        "!== 'os') await Promise.resolve(file.datasync()).catch(() => file.datasync())",
      ),
    ],
  },
  {
    name: 'no rollback',
    edits: [
      edit(
        journal,
        `      await file.truncate(this.end.offset)
      await file.sync()
`,
        '',
      ),
    ],
  },
  {
    name: 'short writes ignored',
    edits: [
      edit(
        'journals/file/disk/write.ts',
        'if (written === bytes.length) return',
        'if (written >= 0) return',
      ),
    ],
  },
  {
    name: 'no rewrite of the last group at open',
    rareUntil: 1950,
    edits: [
      edit(
        journal,
        'await rewriteGroup(this.file, group, this.end.offset, (bytes) => areSealed(bytes, header.seed))',
        'await undefined',
      ),
    ],
  },
  {
    name: 'the rule that any valid line behind a bad one is damage',
    edits: [
      edit(
        scan,
        'if (!record || (record.seq - record.b <= next && record.seq > next)) continue',
        'if (!record) continue',
      ),
    ],
  },
  {
    name: 'no b',
    edits: [edit('journals/file/format/line.ts', '{b > 0 ?', '{b > 1e9 ?')],
  },
  {
    name: 'the rule to cut at the first bad line',
    edits: [
      edit(scan, 'kind = judge(line, record?.seq)', "kind = 'torn_write'"),
      edit(
        scan,
        'if (!record || (record.seq - record.b <= next && record.seq > next)) continue',
        'if (next > 0) continue',
      ),
    ],
  },
  {
    name: 'a line taken for torn where a sector merely ends in NUL',
    rareUntil: 110,
    edits: [edit(scan, '.every((byte) => byte === 0)', '.at(-1) === 0')],
  },
  {
    name: 'a snapshot that takes its name before it is synced',
    edits: [
      edit(
        keeper,
        `await file.sync()
      await this.#site.makeDurable()`,
        'await undefined',
      ),
    ],
  },
  {
    name: 'a compacted journal that takes its name before it is synced',
    edits: [
      edit(
        keeper,
        `await file.sync()
      return`,
        'return',
      ),
      edit(
        keeper,
        `await file.sync()
        await this.#site.lock(file)`,
        'await this.#site.lock(file)',
      ),
    ],
  },
  {
    name: 'appends to a compacted journal before its name is durable',
    edits: [
      edit(
        keeper,
        `await fs.syncDir(dirname(path))
    } catch (cause) {`,
        `await undefined
    } catch (cause) {`,
      ),
    ],
  },
  {
    name: 'records forgotten that came while it compacted',
    edits: [
      edit(
        keeper,
        'await copyRecords(this.#site, file, { from, to: next.begin }, copied)',
        'await Promise.resolve(copied)',
      ),
    ],
  },
  {
    name: 'a header that is written in place at once',
    rareUntil: 600,
    edits: [
      edit(
        create,
        `await writeAll(file, header.subarray(0, 1), 0)
    await file.sync()`,
        'await undefined',
      ),
    ],
  },
  {
    name: 'no idempotency keys in its snapshots',
    edits: [edit('snapshot/parts.ts', 'numbered(keys)', 'numbered([])')],
  },
  {
    name: 'no tables in its snapshots',
    edits: [edit('snapshot/parts.ts', "listed('tables', tables) + ", '')],
  },
  {
    name: 'opening that does not look for what a snapshot proves',
    edits: [edit('journals/file/compaction/opening.ts', 'seq < header.seq)', 'seq < 0)')],
  },
  {
    name: 'a group commit whose hashes all continue the record before it',
    edits: [edit('journals/file/format/line.ts', '    last = hash\n', '')],
  },
  {
    name: 'a compaction that begins the hash chain again',
    edits: [
      edit(
        keeper,
        'const hashed = hash === undefined ?',
        'const hashed = hash !== undefined && chain !== undefined ? { hash: chain } : hash === undefined ?',
      ),
    ],
  },
  {
    name: 'a compaction that forgets the records that came meanwhile in the hash chain',
    edits: [
      edit(
        journal,
        '    this.marks = this.marks.moved(from, header.begin)',
        '    this.#hash = header.base?.hash\n    this.marks = this.marks.moved(from, header.begin)',
      ),
    ],
  },
  {
    name: 'an opening that compares the first record after a snapshot with the beginning of the hash chain',
    edits: [
      edit(
        'journals/file/compaction/recover.ts',
        'kept.from.seq === begin.seq',
        'kept.from.seq >= 0',
      ),
    ],
  },
  {
    name: 'an opening that forgets where the hash chain ends',
    edits: [edit(journal, 'this.#hash = recovered.hash', 'this.#hash = header.chain')],
  },
  {
    name: 'a journal that forgets its hash chain after an append',
    edits: [edit(journal, '    this.#hash = last\n', '')],
  },
]

/** What believes a disk that returns a wrong sector once. */
export const WRONG_READ_MUTANTS: readonly Mutant[] = [
  {
    name: 'cutting off what only one read shows to be torn',
    edits: [edit(journal, 'if (found) await this.#confirm(header, found)', '')],
  },
  {
    name: 'rewriting what it read, whatever that is',
    edits: [edit('journals/file/disk/tail.ts', 'if (!isWhole(bytes))', 'if (bytes.length < 0)')],
  },
  {
    name: 'compacting to what it read, whatever that is',
    edits: [
      edit(
        'journals/file/compaction/copy.ts',
        'const bytes = bytesOf(lines)\n    await writeAll(into, bytes, to.offset',
        'const bytes = Buffer.alloc((lines.at(-1)?.offset ?? 0) + (lines.at(-1)?.bytes.length ?? 0) + 1 - done)\n    await file.read(bytes, done)\n    await writeAll(into, bytes, to.offset',
      ),
    ],
  },
]

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A copy of src/ with the mutant's edits, inside the repository, so that its imports resolve. */
export async function build({ name, edits }: Mutant): Promise<Subject & { directory: string }> {
  const all = join(root, 'node_modules/.cache/ministore-mutants')
  mkdirSync(all, { recursive: true })
  // Several test files build the same mutant at the same time.
  const directory = mkdtempSync(join(all, `${name.replaceAll(' ', '-')}-`))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  cpSync(join(root, 'src'), directory, { recursive: true })
  for (const { file, from, to } of edits) {
    const path = join(directory, file)
    const source = readFileSync(path, 'utf8')
    if (source.split(from).length !== 2) throw new Error(`${name}: not once in ${file}: ${from}`)
    writeFileSync(
      path,
      source.replace(from, () => to),
    )
  }
  const load = (file: string) =>
    import(/* @vite-ignore */ pathToFileURL(join(directory, file)).href)
  const [{ defineStore }, { fileJournal }] = [
    await load('index.ts'),
    await load('journals/file/index.ts'),
  ]
  return { defineStore, fileJournal, directory }
}
