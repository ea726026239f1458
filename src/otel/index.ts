// `ministore-ts/otel`: what stores report, as spans and metrics of OpenTelemetry.
export { type OpenTelemetryOptions, openTelemetry } from './observer.ts'
export { activeTraceparent } from './traceparent.ts'
