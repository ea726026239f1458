// What any key store promises.
import type { KeyStore } from 'ministore-ts/secrets'
import { expect } from 'vitest'

/** `open`: the same keys again, as another process would open them. */
export async function keepsItsPromises(open: () => KeyStore): Promise<void> {
  const [one, other] = [open(), open()]
  const made = await Promise.all([one, other, one, other].map((keys) => keys.obtain('user-7')))
  const [key] = made
  if (!key) throw new Error('there is no key')
  expect(key.bytes).toHaveLength(32)
  // Of several that are first at the same time, one wins, and all use it.
  for (const each of made) expect(each).toEqual(key)
  expect(await open().find('user-7', key.id)).toEqual(key)
  expect(await open().find('user-7', 'another')).toBeUndefined()
  expect(await open().find('user-8', key.id)).toBeUndefined()
  expect((await one.obtain('User-7')).bytes).not.toEqual(key.bytes)

  await one.forget('user-7')
  await other.forget('user-7')
  expect(await other.find('user-7', key.id)).toBe('forgotten')
  await expect(other.obtain('user-7')).rejects.toMatchObject({ code: 'forgotten' })
  await one.permit('user-7')
  await other.permit('user-7')
  const next = await other.obtain('user-7')
  expect(next.id).not.toBe(key.id)
  await one.permit('user-7')
  expect(await one.obtain('user-7')).toEqual(next)
  expect(await open().find('user-7', key.id)).toBe('forgotten')
  expect(await open().find('user-7', next.id)).toEqual(next)

  await one.forget('in advance')
  await expect(open().obtain('in advance')).rejects.toMatchObject({ code: 'forgotten' })
  for (const subject of ['', 'x'.repeat(257), 'line\nbreak', '\ud800', 7 as never])
    await expect(one.obtain(subject)).rejects.toThrow(TypeError)
}
