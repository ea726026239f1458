// Several processes write to one journal while its servers are killed. `npm run chaos` does it for as long as you
// like, with more faults.
import { describe, expect, test } from 'vitest'
import { type CampaignOptions, campaign } from './chaos/campaign.ts'
import type { Told } from './chaos/report.ts'
import { verdict, type Witness } from './chaos/verdict.ts'

const QUICK = { seconds: 0, calm: 500, pace: 40 }

/** Undefined where there is no server: whoever starts them says so. */
async function quick(options: Pick<CampaignOptions, 'engine' | 'faults'>) {
  const result = await campaign({ ...QUICK, ...options })
  if (result) console.log(JSON.stringify(result.faults))
  return result
}

describe.concurrent('three processes that write and one that reads', () => {
  test('see one history while PostgreSQL is killed, and killed for good where a synchronous standby takes over', async ({
    skip,
  }) => {
    const result = (await quick({ engine: 'postgres', faults: ['kill', 'promote'] })) ?? skip()
    expect(result.broken).toEqual([])
    for (const { acknowledged } of Object.values(result.faults))
      expect(acknowledged).toBeGreaterThan(0)
  }, 120_000)

  test('see one history while the leader of a stream is killed, and then all servers of NATS at once', async ({
    skip,
  }) => {
    const result = (await quick({ engine: 'nats', faults: ['kill-leader', 'kill-all'] })) ?? skip()
    expect(result.broken).toEqual([])
    for (const { acknowledged } of Object.values(result.faults))
      expect(acknowledged).toBeGreaterThan(0)
  }, 120_000)

  test('see one history in SQLite while one of them is killed, and then all at once', async ({
    skip,
  }) => {
    const faults = ['kill-writer', 'kill-everybody']
    const result = (await quick({ engine: 'sqlite', faults })) ?? skip()
    expect(result.broken).toEqual([])
    for (const { acknowledged } of Object.values(result.faults))
      expect(acknowledged).toBeGreaterThan(0)
  }, 120_000)

  // It shows that the campaign can fail; what is below shows that in less time.
  const isLong = process.env['CHAOS_ALL'] !== undefined
  test.runIf(isLong)(
    'hear of it where a standby that commits did not wait for has lost what was acknowledged',
    async ({ skip }) => {
      const result = (await quick({ engine: 'postgres', faults: ['promote-async'] })) ?? skip()
      expect(result.broken).toContainEqual(expect.stringMatching(/^w\d: rewound: /))
      expect(result.broken).toContainEqual(expect.stringMatching(/^reader: rewound: /))
      expect(result.broken).toContainEqual(expect.stringMatching(/acknowledged as seq \d+, but is/))
    },
    120_000,
  )
})

describe('the verdict finds', () => {
  const part = (type: string, n: number, more: object = {}) => ({
    type,
    payload: { by: 'w1', n, ...more },
  })
  const journal = (...records: object[]) =>
    records.map((record, at) => ({ seq: at + 1, id: `id-${at}`, text: JSON.stringify(record) }))
  const NOTES = journal(part('note', 0), part('note', 1), part('note', 2))
  const witness = (...told: Told[]): Witness => ({
    told: new Map([['w1', told]]),
    digests: new Map(),
    replayed: { seq: 3, digest: 'd' },
  })

  test('nothing, where all is well', () => {
    const told: Told[] = [
      { what: 'acknowledged', n: 1, seq: 2, expected: 1 },
      { what: 'found', n: 2 },
      { what: 'missing', n: 3 },
      { what: 'refused', n: 4, code: 'taken' },
      { what: 'abandoned', n: 0 },
    ]
    expect(verdict(NOTES, witness(...told))).toEqual([])
  })

  test.each<[string, Told]>([
    ['an acknowledged record elsewhere', { what: 'acknowledged', n: 1, seq: 3 }],
    ['an acknowledged record nowhere', { what: 'acknowledged', n: 9, seq: 3 }],
    ['another seq than was expected', { what: 'acknowledged', n: 1, seq: 2, expected: 0 }],
    ['a refused record', { what: 'refused', n: 1, code: 'taken' }],
    ['an unknown outcome that was found wrongly', { what: 'found', n: 9 }],
    ['an unknown outcome that was missed wrongly', { what: 'missing', n: 1 }],
  ])('%s', (_, told) => {
    expect(verdict(NOTES, witness(told))).toHaveLength(1)
  })

  const take = (n: number, by = 'w1') => ({ type: 'take', payload: { by, n, name: 'x' } })
  test.each([
    ['a gap', NOTES.map((it) => ({ ...it, seq: it.seq + (it.seq > 1 ? 1 : 0) })), /^seq 3 stands/],
    ['an id twice', NOTES.map((it) => ({ ...it, id: 'same' })), /same id/],
    ['an operation twice', journal(part('note', 1), part('note', 1), part('note', 2)), /twice/],
    ['a name with two owners', journal(take(1), take(1, 'w2'), part('note', 2)), /which w1 has/],
    [
      'a budget that is exceeded in a batch',
      journal(part('note', 0), part('note', 1), {
        batch: [part('spend', 2, { amount: 40 }), part('spend', 2, { amount: 1 })],
      }),
      /41 is spent/,
    ],
    [
      'a record more than a replay gives',
      journal(...[0, 1, 2, 3].map((n) => part('note', n))),
      /ends/,
    ],
  ])('%s', (_, entries, sentence) => {
    expect(verdict(entries, witness())).toContainEqual(expect.stringMatching(sentence))
  })

  test('a process that ends in another state', () => {
    const digests = new Map([['w2', { seq: 3, digest: 'e' }]])
    expect(verdict(NOTES, { ...witness(), digests })).toEqual([expect.stringMatching(/^w2 ends/)])
  })
})
