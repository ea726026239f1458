import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Attributes, context, propagation, SpanKind, SpanStatusCode } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { defineStore, reject, type StoreEvent } from 'ministore-ts'
import { activeTraceparent, openTelemetry } from 'ministore-ts/otel'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { home } from '../cli/build.ts'

const notes = defineStore({
  name: 'notes',
  state: { notes: ['secret of the state'] },
  metadata: z.object({ actor: z.string().optional() }),
  mutations: {
    add: {
      payload: z.string(),
      guard: (_state, text) =>
        text === '' ? reject('empty', { text: 'secret detail' }) : undefined,
      apply: (draft, text) => void draft.notes.push(text),
    },
    clear: { apply: () => ({ notes: [] }) },
    break: {
      apply() {
        throw new Error('a secret message')
      },
    },
  },
  commands: { addTwice: { input: z.string(), run: (tx, text) => tx.dispatch('add', text) } },
})

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
})
afterAll(() => {
  context.disable()
  propagation.disable()
})

/** The real SDK, with what it exports in memory. */
function sdk() {
  const spans = new InMemorySpanExporter()
  const spanProcessors = [new SimpleSpanProcessor(spans)]
  const tracerProvider = new BasicTracerProvider({ spanProcessors })
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const meterProvider = new MeterProvider({ readers: [reader] })
  return {
    tracer: tracerProvider.getTracer('test'),
    observer: openTelemetry({ tracerProvider, meterProvider }),
    spans: () => spans.getFinishedSpans(),
    /** The points of each metric. */
    async metrics() {
      await reader.forceFlush()
      const scopes = exporter.getMetrics().at(-1)?.scopeMetrics ?? []
      return new Map(
        scopes.flatMap((scope) => scope.metrics).map((each) => [each.descriptor.name, each]),
      )
    },
    async close() {
      await meterProvider.shutdown()
      await tracerProvider.shutdown()
    },
  }
}

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

