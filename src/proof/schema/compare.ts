// A lock and today's definition: what no longer fits, and what is only new.
import { canonicalText } from '../../json/index.ts'
import type { Finding } from '../finding.ts'
import type { JsonSchema, LockedMutation, SchemaLock } from './lock.ts'
import { type Narrowing, narrowings } from './narrowing.ts'

/** How many narrowings of one payload are reported. */
const TOLD = 10

/**
 * What of `locked` does not hold any more, as errors: a payload was narrowed, a mutation or a version
 * is gone, the store has another name. If all holds and `now` has more, a warning that the lock does
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
    'run `npx ministore-ts schema --update` and commit it. The lockfile only protects the schemas that it has'
  const message = [...listed('the lock does not know of this yet:', changes), remedy].join('\n')
  // No replay reads metadata, so a change of its schema cannot break a journal.
  const others = schemaChanges(locked, { ...now, metadata: locked.metadata })
  const severity = others.length === 0 ? 'note' : 'warning'
  return [{ rule: 'schema_changed', severity, message, file }]
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
    if (found.length > 0) return [narrowed(Number(version), is, found)]
    const refused = handedOn(version, schema, is)
    return refused.length === 0 ? [] : [narrowed(Number(version), is, refused, HANDS_ON)]
  })
}

/**
 * What an upcaster without code hands on, and the current schema does not accept. What it changes, such as a
 * default that it fills in, is then among what it would give back unchanged.
 */
function handedOn(version: string, schema: JsonSchema, is: LockedMutation): readonly Narrowing[] {
  const passed = is.passed?.[version]
  if (!passed || !is.accepted) return []
  const refused = narrowings(passed, is.accepted)
  if (refused.length === 0 || narrowings(schema, passed).length > 0) return refused
  return narrowings(schema, is.accepted)
}

const HANDS_ON = 'returns a payload that the current schema does not accept'
const TAKES_LESS = 'does not take all that the lock allows'

function narrowed(
  version: number,
  is: LockedMutation,
  found: readonly Narrowing[],
  problem = TAKES_LESS,
): string {
  const isUpcast = version < is.version
  const what = isUpcast
    ? `the upcaster of version ${version} ${problem}:`
    : `version ${version} was changed without an upcaster, and ${problem}:`
  const unread = found.some(({ isUnread }) => isUnread)
    ? [
        'code cannot be compared: if the replay check finds that your journals still fit, accept it by `npx ministore-ts schema --update --force`',
      ]
    : []
  const remedies = isUpcast
    ? [problem === HANDS_ON ? 'let the upcaster add or change it' : 'let the upcaster take it']
    : [
        `widen it again, or declare the old schema as \`upcast: { ${version}: … }\`, which makes this version ${version + 1}`,
        ...(found.some(({ isMissing }) => isMissing)
          ? ['a .default() fills in dispatched payloads, and never replayed ones']
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

/** What is not the same, a line for each mutation; empty if nothing is to be updated. */
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
    ...metadataChanges(locked?.metadata, now.metadata),
    ...(renamed ? [`the store: ${locked.store} → ${now.store}`] : []),
    ...changed,
    ...gone.map((type) => `${type}: gone`),
  ]
}

function metadataChanges(was: JsonSchema | undefined, is: JsonSchema | undefined): string[] {
  if (isSame(was, is)) return []
  if (!was || !is) return [`the metadata: ${is ? 'new' : 'gone'}`]
  return ['the metadata: changed, which breaks no journal']
}

function mutationChanges(type: string, was: LockedMutation, is: LockedMutation): string[] {
  const same = (version: string) => isSame(was.payloads[version], is.payloads[version])
  const changed = Object.keys(is.payloads).filter(
    (version) => was.payloads[version] && !same(version),
  )
  const changes = [
    ...(was.version === is.version ? [] : [`version ${was.version} → ${is.version}`]),
    ...changed.map((version) =>
      versionChange(version, was.payloads[version], is.payloads[version]),
    ),
    ...(was.retired === is.retired ? [] : [is.retired ? 'retired' : 'not retired any more']),
  ]
  return changes.length === 0 ? [] : [`${type}: ${changes.join(', ')}`]
}

/** An upcaster's code changes nothing of what it takes, as far as anyone can see. */
function versionChange(version: string, was: JsonSchema = {}, is: JsonSchema = {}): string {
  const isOnlyCode = isSame({ ...was, 'x-code': [] }, { ...is, 'x-code': [] })
  return isOnlyCode
    ? `the code of the upcaster of version ${version} changed, which only the replay check can judge`
    : `payload of version ${version} changed`
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
