// The source of a function that zod wraps in one of its own: `superRefine()` keeps it where no property leads.
import { Session } from 'node:inspector'

const SLOT = Symbol.for('ministore schema: function to read')

/**
 * The sources of the functions that the innermost closure of `code` holds, as the inspector of this process
 * shows them (Chrome DevTools Protocol: Runtime.getProperties, `[[Scopes]]`). Undefined if there is no such
 * inspector, as in other runtimes than Node.
 */
export function heldSources(code: unknown): readonly string[] | undefined {
  const session = connected()
  if (!session) return undefined
  Reflect.set(globalThis, SLOT, code)
  try {
    const expression = `globalThis[Symbol.for(${JSON.stringify(SLOT.description)})]`
    const { result } = post(session, 'Runtime.evaluate', { expression })
    const scopes = post(session, 'Runtime.getProperties', { objectId: result?.objectId })
    const all = scopes.internalProperties?.find(({ name }) => name === '[[Scopes]]')
    const [innermost] = propertiesOf(session, all?.value)
    const held = propertiesOf(session, innermost?.value)
    return held.flatMap(({ value }) => (value?.type === 'function' ? [`${value.description}`] : []))
  } catch {
    return undefined
  } finally {
    Reflect.deleteProperty(globalThis, SLOT)
    session.disconnect()
  }
}

function connected(): Session | undefined {
  try {
    const session = new Session()
    session.connect()
    return session
  } catch {
    return undefined
  }
}

interface Remote {
  readonly type?: string
  readonly description?: string
  readonly objectId?: string
}
interface Property {
  readonly name: string
  readonly value?: Remote
}
interface Answer {
  readonly result?: Remote
  readonly internalProperties?: readonly Property[]
}

/** Within one thread, the inspector answers before `post` returns. */
function post(session: Session, method: string, parameters: object): Answer {
  let answer: Answer = {}
  session.post(method, parameters, (error, result) => {
    if (!error) answer = result as Answer
  })
  return answer
}

function propertiesOf(session: Session, of: Remote | undefined): readonly Property[] {
  if (of?.objectId === undefined) return []
  const { result } = post(session, 'Runtime.getProperties', {
    objectId: of.objectId,
    ownProperties: true,
  }) as { result?: readonly Property[] }
  return result ?? []
}
