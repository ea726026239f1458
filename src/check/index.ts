// Proof that a journal and today's code still give the same state. Reports, never throws.
import {
  canonicalText,
  check,
  decode,
  definitionOf,
  digest,
  jsonIssue,
  parse,
  Rejection,
  reduce,
  StoreError,
} from '../index.ts'
import type {
  AnyStoreDefinition,
  Decoded,
  Definition,
  Journal,
  Part,
  ReplayProblem,
  ReplayReport,
} from '../types.ts'

/**
 * Replays `journal` twice, side by side: every payload against today's schema, every reducer against
 * itself, the last state against the state schema and, where one is given, against `digest`.
 * Goes on behind a wrong payload; stops where the state can no longer be known.
 */
export async function replayCheck(
  store: AnyStoreDefinition,
  journal: Journal,
  { digest: expected }: { digest?: string | undefined } = {},
): Promise<ReplayReport> {
  const definition = definitionOf(store)
  const problems: ReplayProblem[] = []
  let [state, seq] = [definition.initial, 0]
  try {
    await journal.open(definition.name)
    for await (const entries of journal.read(0)) {
      for (const entry of entries) {
        const record = decode(definition, entry)
        state = checkRecord(record, state, problems)
        seq = entry.seq
      }
    }
    problems.push(...checkState(definition, state, seq))
  } catch (error) {
    problems.push(describe(error, seq + 1))
  } finally {
    await journal.close().catch(() => undefined)
  }
  // A state that is not JSON has none, which is reported above.
  const actual = await digest(state).catch(() => 'none')
  if (expected !== undefined && expected !== actual) {
    const message = `the state at seq ${seq} has digest ${actual}, expected ${expected}`
    problems.push({ kind: 'digest_mismatch', message, seq, expected, actual })
  }
  const report = { journal: journal.name, records: seq, seq, digest: actual }
  const [first, ...others] = problems
  return first ? { ...report, ok: false, problems: [first, ...others] } : { ...report, ok: true }
}

function checkRecord({ meta, parts }: Decoded, state: unknown, problems: ReplayProblem[]): unknown {
  let [once, again] = [state, state]
  for (const part of parts) {
    problems.push(...checkPayload(part, meta.seq))
    once = reduce(once, part, meta)
    again = reduce(again, part, meta)
    if (!isSame(once, again)) {
      const { type } = part.mutation
      const message = `apply of ${type} gives another state each time: it may use nothing but draft, payload and meta`
      problems.push({ kind: 'nondeterministic', message, seq: meta.seq, type })
    }
  }
  return once
}

function checkPayload(part: Part, seq: number): ReplayProblem[] {
  const { type } = part.mutation
  try {
    const today = canonicalText(check(part.mutation, part.payload).payload)
    if (today === canonicalText(part.payload)) return []
    const message = `today's schema of ${type} reads the payload as ${today}: bring old ones to it by \`upcast\``
    return [{ kind: 'invalid_payload', message, seq, type, issues: [] }]
  } catch (error) {
    const { message } = error as Error
    const { issues = [] } = (error instanceof Rejection ? error.details : {}) as { issues?: [] }
    return [{ kind: 'invalid_payload', message, seq, type, issues }]
  }
}

function checkState(definition: Definition, state: unknown, seq: number): ReplayProblem[] {
  const issue = jsonIssue(state)
  if (issue) {
    const message = `the state at seq ${seq}: ${issue.path.join('.')} ${issue.message}`
    return [{ kind: 'invalid_state', message, seq }]
  }
  if (!definition.state) return []
  try {
    parse('state', definition.state, state)
    return []
  } catch (error) {
    return [{ kind: 'invalid_state', message: (error as Error).message, seq }]
  }
}

/**
 * Deep equality of two states that came from one: what they share is not walked again, so the cost
 * is that of the change, not of the state.
 */
function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  const keys = Object.keys(a)
  return (
    Array.isArray(a) === Array.isArray(b) &&
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && isSame(Reflect.get(a, key), Reflect.get(b, key)))
  )
}

function describe(error: unknown, seq: number): ReplayProblem {
  const { message } = error as Error
  const { code, line } = error instanceof StoreError ? error : {}
  if (code === 'unknown_mutation' || code === 'upcast_failed' || code === 'apply_failed') {
    return { kind: code, message, seq }
  }
  return { kind: code === 'wrong_store' ? code : 'unreadable', message, seq, line }
}
