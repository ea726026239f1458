// What may go, by age and by size: whole closed segments only. So the last one stays, and a topic may have one
// segment more than its limit.

import type { SegmentInfo } from '../messages/types.ts'
import type { MetadataStore } from '../metadata/definition.ts'
import { refusing } from './refusal.ts'
import type { LiveTopic } from './topic.ts'

export interface Trimmed {
  readonly topic: string
  readonly partition: number
  readonly logStart: number
  readonly bytes: number
}

/** Metadata first: a crash before the files are gone leaves what opening removes. */
export async function enforceRetention(
  store: MetadataStore,
  topic: LiveTopic,
  now: number,
): Promise<Trimmed[]> {
  const trimmed: Trimmed[] = []
  for (const [index, partition] of topic.partitions.entries()) {
    const limits = store.state.topics.get(topic.name)
    // Deleted in the meantime, and perhaps created again.
    if (limits?.id !== topic.id) break
    const ends = expired(partition.segments(), limits, now)
    if (ends.length === 0) continue
    const input = { name: topic.name, partition: index, ends }
    const { logStart } = (await refusing(store.execute('retain', input))).value
    const bytes = await partition.trim(logStart)
    if (bytes > 0) trimmed.push({ topic: topic.name, partition: index, logStart, bytes })
    // To be told of the gap.
    for (const group of topic.groups.values()) group.wake(index)
  }
  return trimmed
}

interface Limits {
  readonly retentionMs: number | null
  readonly retentionBytes: number | null
}

/** Where those segments end that are over a limit, oldest first. */
export function expired(
  segments: readonly SegmentInfo[],
  { retentionMs, retentionBytes }: Limits,
  now: number,
): number[] {
  const ends: number[] = []
  let left = segments.reduce((sum, { bytes }) => sum + bytes, 0)
  for (const { isClosed, lastTs, bytes, end } of segments) {
    const isOld = retentionMs !== null && lastTs !== undefined && lastTs < now - retentionMs
    const isTooMuch = retentionBytes !== null && left > retentionBytes
    if (!isClosed || !(isOld || isTooMuch)) break
    ends.push(end)
    left -= bytes
  }
  return ends
}
