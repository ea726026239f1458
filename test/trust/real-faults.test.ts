// Faults that the kernel really makes: failed calls, short writes, full disks, slow syncs, power cuts.
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { random } from 'ministore-ts/testing'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { tempJournal } from '../file/temp-journal.ts'
import { isLong } from '../long.ts'
import { bank, type Job, type Said } from './children/bank.ts'
import { Mount, whyNoMount } from './mounts.ts'
import { whyNot } from './probe.ts'
import { buildWriter, type Program } from './program.ts'
import { findPoints, inPairs, keptBeside, prepare, runTraced, SCENARIOS } from './scenarios.ts'
import { makeSteps, STEPS, step } from './steps.ts'
import { type Strace, strace, whyNoStrace } from './strace.ts'
import { Witness } from './witness.ts'
import { BrokenPromise } from './world.ts'

// Seconds where nothing else runs; a busy machine takes its time.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

function skipped(what: string, why: string | undefined): boolean {
  if (why !== undefined) console.log(`skipped, as ${why}: ${what}`)
  return why !== undefined
}

let program: Program
beforeAll(async () => {
  program = await buildWriter()
})
afterAll(() => program.remove())

/** The ids of STEPS by the group commits they go out in. */
const GROUPS = [[11], [12], [13], [14, 15, 16], [17], [18]]
// Printed, so that a failure can be had again: MINISTORE_SEED=… npm test
const SEED = Number(process.env['MINISTORE_SEED'] ?? Date.now() % 2 ** 31)
const SEEDED = [1, 2, 3].map((id) => step(id))

/** A journal with three acknowledged records, and who knows of them. */
async function seeded(
  path = tempJournal('bank.jsonl'),
): Promise<{ path: string; witness: Witness }> {
  const store = await bank.open(path)
  for (const { mutations, key } of SEEDED) await store.dispatchAll(mutations, { key })
  await store.close()
  const witness = new Witness(path)
  witness.hear(SEEDED, [
    { what: 'opened', seq: 0 },
    ...SEEDED.map(({ id }) => ({ what: 'acknowledged', id, seq: id }) as const),
  ])
  return { path, witness }
}

async function run(wrapper: readonly string[], job: Job): Promise<readonly Said[]> {
  const child = program.start(wrapper)
  child.give(job)
  expect(await child.ended, child.complaint).toBe(0)
  return child.said
}

/** What became of each dispatch. */
function outcomes(said: readonly Said[]): Record<number, string> {
  return Object.fromEntries(
    said.flatMap((word): [number, string][] => {
      if (word.what === 'acknowledged') return [[word.id, 'ok']]
      return word.what === 'failed' ? [[word.id, word.code]] : []
    }),
  )
}

/** The groups before the failing one (counted from 1) are acknowledged, the later ones refused. */
function failingIn(group: number, code: 'io' | 'unknown'): Record<number, string> {
  const codeOf = (index: number) => (index + 1 < group ? 'ok' : index + 1 === group ? code : 'io')
  return Object.fromEntries(GROUPS.flatMap((ids, index) => ids.map((id) => [id, codeOf(index)])))
}

const messageOf = (said: readonly Said[], id: number) =>
  said.find((word) => word.what === 'failed' && word.id === id) as { message: string } | undefined

/** Reads went on: after all that failed, everything acknowledged could be read. */
function expectReading(said: readonly Said[], acknowledged: number): void {
  const seqs = Array.from({ length: acknowledged }, (_, index) => index + 1)
  expect(said).toContainEqual({ what: 'read', seq: acknowledged, seqs })
  expect(said.at(-1)).toEqual({ what: 'closed' })
}

/** What the journal's descriptor was used for since the call that failed. */
function callsAfterFault({ readCalls }: Strace): string[] {
  const calls = readCalls()
  return calls.slice(calls.findIndex((call) => call.endsWith('!')))
}

/** What a writer of STEPS calls, in order, when nothing fails. */
let usual: Promise<readonly string[]> | undefined
async function traceUsual(): Promise<readonly string[]> {
  const { path } = await seeded()
  const { wrapper, readCalls } = strace(path, [])
  await run(wrapper, { path, steps: STEPS, sync: 'blocking' })
  return readCalls()
}

