// Many records into a journal that is open, a group at a time.
import type { Journal, NewEntry } from '../../port/journal.ts'
import { Refusal } from '../terminal/refusal.ts'

/** One append, and so one sync, for so many records, or so many characters of them. */
const GROUP_RECORDS = 1000
const GROUP_CHARACTERS = 2 ** 22

interface Appender {
  /** The last seq that is durable. */
  readonly seq: number
  add(entry: NewEntry): Promise<void>
  flush(): Promise<void>
}

/** Appends after `seq`. Throws Refusal if another program appends as well. */
export function appender(journal: Journal, seq = 0): Appender {
  let [group, characters]: [NewEntry[], number] = [[], 0]
  const flush = async () => {
    while (group.length > 0) {
      const appended = await journal.append(group, seq)
      if (!appended.ok) {
        const what = `another program writes to ${journal.name}, which has ${appended.head} records now`
        throw new Refusal(`${what}: theirs are as they were`)
      }
      // A journal may take only the first ones.
      group = group.slice(appended.seq - seq)
      seq = appended.seq
    }
    characters = 0
  }
  const add = async (entry: NewEntry) => {
    group.push(entry)
    characters += entry.text.length
    if (group.length === GROUP_RECORDS || characters > GROUP_CHARACTERS) await flush()
  }
  return {
    add,
    flush,
    get seq() {
      return seq
    },
  }
}
