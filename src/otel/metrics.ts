// Metrics by the semantic conventions: seconds, bytes as `By`, counts in braces; names begin with `ministore.`.
import type { Attributes, Meter } from '@opentelemetry/api'
import type {
  AppendEvent,
  CompactionEvent,
  DispatchEvent,
  FollowEvent,
  SnapshotEvent,
  StoreEvent,
} from '../index.ts'
import { attributesOf, errorType } from './attributes.ts'

/** In seconds: from one microsecond, for a decision in memory, to 10 s, for an engine that was away. */
const DURATIONS = [
  ...[0.000_001, 0.000_01, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005],
  ...[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
]
const COUNTS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]

const seconds = (milliseconds: number): number => milliseconds / 1000

/** Returns the function that records an event. */
export function metricsOf(meter: Meter): (event: StoreEvent) => void {
  const duration = (name: string, description: string) =>
    meter.createHistogram(`ministore.${name}`, {
      ...{ description, unit: 's', advice: { explicitBucketBoundaries: DURATIONS } },
    })
  const counter = (name: string, unit: string, description: string) =>
    meter.createCounter(`ministore.${name}`, { description, unit })
  const gauge = (name: string, unit: string, description: string) =>
    meter.createGauge(`ministore.${name}`, { description, unit })

  const dispatched = duration('dispatch.duration', 'From the call to its answer.')
  const phases = duration('dispatch.phase.duration', 'Of a dispatch: check, draft, append.')
  const again = counter('dispatch.redecisions', '{decision}', 'Decisions that were made again.')
  const appended = duration('append.duration', 'One append to the journal.')
  const synced = duration('append.sync.duration', 'What the disk took of an append.')
  const group = meter.createHistogram('ministore.append.records', {
    ...{ description: 'Records that shared one append.', unit: '{record}' },
    advice: { explicitBucketBoundaries: COUNTS },
  })
  const pending = gauge('dispatch.pending', '{dispatch}', 'Dispatches that wait to be durable.')
  const replayed = duration('replay.duration', 'The replay of an opening.')
  const replayedRecords = counter('replay.records', '{record}', 'Records that openings replayed.')
  const snapshots = duration('snapshot.duration', 'Writing a snapshot.')
  const snapshotSize = gauge('snapshot.size', 'By', 'Size of the last snapshot.')
  const compactions = duration('compaction.duration', 'Compacting a journal.')
  const journalSize = gauge('journal.size', 'By', 'Size of the journal after its last compaction.')
  const followed = counter('follow.records', '{record}', 'Records of other writers.')
  const lag = gauge('follow.lag', 's', 'Age of the last record of another writer when it came.')
  const reconnects = duration('reconnect.duration', 'How long an engine did not answer.')
  const stops = counter('stops', '{stop}', 'Stores that stopped without having been closed.')

  const dispatch = (event: DispatchEvent, attributes: Attributes) => {
    const one = new Set(event.mutations).size === 1 ? event.mutations[0] : undefined
    const named: Attributes = { ...attributes, 'db.operation.name': event.method }
    if (one !== undefined) named['ministore.mutation'] = one
    if (event.command !== undefined) named['ministore.command'] = event.command
    const outcome = { 'ministore.outcome': event.outcome, ...errorType(event) }
    dispatched.record(seconds(event.duration), { ...named, ...outcome })
    if (event.decisions > 1) again.add(event.decisions - 1, named)
    const { check, draft, append } = event
    for (const [phase, time] of Object.entries({ check, draft, append }))
      if (time !== undefined)
        phases.record(seconds(time), { ...named, 'ministore.dispatch.phase': phase })
  }
  const append = (event: AppendEvent, attributes: Attributes) => {
    const outcome = { 'ministore.outcome': event.outcome, ...errorType(event) }
    appended.record(seconds(event.duration), { ...attributes, ...outcome })
    if (event.sync !== undefined) synced.record(seconds(event.sync), attributes)
    if (event.outcome === 'durable') group.record(event.records, attributes)
    const rest = event.outcome === 'durable' ? event.pending - event.records : event.pending
    pending.record(Math.max(0, rest), attributes)
  }
  const kept = (event: SnapshotEvent | CompactionEvent, attributes: Attributes) => {
    const [time, size] =
      event.type === 'snapshot' ? [snapshots, snapshotSize] : [compactions, journalSize]
    const outcome = { 'ministore.outcome': event.outcome, ...errorType(event) }
    time.record(seconds(event.duration), { ...attributes, ...outcome })
    if (event.bytes !== undefined) size.record(event.bytes, attributes)
  }
  const follow = (event: FollowEvent, attributes: Attributes) => {
    followed.add(event.records, attributes)
    lag.record(seconds(event.lag), attributes)
  }

  return (event) => {
    const attributes = attributesOf(event)
    if (event.type === 'dispatch') dispatch(event, attributes)
    else if (event.type === 'append') append(event, attributes)
    else if (event.type === 'follow') follow(event, attributes)
    else if (event.type === 'snapshot' || event.type === 'compaction') kept(event, attributes)
    else if (event.type === 'reconnect') reconnects.record(seconds(event.duration), attributes)
    else if (event.type === 'stop') stops.add(1, { ...attributes, 'error.type': event.code })
    else {
      replayed.record(seconds(event.duration), {
        ...attributes,
        'ministore.replay.fallback': event.fallback,
      })
      replayedRecords.add(event.records, attributes)
    }
  }
}
