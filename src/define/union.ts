// Mutations from a union that is already there.
import type { z } from 'zod'
import { StoreError } from '../errors.ts'
import type { UnionParts, UnionReducers } from '../types.ts'

/**
 * Mutations from a ready `z.discriminatedUnion('type', …)` and one reducer for each option. An
 * option's payload is its `payload` field where it has one, else all fields but `type`.
 * Throws StoreError `bad_definition` where options and reducers do not match.
 */
export function mutationsFromUnion<S>(): <U extends z.core.$ZodDiscriminatedUnion>(
  union: U,
  reducers: NoInfer<UnionReducers<S, U>>,
) => UnionParts<S, U> {
  return (union, reducers) => {
    const applies = new Map(Object.entries<unknown>(reducers))
    const parts = union._zod.def.options.flatMap((option) => {
      const { shape: { type, payload, ...others } = {}, omit } = option as Partial<z.ZodObject>
      const names = [...(type?._zod.values ?? [])]
      if (names.length === 0) throw bad('each option must be an object with a literal type')
      const rest = Object.keys(others).length > 0 ? omit?.({ type: true }) : undefined
      return names.map((name) => {
        const apply = applies.get(String(name))
        if (!applies.delete(String(name))) throw bad(`there is no reducer for ${String(name)}`)
        return [String(name), { payload: payload ?? rest, apply }]
      })
    })
    const left = [...applies.keys()].join(', ')
    if (left !== '') throw bad(`the union has no option for ${left}`)
    return Object.fromEntries(parts)
  }
}

const bad = (problem: string) => new StoreError('bad_definition', `mutationsFromUnion: ${problem}`)
