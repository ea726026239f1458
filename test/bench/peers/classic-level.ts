// LevelDB, through Node's thread pool.
import { join } from 'node:path'
import type { Contestant } from '../measure.ts'
import { recordText } from '../orders.ts'
import { load } from './load.ts'

interface Level {
  open(): Promise<void>
  put(key: string, value: string, options: { sync: boolean }): Promise<void>
  close(): Promise<void>
}
interface ClassicLevel {
  readonly ClassicLevel: new (path: string) => Level
}

export const classicLevel: Contestant = {
  name: 'classic-level',
  role: 'peer',
  note: 'put with sync: true; LevelDB groups what its threads write at the same time',
  isDurable: true,
  isGrouping: true,
  async start(directory) {
    const { ClassicLevel } = load<ClassicLevel>('classic-level')
    const level = new ClassicLevel(join(directory, 'level'))
    await level.open()
    return {
      call: (n) => level.put(String(n).padStart(12, '0'), recordText(n), { sync: true }),
      close: () => level.close(),
    }
  },
}