/** How often it makes this call, in all or before the sync of that group commit. */
async function count(name: string, group?: number): Promise<number> {
  usual ??= traceUsual()
  const calls = await usual
  const syncs = [...calls.keys()].filter((index) => calls[index] === 'fdatasync')
  expect(syncs).toHaveLength(GROUPS.length)
  return calls.slice(0, group && syncs[group - 1]).filter((call) => call === name).length
}

const noStrace = whyNoStrace()
const SYNCS = ['async', 'blocking'] as const

describe.skipIf(skipped('injected errors', noStrace))('a call that the kernel fails', () => {
  for (const sync of SYNCS) {
    test.each(sync === 'async' ? [1, 4] : [2, 6])(
      `EIO on fdatasync %d, sync: ${sync}: refused with io and absent after reopening`,
      async (nth) => {
        const { path, witness } = await seeded()
        const tracing = strace(path, [`fdatasync:error=EIO:when=${nth}`])
        const said = await run(tracing.wrapper, { path, steps: STEPS, sync })
        expect(outcomes(said)).toEqual(failingIn(nth, 'io'))
        const acknowledged = 3 + GROUPS.slice(0, nth - 1).flat().length
        expectReading(said, acknowledged)
        expect(messageOf(said, GROUPS[nth - 1]?.[0] ?? 0)?.message).toMatch(/rolled back.*EIO/)
        // No second sync of it, no later write: only the rollback.
        expect(callsAfterFault(tracing)).toEqual(['fdatasync!', 'ftruncate', 'fsync'])
        witness.hear(STEPS, said)
        expect(await witness.look()).toMatchObject({ records: acknowledged, found: undefined })
      },
    )
  }

  test.each([1, 2, 4])(
    'ENOSPC on write %d: refused with io and absent after reopening',
    async (nth) => {
      const { path, witness } = await seeded()
      const when = await count('pwrite64', nth)
      const tracing = strace(path, [`pwrite64:error=ENOSPC:when=${when}`])
      const said = await run(tracing.wrapper, { path, steps: STEPS, sync: 'blocking' })
      expect(outcomes(said)).toEqual(failingIn(nth, 'io'))
      const acknowledged = 3 + GROUPS.slice(0, nth - 1).flat().length
      expectReading(said, acknowledged)
      expect(callsAfterFault(tracing)).toEqual(['pwrite64!', 'ftruncate', 'fsync'])
      witness.hear(STEPS, said)
      expect(await witness.look()).toMatchObject({ records: acknowledged, found: undefined })
    },
  )

  test('EIO on fdatasync, and the rollback fails as well: unknown, and what was written is there', async () => {
    const { path, witness } = await seeded()
    const rollback = (await count('ftruncate')) + 1
    const faults = ['fdatasync:error=EIO:when=4', `ftruncate:error=EIO:when=${rollback}`]
    const said = await run(strace(path, faults).wrapper, { path, steps: STEPS, sync: 'blocking' })
    expect(outcomes(said)).toEqual(failingIn(4, 'unknown'))
    expectReading(said, 6)
    witness.hear(STEPS, said)
    expect(await witness.look()).toMatchObject({ records: 9, untold: 3 })
  })

  test('EIO on fdatasync and on the sync of the rollback: unknown, and nothing is lost', async () => {
    const { path, witness } = await seeded()
    const rollback = (await count('fsync')) + 1
    const faults = ['fdatasync:error=EIO:when=4', `fsync:error=EIO:when=${rollback}`]
    const said = await run(strace(path, faults).wrapper, { path, steps: STEPS, sync: 'blocking' })
    expect(outcomes(said)).toEqual(failingIn(4, 'unknown'))
    expectReading(said, 6)
    witness.hear(STEPS, said)
    const { records } = await witness.look()
    expect([6, 7, 8, 9]).toContain(records)
  })
})

describe.skipIf(skipped('openings that fail', noStrace))(
  'an opening of which any call fails',
  () => {
    test.each([
      'creating a journal and its directory',
      'creating a journal where half a header is',
      'cutting off a torn write',
      'adding a lost newline',
    ] as const)('%s, is refused with io, and the next one gives all', async (what) => {
      const scenario = await SCENARIOS[what]()
      const points = await findPoints(program, scenario)
      expect(points.at(-1)).toEqual({ name: 'fdatasync', nth: 1 })
      // The last two are the dispatch behind it.
      const chosen = points.slice(0, -2).filter((_, index) => isLong || index % 3 === 0)
      await inPairs(chosen, async (point) => {
        const at = `${point.name}, number ${point.nth}, fails`
        const { path, witness } = prepare(scenario)
        const { steps, torn } = scenario
        const error = point.name === 'pwrite64' ? 'ENOSPC' : 'EIO'
        const { ended, said } = await runTraced(program, { path, steps }, point, `error=${error}`)
        expect(ended, at).toBe(0)
        expect(said.slice(1), at).toMatchObject([{ what: 'not opened', code: 'io' }])
        witness.hear(steps, said)
        await witness.look()
        if (torn) expect(keptBeside(path), at).toContainEqual(torn)
      })
    })
  },
)

