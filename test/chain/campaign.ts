// Random manipulations of sealed journals by somebody who has everything but the private key: each must be found. As a program it makes
// as many as it is told: npm run tamper -- 1000000 1
import type { KeyObject } from 'node:crypto'
import { pathToFileURL } from 'node:url'
import { defineStore } from 'ministore-ts'
import { fileJournal } from 'ministore-ts/file'
import { type Random, random, simulatedDisk } from 'ministore-ts/testing'
import { z } from 'zod'
import { FileWalk } from '../../src/cli/sources/chain-walk.ts'
import { readRecords } from '../../src/cli/sources/journal-file.ts'
import { readBody } from '../../src/journals/file/compaction/index.ts'
import { readHeader } from '../../src/journals/file/format/header.ts'
import { readRecord } from '../../src/journals/file/format/record.ts'
import type { OpenFile } from '../../src/port/file-system.ts'
import { Comparison } from '../../src/proof/seals/comparison.ts'
import { newKeyPair, readPrivateKey, readPublicKey } from '../../src/proof/seals/keys.ts'
import { checkSignatures, makeSeal, readSeals } from '../../src/proof/seals/seal.ts'
import { type Forged, type ForgedRecord, put, sha256, take } from './forger.ts'

const PATH = '/data/ledger.jsonl'

interface Sealed {
  readonly bytes: Buffer
  readonly seals: string
}
type Attack = (sealed: Sealed, numbers: Random, other: Sealed) => Sealed

const keys = newKeyPair()
const privateKey = readPrivateKey(keys.privateKey, 'private')
const publicKey = readPublicKey(keys.publicKey, 'public')
const strangers = readPrivateKey(newKeyPair().privateKey, 'stranger')

const ledger = defineStore({
  name: 'ledger',
  state: { sum: 0, memos: [] as string[] },
  mutations: {
    add: {
      payload: z.object({ cents: z.int(), memo: z.string() }),
      apply(draft, { cents, memo }) {
        draft.sum += cents
        draft.memos = [memo]
      },
    },
  },
})

/** What `verify --seals` says of these bytes: undefined if nothing is wrong with them. */
async function problemOf({ bytes, seals }: Sealed, sealed: number): Promise<string | undefined> {
  try {
    const read = readSeals(seals, 'seals')
    if (read.length === 0) return 'there are no seals'
    checkSignatures(read, [publicKey], 'seals')
    const comparison = new Comparison(read)
    await walk(bytes, comparison)
    if ((read.at(-1)?.seq ?? 0) < sealed) return 'the last seal is missing'
    const { contradictions, unproved } = comparison.verdict
    return contradictions[0] ?? unproved[0]
  } catch (error) {
    return (error as Error).message
  }
}

async function walk(bytes: Buffer, comparison: Comparison) {
  const file = {
    read: (into: Uint8Array, offset: number) => bytes.copy(into, 0, offset),
    size: () => bytes.length,
  } as unknown as OpenFile
  const header = await readHeader(file, PATH)
  if (!header) throw new Error('there is no header')
  const journal = { path: PATH, file, header, begin: header.begin }
  const { base, seed, length: offset } = header
  if (base) await readBody(file, { path: PATH, seed, offset, line: 2 }, base)
  const walk = new FileWalk(PATH, comparison)
  await walk.begin(journal)
  await readRecords(journal, (lines) => {
    for (const line of lines) {
      readRecord(PATH, line)
      walk.take(line)
    }
  })
  return walk.end()
}

