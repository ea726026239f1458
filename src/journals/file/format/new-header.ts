// The header of a journal that does not exist yet.
import { randomUUID } from 'node:crypto'
import { type ChainOption, featuresOf } from '../../chain/features.ts'
import { newChain } from '../../chain/hash.ts'
import { encodeHeader } from './line.ts'

export interface NewJournal {
  readonly store: string
  /** `true`: with a hash chain. A string: what the chain begins with. */
  readonly chain?: ChainOption
}

export function newHeader({ store, chain: option }: NewJournal): Buffer {
  const created = new Date().toISOString()
  const header = { format: 'ministore', version: 1, journal: randomUUID(), store, created } as const
  const chain = option === true ? newChain() : option || undefined
  return Buffer.from(encodeHeader({ ...header, ...featuresOf(chain) }))
}
