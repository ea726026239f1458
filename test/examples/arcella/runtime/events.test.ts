// A25: what happens is published into the topic `logs` of a walmq broker, whichever of the two is killed.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { registry } from '../../../../examples/arcella/registry/definition.ts'
import { layoutOf } from '../../../../examples/arcella/runtime/layout.ts'
import { LIFECYCLE_KEY } from '../../../../examples/arcella/runtime/lifecycle.ts'
import { type Client, connect } from '../../../../examples/walmq/client/client.ts'
import { freshDirectory, serve } from '../../walmq/server/processes.ts'
import { daemon, newBase, pack, SERVICE, spec, start, until } from '../daemons.ts'

interface Event {
  readonly event: string
  readonly seq: number
  readonly deployment_id?: string
}
interface Read {
  readonly events: Event[]
  /** What modules published: by whom, and what. */
  readonly published: { readonly key: string | undefined; readonly body: string }[]
}

/** All of the topic, up to the event of that record. */
async function readUntil(client: Client, seq: number, group: string): Promise<Read> {
  const read: Read = { events: [], published: [] }
  for await (const item of await client.subscribe('logs', { group, max_in_flight: 10_000 })) {
    if (item.type !== 'message') throw new Error('nothing was removed')
    const body = item.body.toString()
    if (item.key !== LIFECYCLE_KEY) {
      read.published.push({ key: item.key, body })
      continue
    }
    const event: Event = JSON.parse(body)
    read.events.push(event)
    if (event.seq >= seq) break
  }
  return read
}

/** In each, both are killed. */
const ROUNDS = 2

const PUBLISHER = `[component.capabilities]
network = ["arcella:publish"]
[deployment.startup]
entrypoint = "small"
`

test('A25: both are killed, and each event of what was answered is there, in order', async () => {
  const directory = freshDirectory()
  const base = newBase(`[publish]\nwalmq_dir = "${directory}"\n`)
  let broker = await serve(directory)
  let running = await daemon(base)
  const module = 'web@1.0.0'
  await running.done('module:install', { path: await pack(base, 'service', module, SERVICE) })
  const answered: string[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    const id = `web-${round}`
    await running.done('module:deploy', { file: spec(base, id, module) })
    await running.done('module:start', { deployment_id: id })
    answered.push(`deployModule ${id}`, `startDeployment ${id}`)
    // Under load: whatever is under way then is cut off.
    const work = (async () => {
      for (let n = 0; ; n += 1) {
        await running.done('module:scale', { deployment_id: id, replicas: 2 - (n % 2) })
        answered.push(`scaleDeployment ${id}`)
      }
    })().catch(() => undefined)
    await sleep(30 + Math.random() * 50)
    await (round % 2 === 0 ? broker : running).kill()
    // The other one goes on alone, for a moment.
    await sleep(20)
    await (round % 2 === 0 ? running : broker).kill()
    await work
    broker = await serve(directory)
    running = await daemon(base)
  }
  await start(running, 'publisher', 'publish', { table: PUBLISHER })
  await running.instance('publisher.0', ({ state }) => state === 'exited')
  for (let round = 0; round < ROUNDS; round += 1)
    await running.done('module:stop', { deployment_id: `web-${round}` })
  const { seq } = await registry.replay(layoutOf(base).registry)

  const client = await connect(broker)
  const { events, published } = await readUntil(client, seq, 'audit')
  // A repetition is known by its seq.
  const first = [...new Map(events.toReversed().map((each) => [each.seq, each])).values()]
  first.sort((one, other) => one.seq - other.seq)
  expect(first.map((each) => each.seq)).toEqual(Array.from({ length: seq }, (_, n) => n + 1))
  const seen = new Set(first.map(({ event, deployment_id }) => `${event} ${deployment_id}`))
  expect(answered.filter((each) => !seen.has(each))).toEqual([])
  for (const [n, event] of events.entries()) {
    // None comes before the one before it was there.
    const most = Math.max(0, ...events.slice(0, n).map((each) => each.seq))
    expect(event.seq).toBeLessThanOrEqual(most + 1)
  }
  expect(published).toEqual([{ key: 'publisher', body: 'an event' }])
  await client.close()
  expect(await running.stop()).toMatchObject({ status: 0 })
  await broker.stop()
})

test('A25: without its broker a daemon does all the rest, and what modules publish is told to be lost', async () => {
  const base = newBase('[publish]\nwalmq_dir = "../nowhere"\n')
  const running = await daemon(base)
  await start(running, 'publisher', 'publish', { table: PUBLISHER })
  await running.instance('publisher.0', ({ state }) => state === 'exited')
  await until(async () =>
    (await running.lines('publisher.0')).some((line) => line.startsWith('it was not published: ')),
  )
  expect((await running.lines('arcella')).some((line) => line.startsWith('events wait: '))).toBe(
    true,
  )
  expect(await running.stop()).toMatchObject({ status: 0, stderr: '' })
})

test('A25: where nothing is configured, a module that wants to publish does not run', async () => {
  const running = await daemon(newBase())
  await start(running, 'publisher', 'publish', { table: PUBLISHER })
  const { error } = await running.instance('publisher.0', ({ state }) => state === 'failed')
  expect(error).toBe('arcella:publish is declared, and the daemon publishes nowhere')
  await running.stop()
})