/** Group commits, keys and batches; compacted or not; sealed once or more, the last time at its end. */
async function make(numbers: Random, signer: KeyObject = privateKey): Promise<Sealed> {
  const disk = simulatedDisk({ seed: numbers.below(2 ** 30) })
  let seals = ''
  const seal = async () => {
    const before = readSeals(seals, 'seals')
    const statement = await walk(Buffer.from(disk.bytes(PATH) ?? []), new Comparison(before))
    if (!statement) throw new Error('it has no hash chain')
    const next = makeSeal(statement, before, signer, new Date().toISOString())
    seals += `${JSON.stringify(next)}\n`
  }
  const store = await ledger.open(fileJournal(PATH, { fileSystem: disk, chain: true }))
  const parts = 1 + numbers.below(4)
  for (let part = 0; part < parts; part++) {
    const count = 1 + numbers.below(4)
    const add = (n: number) => ({
      type: 'add' as const,
      payload: { cents: numbers.below(100), memo: `memo ${part}-${n} "ü"` },
    })
    await Promise.all(
      Array.from({ length: count }, (_, n) =>
        numbers.chance(0.3)
          ? store.dispatchAll([add(n), add(n)])
          : store.dispatch(
              'add',
              add(n).payload,
              numbers.chance(0.3) ? { key: `${part}-${n}` } : {},
            ),
      ),
    )
    if (numbers.chance(0.3)) await store.compact()
    if (part === parts - 1 || numbers.chance(0.4)) await seal()
  }
  await store.close()
  return { bytes: Buffer.from(disk.bytes(PATH) ?? []), seals }
}

const forged =
  (edit: (journal: Forged, numbers: Random, other: Forged) => void): Attack =>
  ({ bytes, seals }, numbers, other) => {
    const journal = take(bytes)
    edit(journal, numbers, take(other.bytes))
    return { bytes: put(journal), seals }
  }

const rechained = (records: readonly (ForgedRecord | undefined)[]): ForgedRecord[] =>
  records.flatMap((record) => (record ? [{ ...record, hash: undefined }] : []))

const renumbered = (journal: Forged, records: readonly (ForgedRecord | undefined)[]) => {
  const first = (journal.header['base']?.seq ?? 0) + 1
  return records.flatMap((record, at) => (record ? [{ ...record, seq: first + at }] : []))
}

/** Another text that is still JSON. */
function edited(text: string, numbers: Random): string {
  const digits = [...text.matchAll(/\d/g)].filter(({ index }) => index > 30)
  const one = digits[numbers.below(Math.max(1, digits.length))]
  if (!one || numbers.chance(0.2)) return text.replace(/memo /, `mem${numbers.below(10)} `)
  return `${text.slice(0, one.index)}${(Number(one[0]) + 1 + numbers.below(9)) % 10}${text.slice(one.index + 1)}`
}

/** A JSON text that says the same and is another one. */
const respelled = (text: string) =>
  text.replace('"memo":"m', '"memo":"\\u006d').replace(',"type"', ', "type"')

const at = (journal: Forged, numbers: Random) => numbers.below(Math.max(1, journal.records.length))

const HEADER: Record<string, (numbers: Random) => unknown> = {
  journal: (numbers) => `00000000-0000-4000-8000-${String(numbers.below(1e12)).padStart(12, '0')}`,
  store: (numbers) => `ledger${numbers.below(100)}`,
  created: (numbers) => new Date(numbers.below(2 ** 40)).toISOString(),
  chain: (numbers) => sha256(String(numbers.next())),
  needs: () => ['chain', 'chain'],
  extra: (numbers) => numbers.next(),
  base: (numbers) => ({ seq: 1, digest: 'sha256:', hash: sha256(String(numbers.next())) }),
}

