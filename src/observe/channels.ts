// The channels of node:diagnostics_channel, where there is that module: a browser never asks for it.
import type { StoreEvent } from '../port/observer.ts'

export interface Channel {
  readonly hasSubscribers: boolean
  publish(message: unknown): void
}

type Name = StoreEvent['type']

const SILENT: Channel = { hasSubscribers: false, publish: () => undefined }

interface Runtime {
  readonly process?: {
    getBuiltinModule?(name: string): { channel?(name: string): Channel } | undefined
  }
}

function findChannel(name: Name): Channel {
  try {
    const { process } = globalThis as Runtime
    const channels = process?.getBuiltinModule?.('node:diagnostics_channel')
    return channels?.channel?.(`ministore:${name}`) ?? SILENT
  } catch {
    return SILENT
  }
}

/** `ministore:dispatch` and so on, one for each type of event. */
export const channels: Readonly<Record<Name, Channel>> = {
  dispatch: findChannel('dispatch'),
  append: findChannel('append'),
  replay: findChannel('replay'),
  snapshot: findChannel('snapshot'),
  compaction: findChannel('compaction'),
  follow: findChannel('follow'),
  reconnect: findChannel('reconnect'),
  stop: findChannel('stop'),
}