describe('spans', () => {
  test('are in the trace of the caller, each in its own', async () => {
    const { tracer, observer, spans, close } = sdk()
    const store = await notes.memory([], { observer })
    const request = (name: string) =>
      tracer.startActiveSpan(name, async (span) => {
        await store.dispatch('add', name)
        span.end()
        return span.spanContext()
      })
    const [one, two] = await Promise.all([request('one'), request('two')])
    const dispatches = spans().filter(({ name }) => name === 'dispatch add')
    expect(dispatches.map((span) => span.parentSpanContext?.spanId)).toEqual([
      one.spanId,
      two.spanId,
    ])
    expect(dispatches.map((span) => span.spanContext().traceId)).toEqual([one.traceId, two.traceId])
    await close()
  })

  test('without a caller are in the trace of the metadata; with both, there is a link', async () => {
    const { tracer, observer, spans, close } = sdk()
    const store = await notes.memory([], { observer })
    const metadata = { traceparent: TRACEPARENT }
    await store.dispatch('add', 'alone', { metadata })
    await tracer.startActiveSpan('request', async (span) => {
      await store.dispatch('add', 'both', { metadata })
      await store.dispatch('add', 'its own', { metadata: activeTraceparent() })
      span.end()
    })
    const [alone, both, own] = spans().filter(({ name }) => name === 'dispatch add')
    expect(alone?.parentSpanContext).toMatchObject({ spanId: 'b7ad6b7169203331', isRemote: true })
    expect(alone?.spanContext().traceId).toBe('0af7651916cd43dd8448eb211c80319c')
    const request = spans()
      .find(({ name }) => name === 'request')
      ?.spanContext()
    expect(both?.parentSpanContext?.spanId).toBe(request?.spanId)
    expect(both?.links.map((link) => link.context.spanId)).toEqual(['b7ad6b7169203331'])
    expect(own?.links).toEqual([])
    await close()
  })

  test('say what was dispatched and how it ended, and how long each phase took', async () => {
    const { observer, spans, close } = sdk()
    const store = await notes.memory([], { observer })
    await store.dispatch('add', 'a')
    await store.dispatch('add', '').safe()
    await store.dispatch('break').catch(() => undefined)
    await store.execute('addTwice', 'b')
    await store.dispatchAll([{ type: 'add', payload: 'c' }, { type: 'clear' }])
    const seen = spans().map(({ name, status, attributes }) => {
      const { 'ministore.outcome': outcome, 'error.type': error } = attributes
      return [name, outcome, error, status.code]
    })
    expect(seen).toEqual([
      ['replay notes', undefined, undefined, SpanStatusCode.UNSET],
      ['dispatch add', 'committed', undefined, SpanStatusCode.UNSET],
      ['dispatch add', 'rejected', 'empty', SpanStatusCode.UNSET],
      ['dispatch break', 'failed', 'apply_failed', SpanStatusCode.ERROR],
      ['execute addTwice', 'committed', undefined, SpanStatusCode.UNSET],
      ['dispatchAll notes', 'committed', undefined, SpanStatusCode.UNSET],
    ])
    const [, first] = spans()
    expect(first?.kind).toBe(SpanKind.INTERNAL)
    expect(first?.attributes).toEqual({
      ...{ 'db.system.name': 'ministore', 'db.namespace': 'notes', 'ministore.journal': 'memory' },
      ...{ 'db.operation.name': 'dispatch', 'ministore.mutations': ['add'], 'ministore.seq': 1 },
      ...{ 'ministore.outcome': 'committed', 'ministore.decisions': 1 },
      'ministore.check.duration': expect.any(Number),
      'ministore.draft.duration': expect.any(Number),
      'ministore.append.duration': expect.any(Number),
    })
    await close()
  })

  test('and metrics have nothing of a payload, a state, a message or metadata', async () => {
    const { observer, spans, metrics, close } = sdk()
    const path = join(mkdtempSync(join(tmpdir(), 'ministore-otel-')), 'notes.jsonl')
    const store = await notes.open(path, { observer })
    const metadata = { actor: 'secret actor', correlationId: 'secret id' }
    await store.dispatch('add', 'secret', { metadata, key: 'secret key' })
    await store.dispatch('add', '', { metadata }).safe()
    await store.dispatch('break').catch(() => undefined)
    await store.snapshot()
    await store.close()
    expect(spans().map(({ name }) => name)).toContain('snapshot notes')
    const told = spans().map(({ name, attributes, status, events }) => [
      name,
      attributes,
      status,
      events,
    ])
    expect(JSON.stringify([told, [...(await metrics()).values()]])).not.toContain('secret')
    await close()
  })
})

const base = { store: 'notes', journal: 'notes.jsonl' }

/** One event of each kind, with durations in milliseconds that are easy to tell apart. */
const EVENTS: readonly StoreEvent[] = [
  {
    ...{
      ...base,
      type: 'dispatch',
      method: 'execute',
      command: 'addTwice',
      mutations: ['add', 'add'],
    },
    ...{ outcome: 'committed', seq: 7, duration: 9, check: 1, draft: 2, append: 5, decisions: 3 },
  },
  {
    ...{ ...base, type: 'dispatch', method: 'dispatch', mutations: ['add'], outcome: 'rejected' },
    ...{ code: 'empty', duration: 2, check: 2, draft: 0, decisions: 1 },
  },
  { ...base, type: 'append', outcome: 'durable', records: 3, duration: 4, sync: 3, pending: 5 },
  { ...base, type: 'append', outcome: 'conflict', records: 2, duration: 1, pending: 2 },
  { ...base, type: 'replay', records: 40, duration: 20, fallback: true },
  { ...base, type: 'snapshot', outcome: 'written', seq: 7, bytes: 700, duration: 30 },
  {
    ...base,
    type: 'compaction',
    outcome: 'written',
    seq: 7,
    before: 9000,
    bytes: 800,
    duration: 50,
  },
  { ...base, type: 'follow', records: 6, seq: 13, lag: 1500, decidedAgain: 1 },
  { ...base, type: 'reconnect', attempts: 4, duration: 2500 },
  { ...base, type: 'stop', code: 'io' },
]

