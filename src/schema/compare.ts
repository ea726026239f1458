// A lock and today's definition: what no longer fits, and what is only new.
import { canonicalText } from '../index.ts'
import type { Finding } from '../types.ts'
import type { JsonSchema, LockedMutation, SchemaLock } from './lock.ts'
import { type Narrowing, narrowings } from './narrowing.ts'

/** How many narrowings of one payload are told. */
const TOLD = 10

/**
 * What of `locked` does not hold any more, as errors: a payload was narrowed, a mutation or a version
 * is gone, the store has another name. Where all holds and `now` has more, a warning that the lock does
 * not know it yet: what it does not know, it does not protect. `file`: the lock's, for the findings.
 */
export function compareSchemas(locked: SchemaLock, now: SchemaLock, file: string): Finding[] {
  const problems =
    locked.store === now.store ? mutationProblems(locked, now) : [otherStore(locked, now)]
  if (problems.length > 0) {
    return problems.map((each) => ({ rule: 'schema_changed', severity: 'error', file, ...each }))
  }
  const changes = schemaChanges(locked, now)
  if (changes.length === 0) return []
  const remedy =
    'run `ministore schema --update` and commit it: what it does not know, it does not protect'
  const message = [...listed('the lock does not know of this yet:', changes), remedy].join('\n')
  return [{ rule: 'schema_changed', severity: 'warning', message, file }]
}

interface Problem {
  readonly message: string
  readonly type?: string
}

const otherStore = (locked: SchemaLock, now: SchemaLock): Problem => {
  const names = `the store ${JSON.stringify(locked.store)}, the definition is of ${JSON.stringify(now.store)}`
  const remedy =
    'a store that is renamed no longer opens its journals, and each store has its own lock (--lock)'
  return { message: `the lock is of ${names}: ${remedy}` }
}

function mutationProblems(locked: SchemaLock, now: SchemaLock): Problem[] {
  const today = new Map(Object.entries(now.mutations))
  return Object.entries(locked.mutations).flatMap(([type, was]) => {
    const is = today.get(type)
    const messages = is ? versionProblems(was, is) : [removed(was, locked, now)]
    return messages.map((message) => ({ message, type }))
  })
}

function removed(was: LockedMutation, locked: SchemaLock, now: SchemaLock): string {
  const schema = canonicalText(was.payloads[was.version])
  const same = Object.entries(now.mutations)
    .filter(([name, { version, payloads }]) => {
      return !Object.hasOwn(locked.mutations, name) && canonicalText(payloads[version]) === schema
    })
    .map(([name]) => JSON.stringify(name))
  const remedy = 'move it to `retired`, with its payload, upcasters and reducer'
  const renamed = `was it renamed to ${same.join(' or ')}? Its records keep the old name`
  const hint = same.length > 0 ? `; ${renamed}, so that is retired beside the new one` : ''
  return `the mutation is gone, and journals with it no longer open: ${remedy}${hint}`
}

function versionProblems(was: LockedMutation, is: LockedMutation): string[] {
  if (is.version < was.version) {
    const gone = `version ${was.version} is gone, and journals with it no longer open`
    return [`${gone}: today's is version ${is.version}; declare the old ones in \`upcast\` again`]
  }
  return Object.entries(was.payloads).flatMap(([version, schema]) => {
    const today = is.payloads[version]
    if (!today) return [`version ${version} has no upcaster: declare one in \`upcast\``]
    const found = narrowings(schema, today)
    return found.length === 0 ? [] : [narrowed(Number(version), is, found)]
  })
}

function narrowed(version: number, is: LockedMutation, found: readonly Narrowing[]): string {
  const isUpcast = version < is.version
  const what = isUpcast
    ? `the upcaster of version ${version} does not take all that the lock allows:`
    : `version ${version} was changed without an upcaster, and does not take all that the lock allows:`
  const unread = found.some(({ isUnread }) => isUnread)
    ? [
        'code cannot be compared: if the replay check finds that your journals still fit, accept it by `ministore schema --update --force`',
      ]
    : []
  const remedies = isUpcast
    ? ['let the upcaster take it']
    : [
        `widen it again, or declare what it was as \`upcast: { ${version}: … }\`, which makes this version ${version + 1}`,
        ...(found.some(({ isMissing }) => isMissing)
          ? ['a .default() fills in what is dispatched, never what is replayed']
          : []),
      ]
  return [
    ...listed(
      what,
      found.map(({ path, change }) => `payload${path}: ${change}`),
    ),
    ...remedies,
    ...unread,
  ].join('\n')
}

/** What is not the same, a line for each mutation; empty where nothing is to be updated. */
export function schemaChanges(locked: SchemaLock | undefined, now: SchemaLock): string[] {
  const before = new Map(Object.entries(locked?.mutations ?? {}))
  const today = new Map(Object.entries(now.mutations))
  const changed = [...today].flatMap(([type, is]) => {
    const was = before.get(type)
    return was ? mutationChanges(type, was, is) : [`${type}: new`]
  })
  const gone = [...before.keys()].filter((type) => !today.has(type))
  const renamed = locked && locked.store !== now.store
  return [
    ...(renamed ? [`the store: ${locked.store} → ${now.store}`] : []),
    ...changed,
    ...gone.map((type) => `${type}: gone`),
  ]
}

function mutationChanges(type: string, was: LockedMutation, is: LockedMutation): string[] {
  const same = (version: string) => isSame(was.payloads[version], is.payloads[version])
  const changed = Object.keys(is.payloads).filter(
    (version) => was.payloads[version] && !same(version),
  )
  const changes = [
    ...(was.version === is.version ? [] : [`version ${was.version} → ${is.version}`]),
    ...changed.map((version) => `payload of version ${version} changed`),
    ...(was.retired === is.retired ? [] : [is.retired ? 'retired' : 'not retired any more']),
  ]
  return changes.length === 0 ? [] : [`${type}: ${changes.join(', ')}`]
}

const isSame = (was: JsonSchema | undefined, is: JsonSchema | undefined) =>
  canonicalText(was) === canonicalText(is)

function listed(headline: string, items: readonly string[]): string[] {
  const more = items.length - TOLD
  return [
    headline,
    ...items.slice(0, TOLD).map((each) => `  ${each}`),
    ...(more > 0 ? [`  … and ${more} more`] : []),
  ]
}
