// The mark of a definition, and what is under it.
import type { AnyStoreDefinition } from '../define/store-definition.ts'
import type { CompiledDefinition } from './spec.ts'

/** Marks a definition, also one made by another copy of this package. */
export const definitionBrand: unique symbol = Symbol.for('ministore.definition')

/** Returns the definition as the core runs it, for code that works on any definition. */
export const definitionOf = (store: AnyStoreDefinition): CompiledDefinition =>
  (store as unknown as { [definitionBrand]: CompiledDefinition })[definitionBrand]
