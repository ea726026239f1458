// The types of metadata, from its schema.

import type { z } from 'zod'
import type { WellKnownMetadata } from '../mutation/spec.ts'
import type { Accepted } from './messages.ts'

/** `input`: what a dispatch is given. `output`: what guards and commands read. */
export interface MetadataTypes {
  readonly input: object
  readonly output: object
}

export interface DefaultMetadata {
  readonly input: WellKnownMetadata
  readonly output: WellKnownMetadata
}

export type MetadataInput<Me> = Me extends z.core.$ZodObject
  ? Accepted<z.input<Me>> & Omit<WellKnownMetadata, keyof z.input<Me>>
  : WellKnownMetadata

export type MetadataOutput<Me> = Me extends z.core.$ZodObject
  ? z.output<Me> & Omit<WellKnownMetadata, keyof z.output<Me>>
  : WellKnownMetadata

/** `store.with`: what it was given is no longer required. */
export interface BoundMetadata<Me extends MetadataTypes, Given> {
  readonly input: Omit<Me['input'], RequiredKeys<Given>> &
    Partial<Pick<Me['input'], RequiredKeys<Given> & keyof Me['input']>>
  readonly output: Me['output']
}

type RequiredKeys<T> = { [K in keyof T]-?: {} extends Pick<T, K> ? never : K }[keyof T]
