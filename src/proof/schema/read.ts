// A zod schema, read by its own definitions: two sets of JSON values, each as JSON Schema with marks.
import type { z } from 'zod'
import { absentProperty, absentValue, accepts } from './absent.ts'
import { isHarmless, readChecks, readFirstChecks } from './checks.ts'
import {
  CHANGES,
  checksOf,
  DROPS,
  effectOf,
  FILLS,
  hasNumbers,
  isCode,
  isTransform,
  KEEPS,
  typeEffectOf,
} from './effect.ts'
import type { JsonSchema, SchemaNode } from './lock.ts'
import { codeMark, wholeMark } from './marks.ts'
import {
  anyOf,
  coerced,
  countedRecord,
  isMarked,
  marked,
  templateNode,
  valuesNode,
  withChecks,
} from './nodes.ts'
import { STRICTER, sideFit, UNLIKE } from './sides.ts'

type Schema = z.core.$ZodType
type Def = z.core.$ZodTypes['_zod']['def']

/**
 * `kept`: the values that come back from parsing as they were, which is what journals hold and what the
 * replay check expects. `accepted`: all that do not fail.
 */
export type Side = 'kept' | 'accepted'

/** So many parts say enough of a schema that makes schemas without end. */
const MOST_PARTS = 20_000
const DEEPEST = 100

/**
 * Reads one schema. A node has exactly the values of its side, if each of its marks is taken for the test
 * that it names. Without the marks it has more values, never fewer.
 */
export class SchemaReading {
  /** Code that gives what no schema tells, and fails for what no one can see: `transform (old) => …`. */
  readonly code: Set<string> = new Set()
  /** Parts of which zod throws whatever they are given, also where another option would take it. */
  readonly broken: Set<string> = new Set()
  readonly #names = new Map<string, string>()
  readonly #numbers = new Map<Schema, number>()
  readonly #defs = new Map<string, SchemaNode>()
  readonly #open = new Set<string>()
  #parts = 0

  get defs(): { [name: string]: SchemaNode } {
    return Object.fromEntries(this.#defs)
  }

  read(schema: Schema, side: Side): SchemaNode {
    const key = this.#keyOf(schema, side)
    const known = this.#names.get(key)
    if (known !== undefined) return { $ref: `#/$defs/${known}` }
    if (this.#open.has(key)) {
      const name = `${side}${this.#names.size}`
      this.#names.set(key, name)
      return { $ref: `#/$defs/${name}` }
    }
    if (++this.#parts > MOST_PARTS || this.#open.size > DEEPEST) return marked(true, [ENDLESS])
    this.#open.add(key)
    const node = this.#tried(schema, side)
    this.#open.delete(key)
    const name = this.#names.get(key)
    if (name === undefined) return node
    this.#defs.set(name, node)
    return { $ref: `#/$defs/${name}` }
  }

  #keyOf(schema: Schema, side: Side): string {
    const number = this.#numbers.get(schema) ?? this.#numbers.size
    this.#numbers.set(schema, number)
    return `${number} ${side}`
  }

  /** A lazy schema may throw what its maker throws. */
  #tried(schema: Schema, side: Side): SchemaNode {
    try {
      return this.#readChecked(schema, side)
    } catch (error) {
      return marked(true, [wholeMark(`what throws ${error}`, schema)])
    }
  }

  #readChecked(schema: Schema, side: Side): SchemaNode {
    const { def } = schema._zod as unknown as { def: Def }
    const node = this.#readType(schema, def, side)
    if (checksOf(schema).length === 0) return node
    const kind = typeof node === 'object' && def.type !== 'lazy' ? KINDS.get(def.type) : undefined
    const isKept = typeEffectOf(schema) === KEEPS
    if (side === 'kept') {
      if (isKept || checksOf(schema).every(isHarmless))
        return withChecks(node, readChecks(schema, kind))
      // A check may put back what the type took away.
      return marked(this.#readType(schema, def, 'accepted'), [wholeMark('check', schema)])
    }
    if (!isKept) {
      return marked(node, [wholeMark('checks of a changed value', schema)])
    }
    return withChecks(node, readFirstChecks(schema, kind))
  }

