import { defineStore } from 'ministore-ts'
import { fileJournal } from 'ministore-ts/file'
import { misdirect } from './misdirect.ts'

for (const acts of [
  ['one', 'two'],
  ['two', 'snapshot', 'one'],
  ['one', 'compact and two'],
] as const)
  for (const filler of [10, 300]) {
    const t = Date.now()
    console.log(
      acts,
      filler,
      await misdirect({ subject: { defineStore, fileJournal }, scenario: { acts, filler } }).catch(
        String,
      ),
      Date.now() - t,
    )
  }
