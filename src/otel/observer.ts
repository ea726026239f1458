// An observer that hands over to OpenTelemetry.
import { type MeterProvider, metrics, type TracerProvider, trace } from '@opentelemetry/api'
import type { Observer } from '../index.ts'
import { metricsOf } from './metrics.ts'
import { spansOf } from './spans.ts'

export interface OpenTelemetryOptions {
  /** Default: the global one. */
  readonly tracerProvider?: TracerProvider | undefined
  readonly meterProvider?: MeterProvider | undefined
}

/**
 * An observer for any number of stores: `definition.open(path, { observer: openTelemetry() })`. Call it after the SDK is
 * set up. It starts nothing and holds nothing that has to be closed.
 */
export function openTelemetry(options: OpenTelemetryOptions = {}): Observer {
  const { tracerProvider = trace, meterProvider = metrics } = options
  const toSpan = spansOf(tracerProvider.getTracer('ministore-ts'))
  const toMetrics = metricsOf(meterProvider.getMeter('ministore-ts'))
  return (event) => {
    toSpan(event)
    toMetrics(event)
  }
}
