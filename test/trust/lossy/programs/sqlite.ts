// Stores on one journal in SQLite, in one process: they take names, one after the other and many at once.
import { sqliteJournal } from 'ministore-ts/sqlite'
import { names } from '../../../shared/names.ts'
import { say, telling } from './said.ts'

const [file = '', life = ''] = process.argv.slice(2)
const open = () => names.open(sqliteJournal({ file, name: 'names' }))
const [one, two] = [await open(), await open()]
say('opened')

type Names = Awaited<ReturnType<typeof open>>

async function take(store: Names, by: string, size: number): Promise<void> {
  for (let number = 1; ; number++) {
    const name = `${by} ${life}.${number} ${'x'.repeat((number * 97) % size)}`
    await telling({ subject: name, value: by }, () => store.dispatch('take', { name, by }))
  }
}

await Promise.all([take(one, 'ann', 900), take(one, 'ben', 9), take(two, 'cleo', 9000)])
