// Where the figures come from: a machine, its disk, and the versions of everybody.
import { existsSync, readFileSync, statfsSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { here } from './install.ts'

export interface Environment {
  readonly cpu: string
  readonly cores: number
  readonly memoryGB: number
  readonly kernel: string
  readonly node: string
  /** Where the files are written. */
  readonly fileSystem: string
  readonly sync: string
  /** Of the last minute, when the run began: above the number of cores, the figures are coarse. */
  readonly load: number
  readonly rounds: number
  readonly records: number
  readonly isQuick: boolean
  readonly date: string
  readonly versions: Readonly<Record<string, string>>
}

export function describe(
  directory: string,
  run: Pick<Environment, 'rounds' | 'records' | 'isQuick'>,
): Environment {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGB: Math.round(totalmem() / 2 ** 30),
    kernel: `${process.platform} ${release()}`,
    node: process.version,
    fileSystem: fileSystemOf(directory),
    sync: 'fdatasync, or what the peer uses in its place (row: who really syncs)',
    load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
    ...run,
    date: new Date().toISOString(),
    versions: versions(),
  }
}

export const isLoaded = ({ load, cores }: Environment): boolean => load > cores / 2

/** From statfs(2). */
const TYPES: Readonly<Record<number, string>> = {
  61267: 'ext4',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  801189825: 'zfs',
  16914836: 'tmpfs: nothing is ever durable here',
  2035054128: 'overlayfs',
  26985: 'nfs',
}

function fileSystemOf(directory: string): string {
  const { type } = statfsSync(directory)
  return TYPES[type] ?? `type 0x${type.toString(16)}`
}

/** Of what is installed. */
function versions(): Record<string, string> {
  const { optionalDependencies } = readJson(join(here, 'package.json'))
  const names = Object.keys((optionalDependencies as object | undefined) ?? {})
  const found: Record<string, string> = {}
  for (const name of ['ministore-ts', 'immer', 'zod', ...names]) {
    // As import finds them: beside these files, else in the directories above.
    const places = [here, join(here, '../..')].map((from) => join(from, 'node_modules', name))
    const place = name === 'ministore-ts' ? join(here, '../..') : places.find(existsSync)
    if (place) found[name] = String(readJson(join(place, 'package.json'))['version'])
  }
  return found
}

const readJson = (path: string): Record<string, unknown> => JSON.parse(readFileSync(path, 'utf8'))