export const ATTACKS: Record<string, Attack> = {
  'changes a byte': ({ bytes, seals }, numbers) => {
    const next = Buffer.from(bytes)
    const where = numbers.below(next.length)
    next[where] = ((next[where] ?? 0) + 1 + numbers.below(255)) % 256
    return { bytes: next, seals }
  },
  'removes bytes': ({ bytes, seals }, numbers) => {
    const from = numbers.below(bytes.length)
    const to = from + 1 + numbers.below(bytes.length - from)
    return { bytes: Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]), seals }
  },
  'edits a text, its checksum fits': forged((journal, numbers) => {
    const one = at(journal, numbers)
    journal.records = journal.records.map((each, index) =>
      index === one ? { ...each, text: edited(each.text, numbers) } : each,
    )
  }),
  'edits a text, all checksums and hashes fit': forged((journal, numbers) => {
    const one = at(journal, numbers)
    journal.records = rechained(journal.records).map((each, index) =>
      index === one ? { ...each, text: edited(each.text, numbers) } : each,
    )
  }),
  'writes the same text in another way': forged((journal, numbers) => {
    const one = at(journal, numbers)
    const records = numbers.chance(0.5) ? rechained(journal.records) : journal.records
    journal.records = records.map((each, index) =>
      index === one ? { ...each, text: respelled(each.text) } : each,
    )
  }),
  'edits group indexes': forged((journal, numbers) => {
    journal.records = journal.records.map((each) => ({ ...each, b: numbers.below(each.seq) }))
  }),
  'removes a record': forged((journal, numbers) => {
    const one = at(journal, numbers)
    const rest = journal.records.filter((_, index) => index !== one)
    journal.records = numbers.chance(0.5) ? rechained(renumbered(journal, rest)) : rest
  }),
  'inserts a record': forged((journal, numbers, other) => {
    const one = at(journal, numbers)
    const more = numbers.chance(0.5) ? journal.records[one] : other.records[at(other, numbers)]
    const all = [...journal.records.slice(0, one), more, ...journal.records.slice(one)]
    const next = renumbered(journal, all)
    journal.records = numbers.chance(0.7) ? rechained(next) : next
  }),
  'moves a record': forged((journal, numbers) => {
    const all = [...journal.records]
    const [moved] = all.splice(at(journal, numbers), 1)
    all.splice(at(journal, numbers), 0, moved as ForgedRecord)
    const next = renumbered(journal, all)
    journal.records = numbers.chance(0.7) ? rechained(next) : next
  }),
  'cuts off the end': forged((journal, numbers) => {
    journal.records = journal.records.slice(0, at(journal, numbers))
  }),
  'cuts off the end, and the seals of it': (sealed, numbers) => {
    const lines = sealed.seals.split('\n').slice(0, -1)
    const kept = lines.slice(0, numbers.below(lines.length))
    const until = JSON.parse(kept.at(-1) ?? '{"seq":0}').seq
    const journal = take(sealed.bytes)
    journal.records = journal.records.filter(({ seq }) => seq <= until)
    return { bytes: put(journal), seals: kept.map((line) => `${line}\n`).join('') }
  },
  'edits the header': forged(({ header }, numbers) => {
    const field = numbers.pick(Object.keys(HEADER))
    header[field] = HEADER[field]?.(numbers)
  }),
  'removes a field of the header': forged(({ header }, numbers) => {
    delete header[numbers.pick(Object.keys(header))]
  }),
  'strips the chain': forged((journal) => {
    delete journal.header['needs']
    delete journal.header['chain']
  }),
  'edits the state': forged((journal, numbers) => {
    const { header, state } = journal
    if (!header['base']) return
    const sum = numbers.below(10_000)
    journal.state = state.map((line) => line.replace(/"sum":\d+/, `"sum":${sum}`))
    const [, inner] = /"put":\{"state":(\{.*\})\}\}$/.exec(journal.state[0] ?? '') ?? []
    if (!inner) return
    const { memos } = JSON.parse(inner)
    header['base'].digest = `sha256:${sha256(JSON.stringify({ memos, sum }))}`
  }),
  'edits the base': forged(({ header }, numbers) => {
    if (!header['base']) return
    const field = numbers.pick(['seq', 'at', 'digest', 'hash'])
    header['base'][field] = field === 'seq' ? numbers.below(20) : sha256(String(numbers.next()))
  }),
  'edits a seal': (sealed, numbers) => {
    const lines = sealed.seals.split('\n').slice(0, -1)
    const one = numbers.below(lines.length)
    const edit = (line: string) =>
      numbers.chance(0.5)
        ? edited(line, numbers)
        : line.replace(/"hash":"[0-9a-f]{64}"/, `"hash":"${sha256(String(numbers.next()))}"`)
    const seals = lines.map((line, index) => `${index === one ? edit(line) : line}\n`).join('')
    return { ...sealed, seals }
  },
  'removes a seal': (sealed, numbers) => {
    const lines = sealed.seals.split('\n').slice(0, -1)
    const one = numbers.below(lines.length)
    const seals = lines.flatMap((line, index) => (index === one ? [] : [`${line}\n`])).join('')
    // That the last one is missing nobody sees, unless its seq is expected, which it is here.
    return { ...sealed, seals }
  },
  'takes the seals of another journal': (sealed, _, other) => ({ ...sealed, seals: other.seals }),
  'puts another journal in its place': (sealed, _, other) => ({ ...sealed, bytes: other.bytes }),
  'puts records of another journal in their place': forged((journal, _, other) => {
    journal.records = rechained(renumbered(journal, other.records))
  }),
}