const noLimit = whyNot(['prlimit', '--fsize=5000', 'true'])

describe.skipIf(skipped('files that may not grow', noLimit))('a file that may not grow', () => {
  const limited = (bytes: number) => ['prlimit', `--fsize=${bytes}`]

  test('a write that really is short: refused with io, cut off, and absent after reopening', async () => {
    const { path, witness } = await seeded()
    const before = readFileSync(path)
    const said = await run(limited(before.length + 50), { path, steps: STEPS })
    expect(outcomes(said)).toEqual(failingIn(1, 'io'))
    expect(messageOf(said, 11)?.message).toMatch(/short write, 50 of \d+ bytes/)
    expectReading(said, 3)
    expect(readFileSync(path)).toEqual(before)
    witness.hear(STEPS, said)
    expect(await witness.look()).toMatchObject({ records: 3, found: undefined })
  })

  test('EFBIG where nothing can be written: refused with io, and the process lives on', async () => {
    const { path, witness } = await seeded()
    const said = await run(limited(statSync(path).size), { path, steps: STEPS })
    expect(outcomes(said)).toEqual(failingIn(1, 'io'))
    expect(messageOf(said, 11)?.message).toMatch(/rolled back.*EFBIG/)
    expectReading(said, 3)
    witness.hear(STEPS, said)
    expect(await witness.look()).toMatchObject({ records: 3, found: undefined })
  })

  test('what fitted is acknowledged and stays, from the creation of the journal on', async () => {
    const path = tempJournal('bank.jsonl')
    const witness = new Witness(path)
    for (const round of [1, 2, 3]) {
      const steps = Array.from({ length: 50 }, (_, index) => step(round * 100 + index))
      const said = await run(limited(round * 5000), { path, steps })
      witness.hear(steps, said)
      const codes = Object.values(outcomes(said))
      expect(codes).toEqual(codes.toSorted().toReversed())
      expect(new Set(codes)).toEqual(new Set(['ok', 'io']))
      const { records, found } = await witness.look()
      expect({ records, found }).toEqual({ records: witness.acknowledged, found: undefined })
    }
  })

  test.skipIf(noStrace)(
    'a short write that cannot be cut off: unknown, and torn off at reopening',
    async () => {
      const { path, witness } = await seeded()
      const size = statSync(path).size
      const rollback = (await count('ftruncate')) + 1
      const { wrapper } = strace(path, [`ftruncate:error=EIO:when=${rollback}`])
      const said = await run([...wrapper, ...limited(size + 50)], {
        path,
        steps: STEPS,
        sync: 'blocking',
      })
      expect(outcomes(said)).toEqual(failingIn(1, 'unknown'))
      expectReading(said, 3)
      expect(statSync(path).size).toBe(size + 50)
      witness.hear(STEPS, said)
      const { records, found } = await witness.look()
      expect({ records, found }).toMatchObject({
        records: 3,
        found: { kind: 'torn_write', bytes: 50 },
      })
      expect(statSync(`${path}.torn-4`).size).toBe(50)
    },
  )
})

