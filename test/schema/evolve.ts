// A mutation `m` before and after a change, and what the lock has to say about it.
import { defineStore } from 'ministore-ts'
import type { z } from 'zod'
import { compareSchemas, type SchemaLock, schemaLock } from '../../src/proof/schema/index.ts'

type Payload = z.core.$ZodType | undefined

/** `old`: the upcasters of the versions before, from 1. */
export function lockOf(payload: Payload, ...old: z.core.$ZodType[]): SchemaLock {
  const upcast = Object.fromEntries(old.map((each, index) => [index + 1, each]))
  const m = { ...(payload && { payload }), upcast, apply: () => undefined }
  return schemaLock(defineStore({ name: 's', state: {}, mutations: { m } } as never))
}

/** What is narrowed, a line each, such as `payload.name: maxLength 10 where it had none`. */
export function narrowed(before: Payload, after: Payload, ...old: z.core.$ZodType[]): string[] {
  return compareSchemas(lockOf(before), lockOf(after, ...old), 'lock')
    .filter(({ severity }) => severity === 'error')
    .flatMap(({ message }) => message.split('\n').filter((line) => line.startsWith('  ')))
    .map((line) => line.trim())
}
