// Group processes end with their daemon, however that ends.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { home } from '../../../cli/build.ts'
import { hostFile, instance, isAlive, until } from './hosts.ts'

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'A5: after %s of the daemon no process of a group is left, though its modules loop',
  async (signal) => {
    const instances = [
      await instance('loop', 'loop.1', { group: 'busy' }),
      await instance('loop', 'loop.2', { group: 'busy' }),
      await instance('sleep', 'sleep.1', { group: 'asleep' }),
    ]
    const program = join(home(), 'test/examples/arcella/execution/orphans.js')
    const daemon = spawn(process.execPath, [program, hostFile(), JSON.stringify(instances)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const pids: number[] = []
    for await (const line of createInterface({ input: daemon.stdout })) {
      pids.push(Number(line))
      if (pids.length === instances.length) break
    }
    expect(new Set(pids).size).toBe(2)
    expect(pids.every(isAlive)).toBe(true)
    daemon.kill(signal)
    await once(daemon, 'exit')
    await until(() => !pids.some(isAlive))
  },
)
