// What was found, each thing once: a journal of a million records has few things wrong with it.
import type { Finding } from '../finding.ts'

/** A finding before it is known, or said, where it is. */
export type FindingDraft = { readonly [K in keyof Finding]?: Finding[K] | undefined } & Pick<
  Finding,
  'rule' | 'severity' | 'message'
> & {
    /** Two states, for the diff, and what they are. */
    readonly between?:
      | readonly [before: unknown, after: unknown, names: readonly [string, string]]
      | undefined
  }

interface Counted {
  readonly finding: Finding
  /** In how many further records. */
  repeated: number
  lastSeq: number | undefined
}

/** Of one rule; what comes later is counted with the last of them. */
const MOST = 100
const MOST_CHARACTERS = 2_000
const MOST_ISSUES = 20

export class Findings {
  readonly #all: Counted[] = []
  readonly #byId = new Map<string, Counted>()
  readonly #byRule = new Map<Finding['rule'], Counted[]>()

  /** The same rule, mutation and message in another record only raises `repeated`. */
  add(found: Finding): void {
    const finding = bounded(found)
    const { rule, type, message, seq } = finding
    const id = JSON.stringify([rule, type, message])
    const ofRule = this.#byRule.get(rule) ?? []
    const known = this.#byId.get(id) ?? (ofRule.length >= MOST ? ofRule.at(-1) : undefined)
    if (known) {
      if (known.lastSeq !== seq) known.repeated += 1
      known.lastSeq = seq
      return
    }
    const counted = { finding, repeated: 0, lastSeq: seq }
    this.#all.push(counted)
    this.#byId.set(id, counted)
    this.#byRule.set(rule, [...ofRule, counted])
  }

  get list(): readonly Finding[] {
    return this.#all.map(({ finding, repeated }) =>
      repeated > 0 ? { ...finding, repeated } : finding,
    )
  }
}

/** Messages hold what users' code throws, and there may be an issue for each item of a payload. */
function bounded({ message, issues, ...finding }: Finding): Finding {
  const isLong = message.length > MOST_CHARACTERS
  return {
    ...finding,
    message: isLong ? `${message.slice(0, MOST_CHARACTERS)}…` : message,
    ...(issues && { issues: issues.slice(0, MOST_ISSUES) }),
  }
}

/** `instanceof`, for what users' code throws: it may be anything. */
export function isThrown<T>(thrown: unknown, kind: new (...args: never[]) => T): thrown is T {
  try {
    return thrown instanceof kind
  } catch {
    return false
  }
}

/** As `String`, also for what has no text. */
export function messageOf(thrown: unknown): string {
  try {
    return isThrown(thrown, Error) ? String(thrown.message) : String(thrown)
  } catch {
    return `${typeof thrown} that has no text`
  }
}
