// W3C Trace Context in metadata: https://www.w3.org/TR/trace-context/#traceparent-header
import { isSpanContextValid, type SpanContext, trace } from '@opentelemetry/api'

/**
 * The active span as metadata: `dispatch(type, payload, { metadata: activeTraceparent() })` writes it into the record.
 * Empty without an active span.
 */
export function activeTraceparent(): { readonly traceparent?: string } {
  const span = trace.getActiveSpan()?.spanContext()
  if (!span || !isSpanContextValid(span)) return {}
  const flags = span.traceFlags.toString(16).padStart(2, '0')
  return { traceparent: `00-${span.traceId}-${span.spanId}-${flags}` }
}

/** The span that a traceparent names; undefined if it names none, because a definition may declare the field otherwise. */
export function spanContextOf(traceparent: string | undefined): SpanContext | undefined {
  const [, traceId = '', spanId = '', flags = ''] = traceparent?.split('-') ?? []
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true }
  return isSpanContextValid(context) ? context : undefined
}