describe.skipIf(skipped('full disks', whyNoMount('tmpfs')))('a full disk', () => {
  /** 1 MiB of which 16 KiB are left, and of these the lock file takes 4. */
  async function mounted(): Promise<{ path: string; ballast: string }> {
    const mount = new Mount('tmpfs')
    onTestFinished(() => mount.remove())
    await mount.make()
    const ballast = join(mount.directory, 'ballast')
    writeFileSync(ballast, Buffer.alloc(2 ** 20 - 2 ** 14))
    return { path: join(mount.directory, 'bank.jsonl'), ballast }
  }

  function fillUp(ballast: string): void {
    for (let page = 0; page < 4; page++) {
      try {
        appendFileSync(ballast, Buffer.alloc(4096))
      } catch {}
    }
  }

  test('a write that really is short: refused with io, and what was acknowledged stays', async () => {
    const { path, ballast } = await mounted()
    const witness = new Witness(path)
    const steps = Array.from({ length: 20 }, (_, index) =>
      step(index + 1, { memo: 'x'.repeat(900) }),
    )
    const said = await run([], { path, steps })
    witness.hear(steps, said)
    const fitted = witness.acknowledged
    expect(fitted).toBeGreaterThan(5)
    expect(messageOf(said, fitted + 1)?.message).toMatch(/rolled back.*short write/)
    expectReading(said, fitted)
    // Also while the disk is still full.
    expect(await witness.look()).toMatchObject({ records: fitted, found: undefined })
    unlinkSync(ballast)
    const again = await run([], { path, steps })
    expect(Object.values(outcomes(again))).toEqual(steps.map(() => 'ok'))
    witness.hear(steps, again)
    expect(await witness.look()).toMatchObject({ records: 20, untold: 0 })
  })

  test('ENOSPC where nothing can be written: refused with io, and nothing is lost', async () => {
    const { path, ballast } = await mounted()
    const { witness } = await seeded(path)
    const [line = ''] = readFileSync(path, 'utf8').split('\n').slice(-2)
    // Ends where a page ends; its seq is as long as the one before.
    const page = 4096
    const room = page - ((statSync(path).size + line.length + 1) % page)
    const last = step(4, { memo: 'memo 4'.padEnd('memo 4'.length + room) })
    const filled = await run([], { path, steps: [last] })
    witness.hear([last], filled)
    expect(statSync(path).size % page).toBe(0)
    fillUp(ballast)
    const said = await run([], { path, steps: STEPS })
    expect(outcomes(said)).toEqual(failingIn(1, 'io'))
    expect(messageOf(said, 11)?.message).toMatch(/rolled back.*ENOSPC/)
    expectReading(said, 4)
    witness.hear(STEPS, said)
    expect(await witness.look()).toMatchObject({ records: 4, found: undefined })
    unlinkSync(ballast)
    witness.hear(STEPS, await run([], { path, steps: STEPS }))
    expect(await witness.look()).toMatchObject({ records: 4 + STEPS.length, untold: 0 })
  })

  test('a torn write that cannot be kept is not cut off: refused with io until there is room', async () => {
    const { path, ballast } = await mounted()
    const { witness } = await seeded(path)
    appendFileSync(path, '{"seq":4,"at":"2026-11-22T1')
    const bytes = readFileSync(path)
    fillUp(ballast)
    for (const attempt of [1, 2]) {
      const refused = await bank.open(path).catch((error) => error)
      expect(refused, `${attempt}`).toMatchObject({ code: 'io' })
      expect(refused.message).toMatch(/ENOSPC|short write/)
      expect(readFileSync(path)).toEqual(bytes)
    }
    expect((await bank.replay(path)).seq).toBe(3)
    unlinkSync(ballast)
    expect(await witness.look()).toMatchObject({ records: 3, found: { kind: 'torn_write' } })
  })

  test('a journal that cannot be created is refused with io, leaves nothing, and can be created later', async () => {
    const { path, ballast } = await mounted()
    fillUp(ballast)
    for (const attempt of [1, 2]) {
      expect(await bank.open(path).catch((error) => error), `${attempt}`).toMatchObject({
        code: 'io',
      })
      expect(existsSync(path)).toBe(false)
    }
    unlinkSync(ballast)
    const witness = new Witness(path)
    witness.hear(STEPS, await run([], { path, steps: STEPS }))
    expect(await witness.look()).toMatchObject({ records: STEPS.length })
    expect(readdirSync(dirname(path)).sort()).toEqual(['bank.jsonl', 'bank.jsonl.lock'])
  })
})

describe.skipIf(skipped('slow syncs', noStrace))('a sync that takes its time', () => {
  test('what is dispatched meanwhile shares the next one, and reads go on', async () => {
    const { path, witness } = await seeded()
    const tracing = strace(path, ['fdatasync:delay_exit=1500000'], { threads: 4 })
    const later = Array.from({ length: 10 }, (_, index) =>
      step(20 + index, { followed: 'at once' }),
    )
    const steps = [step(11, { followed: 'in the air' }), ...later]
    const said = await run(tracing.wrapper, { path, steps })
    const ids = steps.map(({ id }) => id)
    expect(said.map((word) => ('id' in word ? word.id : word.what))).toEqual(
      // The read is the last that was asked for, and the first that was answered.
      ['ready', 'opened', 'read', ...ids, 'closed'],
    )
    expect(said).toContainEqual({ what: 'read', seq: 3, seqs: [1, 2, 3] })
    const records = readFileSync(path, 'utf8').trimEnd().split('\n').slice(4)
    expect(records.map((line) => JSON.parse(line).b ?? 0)).toEqual([0, ...later.keys()])
    expect(tracing.readCalls().filter((call) => call.startsWith('fdatasync'))).toHaveLength(2)
    witness.hear(steps, said)
    expect(await witness.look()).toMatchObject({ records: 14, untold: 0 })
  })
})

