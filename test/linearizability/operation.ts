// What a history consists of, and what a model of the tested object is.

/** One call of one process. Times are of one clock that all processes share; any unit. */
export interface Operation<C, A> {
  readonly process: string
  readonly call: C
  readonly start: number
  /** `Infinity` if the outcome is unknown: the call may take effect at any time from its start on, or never. */
  readonly end: number
  /** Undefined if the outcome is unknown. */
  readonly answer: A | undefined
}

/** The object as it would be if one process used it alone: the sequential specification. */
export interface Model<S, C, A> {
  readonly initial: S
  /**
   * Returns the state after `call` was answered with `answer`, undefined if this state gives another answer. Without
   * an answer, it returns the state after the call. It returns the same object if nothing changes, and never changes
   * an object that it was given.
   */
  step(state: S, call: C, answer: A | undefined): S | undefined
  /** Returns true if a call with this answer changes nothing, in whichever state. Default: false. */
  isRead?(call: C, answer: A): boolean
  /** Two states with the same key behave alike from now on. */
  key(state: S): string
  /**
   * Returns false if only a call with an answer can take effect next. It saves the checker the attempt to
   * explain the state by a call of unknown outcome. Default: true.
   */
  admitsUnknown?(state: S): boolean
  /** For reports, in one line each. */
  describeCall(call: C): string
  describeAnswer(answer: A): string
  describeState(state: S): string
}
