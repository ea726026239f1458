// The hash chain of a journal, computed from what was submitted, without any of the code under test.
import { createHash } from 'node:crypto'
import { BrokenPromise } from './world.ts'

interface Line {
  readonly seq?: number
  readonly hash?: string
  readonly chain?: string
  readonly base?: { readonly seq: number; readonly hash?: string }
}

/** Throws BrokenPromise unless each record, and the base, has the hash that its text and all texts before it give. */
export function checkChain(bytes: Uint8Array, submitted: readonly string[]): void {
  const lines = Buffer.from(bytes).toString().split('\n').slice(0, -1)
  const [{ chain, base } = {}, ...rest] = lines.map((line) => JSON.parse(line) as Line)
  if (chain === undefined) throw new BrokenPromise('the journal has lost its hash chain')
  const hashes = [chain]
  for (const [index, text] of submitted.entries()) {
    const whole = `${hashes[index]}{"seq":${index + 1},${text.slice(1)}`
    hashes.push(createHash('sha256').update(whole).digest('hex'))
  }
  const records = rest.filter(({ seq }) => seq !== undefined)
  const wrong = [...(base ? [base] : []), ...records].find(
    ({ seq = 0, hash }) => hash !== hashes[seq],
  )
  if (wrong) throw new BrokenPromise(`the hash of record ${wrong.seq} is not that of its text`)
}