for (const kind of ['ext4', 'xfs'] as const) {
  describe.skipIf(skipped(`power cuts on ${kind}`, whyNoMount(kind)))(
    `a power cut on ${kind}`,
    () => {
      async function mounted(): Promise<{ mount: Mount; path: string }> {
        const mount = new Mount(kind)
        onTestFinished(() => mount.remove())
        await mount.make()
        return { mount, path: join(mount.directory, 'bank.jsonl') }
      }

      /**
       * Cuts the power when it has said so many words; resolves when there is power again, with what
       * it had said before. What ext4 syncs at that very moment it may call synced, and then loses it
       * all the same, also to a program of nothing but `pwrite` and `fdatasync`. Who loses power has
       * told nobody by then.
       */
      async function cutAfter(mount: Mount, words: number, job: Job): Promise<readonly Said[]> {
        const child = program.start()
        onTestFinished(() => child.kill())
        const cut = await mount.prepareCut()
        child.give(job)
        await child.saying((said) => said.length >= words)
        const before = child.said.length
        await cut()
        expect(await child.ended, child.complaint).toBe(0)
        await mount.unmount()
        await mount.mount()
        return child.said.filter(({ what }, index) => index < before || what !== 'acknowledged')
      }

      test('what was acknowledged is there when the power is back, and opening does not refuse', async () => {
        const { mount, path } = await mounted()
        const numbers = random(SEED)
        const tally = { records: 0, acknowledged: 0, untold: 0, found: 0, io: 0, unknown: 0 }
        for (const journal of isLong ? [1, 2] : [1]) {
          const witness = new Witness(`${path}.${journal}`)
          for (const cut of [1, 2, 3]) {
            const steps = makeSteps(numbers, cut * 1000, 120)
            // The first cut comes while the journal is created, or soon after.
            const words = cut === 1 ? 1 + numbers.below(4) : 10 + numbers.below(30)
            const job = { path: `${path}.${journal}`, steps, sync: numbers.pick(SYNCS) }
            const said = await cutAfter(mount, words, job)
            witness.hear(steps, said)
            const codes = Object.values(outcomes(said))
            for (const code of codes) expect(['ok', 'io', 'unknown']).toContain(code)
            tally.io += codes.filter((code) => code === 'io').length
            tally.unknown += codes.filter((code) => code === 'unknown').length
            const { records, untold, found } = await witness.look()
            tally.found += found ? 1 : 0
            if (cut < 3) continue
            tally.records += records
            tally.untold += untold
            tally.acknowledged += witness.acknowledged
          }
        }
        console.log(`${kind}, power cuts, seed ${SEED}:`, JSON.stringify(tally))
        expect(tally.acknowledged).toBeGreaterThan(10)
        expect(tally.io + tally.unknown).toBeGreaterThan(0)
      })

      test('takes nothing that an opening has shown, though it was never synced before', async () => {
        const { mount, path } = await mounted()
        const witness = new Witness(path)
        const steps = makeSteps(random(SEED), 1000, 60)
        const job: Job = { path, steps, durability: 'os' }
        witness.hear(steps, await run([], job))
        const { records } = await witness.look()
        const cut = await mount.prepareCut()
        await cut()
        await mount.unmount()
        await mount.mount()
        expect(await witness.look()).toMatchObject({ records, found: undefined, untold: 0 })
      })

      test('is a real one: what is not synced is lost', async () => {
        const { mount, path } = await mounted()
        const witness = new Witness(path)
        const steps = Array.from({ length: 400 }, (_, index) => step(index + 1))
        const said = await cutAfter(mount, 200, { path, steps, durability: 'os' })
        witness.hear(steps, said)
        expect(witness.acknowledged).toBeGreaterThan(100)
        await expect(witness.look()).rejects.toThrow(BrokenPromise)
      })
    },
  )
}
