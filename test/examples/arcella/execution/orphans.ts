// A program that has a host with two groups, one of them in endless loops, until it is killed.
import { argv } from 'node:process'
import type { InstanceSpec } from '../../../../examples/arcella/execution/types.ts'

const [, , hostFile = '', text = '[]'] = argv
const { openHost }: typeof import('../../../../examples/arcella/execution/host.ts') = await import(
  hostFile
)
const instances: InstanceSpec[] = JSON.parse(text)
const host = openHost({
  onEvent(event) {
    if (event.type === 'started') console.log(event.pid)
  },
})
for (const instance of instances) host.start(instance)
