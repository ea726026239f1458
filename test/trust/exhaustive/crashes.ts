// Everything that a crash can leave of a simulated disk, one after the other instead of at random.
import { createHash } from 'node:crypto'
import { applyMove, copyPlatter, cutPower, type Platter } from '../../../src/testing/platter.ts'

/** What a power cut can leave: each subset of directory operations, each content of each unsynced sector, each size. */
export function* powerCuts(platter: Platter): Generator<Platter> {
  for (const renamed of alternatives(platter, loseNames)) yield* alternatives(renamed, cutPower)
}

/** First the names alone, so that contents are only chosen for files that have one. */
function loseNames(platter: Platter): void {
  for (const move of platter.moves)
    if (platter.random.chance(0.5)) applyMove(platter.durableNames, move)
  platter.moves = []
  platter.names = new Map(platter.durableNames)
}

/** A copy for each way in which `run` can choose. */
function* alternatives(from: Platter, run: (copy: Platter) => void): Generator<Platter> {
  // An odometer: which of its options each choice took, and how many there were.
  const taken: number[] = []
  const counts: number[] = []
  do {
    let choices = 0
    const choose = <T>(options: readonly T[]): T => {
      const choice = choices++
      counts[choice] = options.length
      taken[choice] ??= 0
      return options[taken[choice]] as T
    }
    const copy = copyPlatter(from, {
      chance: () => choose([false, true]),
      pick: (options) => choose(distinct(options)),
    })
    run(copy)
    yield copy
    counts.length = choices
    taken.length = choices
    while (taken.length > 0 && (taken.at(-1) ?? 0) + 1 === counts[taken.length - 1]) taken.pop()
    const last = taken.length - 1
    if (last >= 0) taken[last] = (taken[last] ?? 0) + 1
  } while (taken.length > 0)
}

function distinct<T>(options: readonly T[]): T[] {
  const byContent = new Map<string, T>()
  for (const option of options) {
    const key = option instanceof Uint8Array ? Buffer.from(option).toString('latin1') : `${option}`
    if (!byContent.has(key)) byContent.set(key, option)
  }
  return [...byContent.values()]
}

/** The same for two disks that no process and no crash can tell apart. */
export function fingerprint(platter: Platter): string {
  const hash = createHash('sha1')
  const numbers = new Map<object, number>()
  const add = (...parts: (string | number | Uint8Array)[]) => {
    for (const part of parts) {
      const bytes = typeof part === 'object' ? part : `${part}`
      hash.update(`${bytes.length}:`).update(bytes)
    }
  }
  const addFile = (inode: Platter['names'] extends Map<string, infer I> ? I : never) => {
    const known = numbers.get(inode)
    if (known !== undefined) return add('again', known)
    numbers.set(inode, numbers.size)
    add(inode.visible, inode.durable, ...inode.sizes, 'sectors')
    for (const [sector, contents] of inode.dirty) add(sector, ...contents)
  }
  for (const names of [platter.names, platter.durableNames]) {
    add('names')
    for (const path of [...names.keys()].sort()) {
      add(path)
      const inode = names.get(path)
      if (inode) addFile(inode)
    }
  }
  for (const { directory, removed = '', added } of platter.moves) {
    add('move', directory, removed)
    if (added) {
      add(added[0])
      addFile(added[1])
    }
  }
  return hash.digest('base64')
}
