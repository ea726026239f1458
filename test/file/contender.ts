// Run as a process of its own: `node … contender.ts <lock path> <rounds>`. Takes the lock, over and
// over, holds it for a moment, and leaves a mark while it does; sometimes it is killed holding it.
// The mark of a process that was not killed, found while it holds the lock, means two holders: exit code 3.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { StoreError } from 'ministore-ts'
import { nodeFileSystem } from 'ministore-ts/file'

const [path = '', rounds = '1'] = process.argv.slice(2)
const mark = `${path}.mark`
const KILLED = 'killed'
const files = nodeFileSystem()
let taken = 0
for (let round = 0; round < Number(rounds); round += 1) {
  const unlock = await take()
  if (!unlock) {
    await setTimeout(Math.random() * 5)
    continue
  }
  taken += 1
  leaveMark()
  await setTimeout(Math.random() * 3)
  if (Math.random() < 0.15) {
    writeFileSync(mark, KILLED)
    process.kill(process.pid, 'SIGKILL')
  }
  rmSync(mark)
  await unlock()
}
process.stdout.write(`${JSON.stringify({ taken })}\n`)

async function take() {
  try {
    return await files.lock(path)
  } catch (error) {
    if (error instanceof StoreError && error.code === 'locked') return undefined
    throw error
  }
}

function leaveMark(): void {
  try {
    writeFileSync(mark, `${process.pid}`, { flag: 'wx' })
  } catch {
    const other = readFileSync(mark, 'utf8')
    if (other !== KILLED) {
      process.stdout.write(`${JSON.stringify({ both: [other, process.pid] })}\n`)
      process.exit(3)
    }
    writeFileSync(mark, `${process.pid}`)
  }
}