export interface Outcome {
  manipulations: number
  /** They changed nothing that was sealed. */
  harmless: number
  readonly missed: string[]
  readonly by: Record<string, number>
}

/** Manipulates sealed journals so many times. The same seed gives the same journals and manipulations, apart from times and keys. */
export async function tamper(count: number, seed: number): Promise<Outcome> {
  const numbers = random(seed)
  const outcome: Outcome = { manipulations: 0, harmless: 0, missed: [], by: {} }
  let journals: Sealed[] = []
  for (let n = 0; outcome.manipulations < count; n++) {
    if (n % 2000 === 0) journals = await fresh(numbers)
    const sealed = numbers.pick(journals)
    const other = numbers.pick(journals)
    const name = numbers.pick(Object.keys(ATTACKS))
    const next = ATTACKS[name]?.(sealed, numbers, other) ?? sealed
    // What comes after the last seal is not sealed.
    const begin = next.bytes.subarray(0, sealed.bytes.length)
    if (begin.equals(sealed.bytes) && next.seals === sealed.seals) {
      outcome.harmless += 1
      continue
    }
    outcome.manipulations += 1
    outcome.by[name] = (outcome.by[name] ?? 0) + 1
    const last = JSON.parse(sealed.seals.split('\n').at(-2) ?? '').seq
    if ((await problemOf(next, last)) === undefined)
      outcome.missed.push(`seed ${seed}, number ${n}: nobody noticed that somebody ${name}`)
  }
  return outcome
}

/** Whole ones are found to be whole: else nothing would be proved by what is found. */
async function fresh(numbers: Random): Promise<Sealed[]> {
  const journals: Sealed[] = []
  for (let n = 0; n < 12; n++) {
    const sealed = await make(numbers)
    const problem = await problemOf(sealed, 0)
    if (problem !== undefined) throw new Error(`a whole journal is refused: ${problem}`)
    journals.push(sealed)
  }
  const forgery = await make(numbers, strangers)
  if ((await problemOf(forgery, 0)) === undefined) throw new Error('a stranger can sign seals')
  return journals
}

const isProgram = import.meta.url === pathToFileURL(process.argv[1] ?? '').href
if (isProgram) {
  const [count = '100000', seed = '1'] = process.argv.slice(2)
  const begin = performance.now()
  const { missed, ...outcome } = await tamper(Number(count), Number(seed))
  console.log(JSON.stringify(outcome, null, 2))
  for (const each of missed.slice(0, 20)) console.log(each)
  console.log(`${missed.length} missed, ${Math.round((performance.now() - begin) / 1000)} s`)
  process.exitCode = missed.length > 0 ? 1 : 0
}