describe('metrics', () => {
  test('are in seconds, bytes and counts, one or more for each kind of event', async () => {
    const { observer, metrics, close } = sdk()
    for (const event of EVENTS) observer(event)
    const found = await metrics()
    const shown = [...found].map(([name, { descriptor, dataPoints }]) => {
      const values = dataPoints.map(({ value }) =>
        typeof value === 'object' && 'sum' in value ? value.sum : value,
      )
      return `${name} ${descriptor.unit} ${values.join(' ')}`
    })
    expect(shown.toSorted()).toEqual([
      'ministore.append.duration s 0.004 0.001',
      'ministore.append.records {record} 3',
      'ministore.append.sync.duration s 0.003',
      'ministore.compaction.duration s 0.05',
      'ministore.dispatch.duration s 0.009 0.002',
      'ministore.dispatch.pending {dispatch} 2',
      'ministore.dispatch.phase.duration s 0.001 0.002 0.005 0.002 0',
      'ministore.dispatch.redecisions {decision} 2',
      'ministore.follow.lag s 1.5',
      'ministore.follow.records {record} 6',
      'ministore.journal.size By 800',
      'ministore.reconnect.duration s 2.5',
      'ministore.replay.duration s 0.02',
      'ministore.replay.records {record} 40',
      'ministore.snapshot.duration s 0.03',
      'ministore.snapshot.size By 700',
      'ministore.stops {stop} 1',
    ])
    const attributes = (name: string): Attributes | undefined =>
      found.get(name)?.dataPoints.at(-1)?.attributes
    const shared = {
      ...{ 'db.system.name': 'ministore', 'db.namespace': 'notes' },
      'ministore.journal': 'notes.jsonl',
    }
    expect(attributes('ministore.dispatch.duration')).toEqual({
      ...{ ...shared, 'db.operation.name': 'dispatch', 'ministore.mutation': 'add' },
      ...{ 'ministore.outcome': 'rejected', 'error.type': 'empty' },
    })
    expect(attributes('ministore.append.duration')).toMatchObject({
      'ministore.outcome': 'conflict',
    })
    expect(attributes('ministore.stops')).toEqual({ ...shared, 'error.type': 'io' })
    await close()
  })

  test('of a dispatch in memory are told apart below a millisecond', async () => {
    const { observer, metrics, close } = sdk()
    const store = await notes.memory([], { observer })
    await store.dispatch('add', 'a')
    const [point] = (await metrics()).get('ministore.dispatch.duration')?.dataPoints ?? []
    const value = point?.value as { buckets: { boundaries: number[] } } | undefined
    const fine = value?.buckets.boundaries.filter((bound) => bound < 0.001)
    expect(fine?.length).toBeGreaterThan(4)
    await close()
  })
})

describe('activeTraceparent', () => {
  test('names the active span, and is empty without one', async () => {
    const { tracer, close } = sdk()
    expect(activeTraceparent()).toEqual({})
    tracer.startActiveSpan('request', (span) => {
      const { traceId, spanId } = span.spanContext()
      expect(activeTraceparent()).toEqual({ traceparent: `00-${traceId}-${spanId}-01` })
      span.end()
    })
    await close()
  })
})

test('a program that only uses the store loads nothing of OpenTelemetry', () => {
  const hooks = `
    export async function resolve(name, context, next) {
      if (name.startsWith('@opentelemetry') || name.endsWith('/otel')) console.log('loads ' + name)
      return next(name, context)
    }`
  const run = (body: string) => {
    const program = `
      import { register } from 'node:module'
      register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hooks)}))
      ${body}
      console.log('done')`
    const input = ['--input-type=module', '-e', program]
    return execFileSync(process.execPath, input, { cwd: home(), encoding: 'utf8' })
  }
  const uses = `
    const { defineStore } = await import('ministore-ts')
    const mutations = { go: { apply: (draft) => void draft.n++ } }
    const store = await defineStore({ name: 'n', state: { n: 0 }, mutations }).memory()
    await store.dispatch('go')
    await store.close()`
  expect(run(uses)).toBe('done\n')
  expect(run(`await import('ministore-ts/otel').catch(() => undefined)`)).toContain(
    'loads @opentelemetry/api',
  )
})
