import { expect, test } from 'vitest'
import { ATTACKS, tamper } from './campaign.ts'

const COUNT = 1500
const SEED = Number(process.env['MINISTORE_SEED'] ?? 1)

test(`finds each of ${COUNT} random manipulations of sealed journals, from seed ${SEED}`, async () => {
  const { missed, by } = await tamper(COUNT, SEED)
  expect(missed).toEqual([])
  expect(Object.keys(by).sort()).toEqual(Object.keys(ATTACKS).sort())
})
