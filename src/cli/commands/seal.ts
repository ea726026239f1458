// ministore-ts seal: signs the head of a journal's hash chain.
import type { KeyObject } from 'node:crypto'
import { Command, Option } from 'commander'
import pc from 'picocolors'
import { Comparison } from '../../proof/seals/comparison.ts'
import { checkSignatures, makeSeal, type Seal, SealError } from '../../proof/seals/seal.ts'
import { describeDamage, isDamage } from '../sources/journal-file.ts'
import {
  appendSeal,
  loadPrivateKey,
  loadPublicKeys,
  loadSeals,
  sealsPath,
  whileLocked,
  writeKeyPair,
} from '../sources/seals-file.ts'
import { type Source, sourceOf } from '../sources/source.ts'
import { walkJournal } from '../sources/walk.ts'
import { print } from '../terminal/output.ts'
import { progress } from '../terminal/progress.ts'
import { Refusal, refusing } from '../terminal/refusal.ts'
import { safe } from '../terminal/text.ts'

interface Options {
  readonly key?: string
  readonly newKey?: string
  readonly out?: string
  readonly publicKey?: readonly string[]
  readonly format: 'pretty' | 'json'
}

export function sealCommand(): Command {
  return new Command('seal')
    .description(
      "Sign the head of a journal's hash chain, so that verify finds every later change.",
    )
    .argument('[journal]', 'a journal file, or its URL; it is only read, also while it is open')
    .option('--key <file>', 'the private key: Ed25519, PKCS #8 in PEM')
    .option('--new-key <file>', 'make a key pair in <file> and <file>.pub, and do nothing else')
    .option('--out <file>', 'the file of seals; default: <journal>.seals. A URL needs it')
    .option(
      '--public-key <file...>',
      'the public keys of earlier seals, if another private key signed them',
    )
    .addOption(
      new Option('--format <format>', 'how to report')
        .choices(['pretty', 'json'])
        .default('pretty'),
    )
    .addHelpText(
      'after',
      `
Appends one line to the file of seals: the identity of the journal, the last record and its hash, the time, and a
signature of these. The journal needs a hash chain: open it with { chain: true }, or make a copy that has one with
"copy --chain". All of it is read and compared with the earlier seals first. If it contradicts one, it is not sealed.

Keep the private key away from the machine that writes the journal, and a copy of the seals too.

Exit code: 0 sealed, 1 the journal is damaged or contradicts a seal, 2 it could not be done.

Examples:
  $ npx ministore-ts seal --new-key keys/audit
  $ npx ministore-ts seal data/broker.jsonl --key keys/audit
  $ npx ministore-ts seal "postgres://db.example.org/app#broker" --key keys/audit --out broker.seals
`,
    )
    .action(refusing(runSeal))
}

async function runSeal(journal: string | undefined, options: Options): Promise<void> {
  const { key, newKey, format } = options
  if (newKey !== undefined) {
    if (journal !== undefined || key !== undefined)
      throw new Error('--new-key makes a key and seals nothing: name no journal and no --key')
    const publicKey = await writeKeyPair(newKey)
    const told = `${pc.green('ok')} ${safe(`${newKey}: the private key; ${publicKey}: the public key, for verify`)}`
    const text = format === 'json' ? JSON.stringify({ privateKey: newKey, publicKey }) : told
    return void (await print(`${text}\n`))
  }
  if (journal === undefined || key === undefined)
    throw new Error('name a journal and --key <file>; or make a key with --new-key <file>')
  const source = await sourceOf(journal)
  const out = options.out ?? (source.path === undefined ? undefined : sealsPath(source.path))
  if (out === undefined) throw new Error('a journal at a URL needs --out <file> for its seals')
  const privateKey = await loadPrivateKey(key)
  const publicKeys = await loadPublicKeys(options.publicKey ?? [])
  try {
    const seal = await whileLocked(out, () => sealJournal(source, out, privateKey, publicKeys))
    await report(source.name, out, seal, options)
  } catch (error) {
    if (error instanceof SealError) throw new Refusal(`${error.message}\n  It was not sealed`)
    throw isDamage(error) ? new Refusal(describeDamage(error)) : error
  }
}

async function sealJournal(
  source: Source,
  out: string,
  privateKey: KeyObject,
  publicKeys: readonly KeyObject[],
): Promise<Seal> {
  const before = await loadSeals(out)
  checkSignatures(before, [privateKey, ...publicKeys], out)
  const comparison = new Comparison(before)
  const told = progress('sealing', source.name)
  const walked = walkJournal(source, comparison, told, { isToSeal: true })
  const { statement, found } = await walked.finally(() => told.end())
  if (found && found.kind !== 'torn_write')
    throw new Error(
      `${source.name}: a crash left its end unfinished: open it, or run repair, first`,
    )
  if (!statement) {
    const next = `npx ministore-ts copy ${JSON.stringify(source.name)} <new journal> --chain`
    throw new Refusal(`${source.name} has no hash chain to seal. Make a copy that has one: ${next}`)
  }
  const { contradictions } = comparison.verdict
  if (contradictions.length > 0) throw new SealError(contradictions.join('\n  '))
  const seal = makeSeal(statement, before, privateKey, new Date().toISOString())
  await appendSeal(out, `${JSON.stringify(seal)}\n`)
  return seal
}

async function report(journal: string, file: string, seal: Seal, { format }: Options) {
  const { number, seq, hash, at, key } = seal
  const told = `${pc.green('ok')} ${safe(`${journal}: seal ${number} in ${file}: record ${seq}, hash ${hash}`)}`
  const text =
    format === 'json' ? JSON.stringify({ journal, file, number, seq, hash, at, key }) : told
  await print(`${text}\n`)
}
