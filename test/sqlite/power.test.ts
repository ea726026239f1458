// What a process is shown after another one was killed stays, also if the power goes then. The page cache survives a
// kill, so SQLite recovers a log of which the last part was never synced.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { home } from '../cli/build.ts'
import { compileLossy, lossyEnvironment, whyNotLossy } from '../trust/lossy/library.ts'
import { takeBack } from '../trust/lossy/undo.ts'
import { freshDirectory } from './databases.ts'

const why = whyNotLossy()
if (why) console.log(`skipped, because ${why}: losing what was not synced`)

test.skipIf(why)(
  'a record that a reader is shown after a crash does not vanish when the power goes',
  async () => {
    const library = compileLossy()
    onTestFinished(library.remove)
    const directory = freshDirectory()
    const files = join(directory, 'files')
    mkdirSync(files)
    const file = join(files, 'app.db')
    const appender = join(home(), 'test/sqlite/appender.js')
    const recordsIn = (env = process.env): number => {
      const { stdout } = spawnSync(process.execPath, [appender, file, '0', 'read'], { env })
      return JSON.parse(String(stdout)).records
    }
    spawnSync(process.execPath, [appender, file, '1'])
    const place = { files, undo: join(directory, 'undo'), syncMicroseconds: 1_000_000 }
    const env = lossyEnvironment(library, place)
    const writer = spawn(process.execPath, [appender, file, '1'], { env, stdio: 'ignore' })
    const ended = once(writer, 'close')
    const written = () => statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0
    // The header of the log is written and synced first, then comes the record.
    while (written() < 4096) await sleep(1)
    await sleep(50)
    writer.kill('SIGKILL')
    await ended
    const shown = recordsIn({ ...env, LOSSY_SYNC_US: '0' })
    expect(shown).toBe(2)
    takeBack(place)
    expect(recordsIn()).toBe(shown)
  },
)
