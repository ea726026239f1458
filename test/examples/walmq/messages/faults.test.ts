// W15 and its like: a disk that fails. What was acknowledged stays; what failed is told, and is not there.
import { spawn } from 'node:child_process'
import { readFileSync, statSync, unlinkSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, test, vi } from 'vitest'
import {
  lastPath,
  message,
  open,
  refusal,
  segmentNames,
  tempDirectory,
  textsOf,
  watchedDisk,
} from './temp-partition.ts'

vi.setConfig({ testTimeout: 120_000 })

const failure = Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })

/** Two messages, and a disk that may fail. */
async function ready() {
  const directory = tempDirectory()
  const watched = watchedDisk()
  const partition = await open(directory, { disk: watched.disk })
  await partition.append([message('a')])
  await partition.append([message('b')])
  return { directory, watched, partition, size: statSync(lastPath(directory)).size }
}

describe('after a failed write or sync', () => {
  test.each([
    ['write', failure],
    ['write', 7],
    ['datasync', failure],
  ] as const)('(%s: %s) nothing is taken, reads go on, reopening works', async (which, fault) => {
    const { directory, watched, partition, size } = await ready()
    watched.fault = ({ operation }) => (operation === which ? fault : undefined)
    const [first, second] = [partition.append([message('c')]), partition.append([message('d')])]
    expect((await refusal(first)).code).toBe('storage')
    expect((await refusal(second)).code).toBe('storage')
    watched.fault = undefined
    const { operation } = watched.calls.at(-1) ?? {}
    expect(operation).toBe('sync')
    const calls = watched.calls.length
    expect(await refusal(partition.append([message('e')]))).toMatchObject({
      code: 'storage',
      path: lastPath(directory),
    })
    expect(watched.calls).toHaveLength(calls)
    expect(statSync(lastPath(directory)).size).toBe(size)
    expect(await textsOf(partition)).toEqual(['a', 'b'])
    await partition.close()
    const again = await open(directory)
    expect(again.repairs).toEqual([])
    expect(await again.append([message('f')])).toBe(2)
    expect(await textsOf(again)).toEqual(['a', 'b', 'f'])
  })

  test('those that wait for the next write are refused, too', async () => {
    const { watched, partition } = await ready()
    watched.fault = ({ operation }) => (operation === 'datasync' ? failure : undefined)
    const first = partition.append([message('c')])
    while (
      watched.syncing === 0 &&
      !watched.calls.some(({ operation }) => operation === 'truncate')
    )
      await new Promise(setImmediate)
    const second = partition.append([message('d')]).catch((error) => error)
    expect((await refusal(first)).code).toBe('storage')
    expect(await second).toMatchObject({ code: 'storage' })
  })

  test('that cannot be rolled back: what was acknowledged is there, the rest may be', async () => {
    const { directory, watched, partition } = await ready()
    watched.fault = ({ operation }) =>
      operation === 'datasync' || operation === 'truncate' ? failure : undefined
    const error = await refusal(partition.append([message('c')]))
    expect(error.message).toContain('nor rolled back')
    expect(await textsOf(partition)).toEqual(['a', 'b'])
    await partition.close()
    expect(await textsOf(await open(directory))).toEqual(['a', 'b', 'c'])
  })

  test.each(['open', 'syncDir', 'close'] as const)(
    'at the beginning of a new segment (%s): nothing is lost, reopening works',
    async (which) => {
      const directory = tempDirectory()
      const watched = watchedDisk()
      const options = { segmentBytes: 20, disk: watched.disk }
      const partition = await open(directory, options)
      await partition.append([message('a')])
      watched.fault = ({ operation }) => (operation === which ? failure : undefined)
      expect((await refusal(partition.append([message('b')]))).code).toBe('storage')
      watched.fault = undefined
      expect(await textsOf(partition)).toEqual(['a'])
      await partition.close()
      const again = await open(directory, options)
      await again.append([message('c')])
      expect(await textsOf(again)).toEqual(['a', 'c'])
      expect(segmentNames(directory)).toHaveLength(2)
    },
  )
})

describe('a file that is not ours any more', () => {
  test('since it was removed or written by somebody else, takes nothing', async () => {
    const { directory, partition } = await ready()
    const other = await open(directory)
    await other.append([message('other')])
    expect((await refusal(partition.append([message('c')]))).code).toBe('storage')
    const bytes = readFileSync(lastPath(directory))
    expect(bytes.includes('other')).toBe(false)
    unlinkSync(lastPath(directory))
    expect((await refusal(other.append([message('c')]))).code).toBe('storage')
  })
})

describe('W15: a file-size limit', () => {
  const CHILD = fileURLToPath(new URL('publisher.ts', import.meta.url))

  /** What a process with that limit says of its appends. */
  async function publish(directory: string, limit: number, count: number): Promise<string[]> {
    const node = [process.execPath, '--import', 'jiti/register', CHILD, directory, `${count}`]
    const child = spawn('prlimit', [`--fsize=${limit}`, ...node], {
      env: { ...process.env, JITI_TSCONFIG_PATHS: 'true' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = new Promise((resolve) => child.once('close', resolve))
    const said: string[] = []
    for await (const line of createInterface({ input: child.stdout })) said.push(line)
    expect(await ended).toBe(0)
    return said
  }

  test('makes publishing fail, loses nothing, and reopening works', async () => {
    const directory = tempDirectory()
    // What jiti compiles and keeps is over the limits as well: once without them.
    await publish(directory, 2 ** 30, 0)
    let acknowledged: string[] = []
    for (const limit of [2000, 2010, 5000]) {
      const said = await publish(directory, limit, 60)
      const fitted = said.indexOf('storage')
      expect(said.slice(fitted, -1)).toEqual(said.slice(fitted, -1).map(() => 'storage'))
      acknowledged = [...acknowledged, ...said.slice(0, fitted)]
      // Read by the same process, after it had failed.
      expect(said.at(-1)).toBe(`read ${acknowledged.length}`)
      expect(statSync(lastPath(directory)).size).toBeLessThanOrEqual(limit)
    }
    expect(acknowledged.length).toBeGreaterThan(40)
    const partition = await open(directory)
    expect(await textsOf(partition)).toEqual(acknowledged)
    expect(await partition.append([message('next')])).toBe(acknowledged.length)
  })
})
