// Which parts of src/journals/file/format/ the last inputs ran, as V8 counts them.
import { type Profiler, Session } from 'node:inspector'

/** To be started before src/journals/file/format/ is loaded: V8 counts blocks only in what it compiles afterwards. */
export class Coverage {
  readonly #session = new Session()

  constructor() {
    this.#session.connect()
    this.#session.post('Profiler.enable')
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  }

  /** The parts that ran since the last call. */
  take(): Set<string> {
    const parts = new Set<string>()
    for (const { url, functions } of this.#take()) {
      if (!url.includes('/src/journals/file/format/')) continue
      for (const { ranges } of functions)
        for (const { startOffset, endOffset, count } of ranges)
          if (count > 0) parts.add(`${url} ${startOffset} ${endOffset}`)
    }
    return parts
  }

  #take(): Profiler.ScriptCoverage[] {
    let result: Profiler.ScriptCoverage[] = []
    // It answers before it returns.
    this.#session.post('Profiler.takePreciseCoverage', (error, taken) => {
      if (error) throw error
      result = taken.result
    })
    return result
  }
}