  #readType(schema: Schema, def: Def, side: Side): SchemaNode {
    switch (def.type) {
      case 'string':
      case 'number':
      case 'boolean':
        return side === 'accepted' && def.coerce ? coerced(def.type, schema) : { type: def.type }
      case 'bigint':
      case 'date':
        return side === 'accepted' && def.coerce
          ? marked(true, [wholeMark('coerce', schema)])
          : false
      case 'null':
        return { type: 'null' }
      case 'any':
      case 'unknown':
      case 'custom':
        return true
      case 'literal':
        return valuesNode(def.values)
      case 'enum':
        return valuesNode([...(schema as z.core.$ZodEnum)._zod.values])
      case 'template_literal':
        return templateNode(schema as z.core.$ZodTemplateLiteral)
      case 'array':
        return { type: 'array', items: this.read(def.element, side) }
      case 'tuple':
        return this.#tuple(def, side)
      case 'object':
        return this.#object(def, side)
      case 'record':
        return this.#record(schema, def, side)
      case 'union':
        return this.#union(schema, def, side)
      case 'intersection':
        return this.#intersection(schema, def, side)
      case 'lazy':
        return this.read((schema as z.core.$ZodLazy)._zod.innerType, side)
      default:
        return this.#wrapper(schema, def, side)
    }
  }

  #wrapper(schema: Schema, def: Def, side: Side): SchemaNode {
    switch (def.type) {
      case 'optional':
      case 'nonoptional':
      case 'readonly':
        return this.read(def.innerType, side)
      case 'nullable':
        return anyOf([{ type: 'null' }, this.read(def.innerType, side)])
      case 'default':
      case 'prefault':
        return this.#default(schema, def, side)
      case 'catch':
        return side === 'accepted' ? true : this.#catch(schema, def)
      // It fails where its inner schema does, as of zod 4.6, though it is meant to say so.
      case 'success':
        return marked(side === 'accepted' || { type: 'boolean' }, [wholeMark('success', schema)])
      case 'pipe':
        return side === 'kept' ? this.#keptPipe(schema, def) : this.#acceptedPipe(schema, def)
      case 'transform':
        return marked(true, [codeMark('transform', def.transform)])
      default:
        return NO_JSON.has(def.type) ? false : marked(true, [wholeMark(def.type, schema)])
    }
  }

  #tuple(def: z.core.$ZodTupleDef, side: Side): SchemaNode {
    const { items, rest } = def
    const absences = items.map(absentValue)
    const mayBeAbsent = items.map(({ _zod: { optin, optout } }, index) => {
      // What fails in the tail of a tuple is left out of it.
      const isLeftOut = optout === 'optional' && (rest !== null || optin !== undefined)
      if (side === 'kept')
        return isLeftOut && (optin === 'optional' || absences[index] !== 'filled')
      return isLeftOut || (absences[index] !== 'refused' && (rest !== null || optin !== undefined))
    })
    const unknown = items.filter((_, index) => mayBeAbsent[index] && absences[index] === 'unknown')
    return marked(
      {
        type: 'array',
        prefixItems: items.map((item) => this.read(item, side)),
        items: rest ? this.read(rest, side) : false,
        minItems: mayBeAbsent.lastIndexOf(false) + 1,
      },
      unknown.map((item) => wholeMark('absent item', item)),
    )
  }

  #object(def: z.core.$ZodObjectDef, side: Side): SchemaNode {
    const names = Object.keys(def.shape).sort()
    const symbols = Object.getOwnPropertySymbols(def.shape).map((key) =>
      Reflect.get(def.shape, key),
    )
    if (symbols.some((part) => absentProperty(part as Schema) === 'refused')) return false
    const required: string[] = []
    const marks: string[] = []
    const properties = names.map((name) => {
      const property = def.shape[name] as Schema
      const absence = absentProperty(property)
      if (absence === 'unknown') marks.push(wholeMark(`absent ${name}`, property))
      else if (absence === 'refused' || (absence === 'filled' && side === 'kept'))
        required.push(name)
      return [name, this.read(property, side)]
    })
    const { catchall } = def
    const others = catchall ? this.read(catchall, side) : side === 'accepted'
    return marked(
      {
        type: 'object',
        properties: Object.fromEntries(properties),
        ...(required.length > 0 && { required }),
        ...(others !== true && { additionalProperties: others }),
      },
      marks,
    )
  }

  #record(schema: Schema, def: z.core.$ZodRecordDef, side: Side): SchemaNode {
    const { keyType, valueType } = def
    const keys = this.read(keyType, 'kept')
    const isRead =
      effectOf(keyType) === KEEPS && !hasNumbers(keyType) && !JSON.stringify(keys).includes('"x-')
    const values = keyType._zod.values
    const isLoose = (def as { mode?: string }).mode === 'loose'
    const isPartial = (def as { partial?: boolean }).partial === true
    const value = this.read(valueType, side)
    const whole = () => marked({ type: 'object' }, [wholeMark('record', schema)])
    if (!isRead) return whole()
    if (values && !isPartial) return countedRecord(schema, valueType, values, value, isLoose, side)
    if (!isLoose) {
      const isAnyKey = JSON.stringify(keys) === '{"type":"string"}'
      const propertyNames = values ? { enum: [...values].map(String) } : keys
      return { type: 'object', ...(!isAnyKey && { propertyNames }), additionalProperties: value }
    }
    const { type, pattern, format: _, ...others } = keys as JsonSchema
    if (type !== 'string' || Object.keys(others).length > 0) return whole()
    if (pattern === undefined) return { type: 'object', additionalProperties: value }
    return { type: 'object', patternProperties: { [pattern]: value } }
  }

  #union(schema: Schema, def: z.core.$ZodUnionDef, side: Side): SchemaNode {
    const { options } = def
    const nodes = options.map((option) => this.read(option, side))
    if ('discriminator' in def) return this.#discriminated(schema, def as never, nodes)
    if (options.length === 1) return nodes[0] ?? false
    if (def.inclusive === false) {
      // No other option may accept the value, whatever it would make of it.
      const takes = options.map((option) => this.read(option, 'accepted'))
      return { oneOf: nodes, ...(side === 'kept' && { 'x-takes': takes }) }
    }
    if (side === 'accepted') return anyOf(nodes)
    // The first option that accepts a value decides what becomes of it.
    const takes = options.map((option) =>
      effectOf(option) === KEEPS ? false : this.read(option, 'accepted'),
    )
    takes[takes.length - 1] = false
    return takes.some((each) => each !== false) ? { anyOf: nodes, 'x-takes': takes } : anyOf(nodes)
  }

  /** The discriminator names the only option that is asked. */
  #discriminated(
    schema: Schema,
    { options, discriminator, unionFallback }: z.core.$ZodDiscriminatedUnionDef,
    nodes: readonly SchemaNode[],
  ): SchemaNode {
    const claims = options.map(({ _zod }) => _zod.propValues?.[discriminator])
    const all = claims.flatMap((values) => [...(values ?? [])].filter((each) => each !== undefined))
    if (claims.some((values) => !values?.size) || new Set(all).size < all.length) {
      const mark = wholeMark(
        'discriminated union without a value of its own for each option',
        schema,
      )
      this.broken.add(mark)
      return marked(true, [mark])
    }
    const claimsNothing = claims.filter((values) => values?.has(undefined)).length
    const isRead = options.every((option) => {
      const { shape } = option._zod.def as Partial<z.core.$ZodObjectDef>
      return shape?.[discriminator] && effectOf(shape[discriminator]) === KEEPS
    })
    if (options.length > 1 && (unionFallback || !isRead))
      return marked(anyOf(nodes), [wholeMark('discriminated union', schema)])
    if (claimsNothing < 2) return anyOf(nodes)
    // Where two options may lack it, an object without it is refused.
    return anyOf(nodes.map((node) => ({ 'x-all': [node, { required: [discriminator] }] })))
  }

  #intersection(schema: Schema, def: z.core.$ZodIntersectionDef, side: Side): SchemaNode {
    const sides = [def.left, def.right]
    const effect = sides.reduce((sum, each) => sum | effectOf(each), KEEPS)
    // A key that one side refuses is right if the other side knows it.
    const fit = sides.map(sideFit).reduce((some, other) => Math.max(some, other))
    const whole = wholeMark('intersection', schema)
    if ((effect & CHANGES) !== 0 || fit === UNLIKE) return marked(true, [whole])
    const nodes = sides.map((each) => this.read(each, side))
    // What is checked of one side is not checked of all of the value.
    const isPartial = effect !== KEEPS && nodes.some(isMarked)
    const isFilled = side === 'accepted' && (effect & FILLS) !== 0
    return marked({ allOf: nodes }, isPartial || isFilled || fit === STRICTER ? [whole] : [])
  }

  #default(
    schema: Schema,
    def: z.core.$ZodDefaultDef | z.core.$ZodPrefaultDef,
    side: Side,
  ): SchemaNode {
    const node = this.read(def.innerType, side)
    if (def.type === 'prefault' || side === 'accepted') return node
    if ((effectOf(def.innerType) & CHANGES) === 0) return node
    // Where code makes nothing of a value, the default takes its place.
    return anyOf([node, marked(true, [wholeMark('default', schema)])])
  }

  #catch(schema: Schema, { innerType, catchValue }: z.core.$ZodCatchDef): SchemaNode {
    const whole = () => marked(true, [wholeMark('catch', schema)])
    // With a parameter, it may give anything, such as the value itself.
    if (catchValue.length > 0) return whole()
    const value = (catchValue as () => unknown)()
    const text = JSON.stringify(value)
    const isStable = text === JSON.stringify((catchValue as () => unknown)())
    if (!isStable) return whole()
    const node = this.read(innerType, 'kept')
    if (text === undefined || accepts(innerType, JSON.parse(text))) return node
    return anyOf([node, { const: JSON.parse(text) }])
  }

  #keptPipe(schema: Schema, def: z.core.$ZodPipeDef): SchemaNode {
    const { in: first, out: second, transform } = def
    const whole = (node: SchemaNode) => marked(node, [wholeMark('pipe', schema)])
    if (!isCode(def)) {
      const effects = [effectOf(first), effectOf(second)] as const
      const both = effects[0] | effects[1]
      // Two that only drop, or only fill in, cannot undo each other.
      const isRead = effects.includes(KEEPS) || both === DROPS || both === FILLS
      return isRead
        ? { 'x-all': [this.read(first, 'kept'), this.read(second, 'kept')] }
        : whole(this.read(first, 'accepted'))
    }
    const parts = [first, second].filter((part) => !isTransform(part))
    const code = [first, second].filter(isTransform)
    const isBare = code.every((part) => checksOf(part).length === 0)
    // Where code makes nothing of a value, what comes after it may fill in.
    const isFilled = parts.includes(second) && ['filled', 'unknown'].includes(absentValue(second))
    if (!isBare || isFilled || parts.some((part) => effectOf(part) !== KEEPS)) {
      return whole(isTransform(first) ? true : this.read(first, 'accepted'))
    }
    const marks = [
      ...code.map((part) =>
        codeMark('transform', (part._zod.def as z.core.$ZodTransformDef).transform),
      ),
      ...(transform ? [wholeMark('codec', schema)] : []),
    ]
    const nodes = parts.map((part) => this.read(part, 'kept'))
    return marked(nodes.length === 1 ? (nodes[0] ?? true) : { 'x-all': nodes }, marks)
  }

  #acceptedPipe(schema: Schema, def: z.core.$ZodPipeDef): SchemaNode {
    const { in: first, out: second, transform } = def
    if (!isCode(def) && effectOf(first) === KEEPS) {
      return { 'x-all': [this.read(first, 'accepted'), this.read(second, 'accepted')] }
    }
    const isLast = !transform && isTransform(second) && checksOf(second).length === 0
    if (isLast) {
      this.code.add(codeMark('transform', (second._zod.def as z.core.$ZodTransformDef).transform))
      return this.read(first, 'accepted')
    }
    const node = isTransform(first) ? true : this.read(first, 'accepted')
    return marked(node, [wholeMark('checks after code', schema)])
  }
}

const ENDLESS = 'what makes schemas without end'

/** Types of values that no JSON is, or that are made later. */
const NO_JSON = new Set<string>([
  ...['undefined', 'void', 'never', 'nan', 'symbol', 'map', 'set', 'file', 'function', 'promise'],
])

/** Of the types whose checks JSON Schema has keywords for. */
const KINDS = new Map<string, string>([
  ['string', 'string'],
  ['number', 'number'],
  ['array', 'array'],
])
