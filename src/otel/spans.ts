// A span for what has a duration and a caller: a dispatch, an opening, a snapshot, a compaction.
import {
  type Attributes,
  context,
  type Link,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import type {
  CompactionEvent,
  DispatchEvent,
  ReplayEvent,
  SnapshotEvent,
  StoreEvent,
} from '../index.ts'
import { attributesOf, errorType } from './attributes.ts'
import { spanContextOf } from './traceparent.ts'

type Spanned = DispatchEvent | ReplayEvent | SnapshotEvent | CompactionEvent

/** Returns the function that makes the span of an event, if it has one. It is over when the event comes. */
export function spansOf(tracer: Tracer): (event: StoreEvent) => void {
  return (event) => {
    if (!isSpanned(event)) return
    const endTime = Date.now()
    const { parent, links } = placeOf(event)
    const options = {
      ...{ kind: SpanKind.INTERNAL, links, startTime: endTime - event.duration },
      attributes: { ...attributesOf(event), ...details(event) },
    }
    const span = tracer.startSpan(nameOf(event), options, parent)
    const hasFailed = event.type !== 'replay' && /^(failed|unknown)$/.test(event.outcome)
    // Without a message: it may have data of the application.
    if (hasFailed) span.setStatus({ code: SpanStatusCode.ERROR })
    span.end(endTime)
  }
}

const isSpanned = (event: StoreEvent): event is Spanned =>
  /^(?:dispatch|replay|snapshot|compaction)$/.test(event.type)

/**
 * In the trace of the caller, if it has an active span; else in that of the metadata's traceparent. If there are both, and
 * they differ, the second becomes a link.
 */
function placeOf(event: Spanned) {
  const active = context.active()
  const caller = trace.getSpan(active)?.spanContext()
  const named = event.type === 'dispatch' ? spanContextOf(event.traceparent) : undefined
  if (!named) return { parent: active, links: [] }
  if (!caller) return { parent: trace.setSpanContext(active, named), links: [] }
  return { parent: active, links: isSame(caller, named) ? [] : ([{ context: named }] as Link[]) }
}

const isSame = (one: SpanContext, other: SpanContext): boolean =>
  one.traceId === other.traceId && one.spanId === other.spanId

/** Of few values, as names of spans have to be. */
function nameOf(event: Spanned): string {
  if (event.type !== 'dispatch') return `${event.type} ${event.store}`
  const target = event.command ?? (event.mutations.length === 1 ? event.mutations[0] : event.store)
  return `${event.method} ${target ?? event.store}`
}

function details(event: Spanned): Attributes {
  if (event.type === 'replay')
    return {
      ...{ 'ministore.records': event.records, 'ministore.replay.fallback': event.fallback },
      ...present('ministore.snapshot.seq', event.snapshot),
    }
  const outcome = { 'ministore.outcome': event.outcome, ...errorType(event) }
  const seq = present('ministore.seq', event.seq)
  if (event.type !== 'dispatch')
    return { ...outcome, ...seq, ...present('ministore.bytes', event.bytes) }
  const { method, mutations, check, draft, append, decisions } = event
  return {
    ...{
      'db.operation.name': method,
      'ministore.mutations': [...new Set(mutations)],
      ...outcome,
      ...seq,
    },
    ...(mutations.length > 1 && { 'db.operation.batch.size': mutations.length }),
    ...present('ministore.command', event.command),
    // In seconds, as the conventions want all durations.
    ...{ 'ministore.check.duration': check / 1000, 'ministore.draft.duration': draft / 1000 },
    ...(append !== undefined && { 'ministore.append.duration': append / 1000 }),
    'ministore.decisions': decisions,
  }
}

const present = (name: string, value: string | number | undefined): Attributes =>
  value === undefined ? {} : { [name]: value }
