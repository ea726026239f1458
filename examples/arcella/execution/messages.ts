// What a daemon and its group processes say to each other, as JSON. A run is one attempt of an instance.
import { z } from 'zod'
import type { ModuleFile } from '../modules/bytes.ts'
import type { GuestOptions } from './guest/guest.ts'

/** A process that sends more at once is not one of ours. */
const MAX_TEXT = 65_536
const MAX_BODY = 2 ** 21

export interface Start {
  readonly type: 'start'
  readonly run: number
  readonly module: ModuleFile
  readonly guest: GuestOptions
}
/** `stop` asks the module to end; `terminate` does not. */
export type ToGroup = Start | { readonly type: 'stop' | 'terminate'; readonly run: number }

const runEvent = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('started') }),
  z.strictObject({ type: z.literal('exited'), exitCode: z.int().min(0).max(0xffff_ffff) }),
  z.strictObject({
    type: z.literal('failed'),
    error: z.string().max(MAX_TEXT),
    /** Another attempt would come to the same. */
    isFinal: z.boolean(),
  }),
  /** After `stop` or `terminate`. */
  z.strictObject({ type: z.literal('stopped') }),
  z.strictObject({
    type: z.literal('log'),
    stream: z.enum(['stdout', 'stderr', 'log', 'host']),
    line: z.string().max(MAX_TEXT),
  }),
  z.strictObject({ type: z.literal('publish'), body: z.base64().max(MAX_BODY) }),
])
/** Of one run; `exited`, `failed` and `stopped` are the last. */
export type RunEvent = z.output<typeof runEvent>

export const fromGroup = z.strictObject({ run: z.int().positive(), event: runEvent })
export type FromGroup = z.output<typeof fromGroup>
