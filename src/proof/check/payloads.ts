// Recorded payloads, read by today's schemas: as what they are, and at any time?
import { changes, isSame } from '../../diff/index.ts'
import { Rejection } from '../../errors.ts'
import { payloadIssue } from '../../json/index.ts'
import type { Meta, PreparedMutation } from '../../mutation/spec.ts'
import { parse } from '../../mutation/validate.ts'
import type { Finding } from '../finding.ts'
import {
  describeDifference,
  describeUse,
  findDifference,
  type Run,
  variantsFor,
} from './elsewhere.ts'
import { type FindingDraft, isThrown, messageOf } from './findings.ts'
import { HERE, type Use, watch } from './watch.ts'

/** So many payloads of a mutation are read twice, unless their schema uses something impure. */
const TWICE = 100

const OLD_SHAPE = ': give the old shape a version of its own, with upcast'
/** Of a schema that could not be dispatched either, so that an upcaster's output would not pass it. */
const UNSTABLE =
  ', and does not accept its own output. An upcaster cannot help: transform values before you dispatch them, and let the schema describe the result'

/** Undefined if the schema reads the payload as it is. */
type Result =
  | { readonly what: string; readonly next: string; readonly issues: Finding['issues'] }
  | undefined

export class Payloads {
  readonly #tell: (found: FindingDraft) => void
  readonly #checked = new Map<string, number>()

  constructor(tell: (found: FindingDraft) => void) {
    this.#tell = tell
  }

  check({ mutation, payload }: PreparedMutation, { seq, at }: Meta): void {
    const { type, payload: schema, accept } = mutation
    const uses: Use[] = []
    const run: Run<Result> = (conditions, onUse) =>
      watch(() => read(type, schema, payload), conditions, onUse)
    const here = run(HERE, (use) => uses.push(use))
    if (here) {
      const message = `${here.what}${here.next}`
      const { issues } = here
      this.#tell({ rule: 'invalid_payload', severity: 'error', message, type, issues })
    }
    const checked = (this.#checked.get(type) ?? 0) + 1
    this.#checked.set(type, checked)
    if (checked > TWICE && uses.length === 0) return
    const varied: Run<Result> = (conditions, onUse) =>
      run({ ...conditions, at, accepted: accept }, onUse)
    const isAlike = (one: Result, other: Result) => !one === !other
    const found = findDifference(varied, here, uses, variantsFor(uses, seq), isAlike)
    const subject = { name: `today's schema of ${type}`, result: 'answer', type }
    const advice = 'Rules that depend on the time belong into `check`, which has meta.at'
    if (found) this.#tell(describeDifference(subject, found.uses, advice))
    else for (const use of uses) this.#tell(describeUse(subject, use, accept))
  }
}

function read(
  type: string,
  schema: PreparedMutation['mutation']['payload'],
  payload: unknown,
): Result {
  try {
    const today = parse(type, schema, payload)
    const issue = today === undefined ? undefined : payloadIssue(today)
    // Equal and JSON, so parsing what comes out once more could not give anything else.
    if (!issue && isSame(today, payload)) return undefined
    const what = issue
      ? `${['payload', ...issue.path].join('.')} ${issue.message}`
      : pathsOf(payload, today)
    const next = issue || !isAccepted(type, schema, today) ? UNSTABLE : OLD_SHAPE
    return {
      what: `today's schema of ${type} reads a recorded payload as another (${what})`,
      next,
      issues: [],
    }
  } catch (error) {
    return { what: messageOf(error), next: OLD_SHAPE, issues: issuesOf(error) }
  }
}

/** Whether the schema gives its own output back as it is. */
function isAccepted(
  type: string,
  schema: PreparedMutation['mutation']['payload'],
  output: unknown,
): boolean {
  try {
    return isSame(parse(type, schema, output), output)
  } catch {
    return false
  }
}

const pathsOf = (before: unknown, after: unknown): string =>
  changes(before, after)
    .slice(0, 3)
    .map(({ op, path }) => `${op} payload${path.replaceAll('/', '.')}`)
    .join(', ')

/** A schema may also refuse with a Rejection of its own. */
function issuesOf(error: unknown): Finding['issues'] {
  const { details } = isThrown(error, Rejection) ? error : {}
  const { issues } = (details ?? {}) as { issues?: Finding['issues'] }
  return Array.isArray(issues) ? issues : []
}
