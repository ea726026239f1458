// A partition in a fresh directory, and what its tests look at.
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { BrokerError } from '../../../../examples/walmq/broker/errors.ts'
import { type Disk, nodeDisk } from '../../../../examples/walmq/messages/disk.ts'
import { openPartition } from '../../../../examples/walmq/messages/partition.ts'
import type { Partition } from '../../../../examples/walmq/messages/types.ts'
import { type FaultyDisk, faultyDisk } from '../../../file/faulty-disk.ts'

export type OpenOptions = NonNullable<Parameters<typeof openPartition>[1]>

/** Removed after the test. The partition's own directory is not there yet. */
export function tempDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'walmq-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return join(directory, '1-logs', 'p0')
}

/** Closed after the test. */
export async function open(directory: string, options: OpenOptions = {}): Promise<Partition> {
  const partition = await openPartition(directory, options)
  onTestFinished(() => partition.close())
  return partition
}

/** For a moment only. */
export async function visit<R>(
  directory: string,
  use: (partition: Partition) => Promise<R>,
  options: OpenOptions = {},
): Promise<R> {
  const partition = await openPartition(directory, options)
  try {
    return await use(partition)
  } finally {
    await partition.close()
  }
}

export const message = (text: string, key?: string): { key?: string; body: Buffer } => ({
  body: Buffer.from(text),
  ...(key !== undefined && { key }),
})

/** The bodies of all that is there. */
export async function textsOf(partition: Partition): Promise<string[]> {
  const texts: string[] = []
  for (let next = partition.start; next < partition.end; ) {
    const messages = await partition.read(next)
    texts.push(...messages.map(({ body }) => body.toString()))
    next += messages.length
  }
  return texts
}

export const segmentNames = (directory: string): string[] =>
  readdirSync(directory)
    .filter((name) => name.endsWith('.wal'))
    .sort()

/** Of its last segment. */
export const lastPath = (directory: string): string =>
  join(directory, segmentNames(directory).at(-1) ?? 'none')

/** Everything a partition is, as it is now. */
export function copyOf(directory: string): string {
  const copy = tempDirectory()
  mkdirSync(copy, { recursive: true, mode: 0o700 })
  for (const name of readdirSync(directory)) copyFileSync(join(directory, name), join(copy, name))
  return copy
}

export const filesIn = (directory: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(directory)
      .sort()
      .map((name) => [name, readFileSync(join(directory, name), 'latin1')]),
  )

/** A disk that counts and fails on command. */
export function watchedDisk(): FaultyDisk & { readonly disk: Disk } {
  const real = nodeDisk()
  const faulty = faultyDisk(real)
  const disk = { ...faulty.fileSystem, list: real.list }
  return Object.assign(faulty, { disk })
}

/** The code of what it refuses with; anything else fails the test. */
export async function refusal(run: Promise<unknown>): Promise<BrokerError> {
  const error = await run.then(
    (value) => new Error(`resolved to ${JSON.stringify(value)}`),
    (error: unknown) => error,
  )
  if (error instanceof BrokerError) return error
  throw error
}
