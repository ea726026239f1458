import { defineStore, type Rejection, reject, type StoreError } from 'ministore-ts'
import { AssertionError, scenarios } from 'ministore-ts/testing'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { atNoon, broker } from '../store/broker.ts'
import { keeps } from '../types/helpers.ts'

const { given } = scenarios(broker)
const orders = { type: 'addTopic', payload: { name: 'orders' } } as const
const at = '2000-01-01T00:00:00.000Z'

/** The error with which a scenario fails; fails itself where there is none. */
async function failureOf(scenario: PromiseLike<unknown>): Promise<AssertionError> {
  const error = await Promise.resolve(scenario).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(AssertionError)
  return error as AssertionError
}

describe('a scenario that holds', () => {
  test('says what was journaled, with what the schema added', async () => {
    await given([])
      .when('addTopic', { name: 'orders' })
      .then([{ type: 'addTopic', payload: { name: 'orders', partitions: 1 } }])
    await given([orders])
      .when('reset')
      .then([{ type: 'reset' }])
  })

  test('says the state, whole or in part', async () => {
    const created = { name: 'orders', partitions: 1, createdAt: at }
    const asked = given([]).when('addTopic', { name: 'orders' })
    await asked.thenState({ topics: { orders: created }, total: 1 })
    await asked.thenState((state) => state.topics['orders'], created)
    await asked.thenState(({ topics }) => topics['invoices'], undefined)
  })

  test('says what a rule, a schema and expectSeq refuse', async () => {
    const again = given([orders]).when('addTopic', { name: 'orders' })
    await again.thenRejects('topic_exists')
    await again.thenRejects('topic_exists', { name: 'orders' })
    await given([]).when('addTopic', { name: '' }).thenRejects('invalid')
    const conflict = { expected: 0, actual: 1 }
    await given([orders])
      .when('reset', undefined, { expectSeq: 0 })
      .thenRejects('conflict', conflict)
  })

  test('says what a command decides, gives back and refuses', async () => {
    const { whenExecute } = given([orders])
    await whenExecute('createTopics', { names: ['invoices', 'returns'] })
      .then([
        { type: 'addTopic', payload: { name: 'invoices', partitions: 1 } },
        { type: 'addTopic', payload: { name: 'returns', partitions: 1 } },
      ])
      .andState((state) => state.total, 3)
      .andValue({ created: 2 })
    await whenExecute('createTopics', { names: [] }).thenNothing().andValue({ created: 0 })
    await whenExecute('createTopics', { names: ['orders'] }).thenRejects('taken', {
      names: ['orders'],
    })
  })

  test('says that a batch is all or none', async () => {
    await given([])
      .whenAll([orders, { type: 'setPartitions', payload: { name: 'orders', partitions: 4 } }])
      .thenState(({ topics }) => topics['orders']?.partitions, 4)
    await given([]).whenAll([orders, orders]).thenRejects('topic_exists', { name: 'orders' })
  })

  test('says that a reducer cannot do what it was asked for', async () => {
    await given([])
      .when('setPartitions', { name: 'orders', partitions: 4 })
      .thenFails('apply_failed')
  })

  test('takes a history for facts: no rule is asked about it', async () => {
    await given([orders, orders]).when('reset').thenState({ topics: {}, total: 0 })
    await given([orders, orders])
      .whenExecute('createTopics', { names: [] })
      .thenState(({ total }) => total, 2)
  })

  test('has the clock that it was given', async () => {
    await scenarios(broker, atNoon)
      .given([orders])
      .when('addTopic', { name: 'invoices' })
      .thenState(
        ({ topics }) => Object.values(topics).map(({ createdAt }) => createdAt),
        ['2026-11-22T12:00:00.000Z', '2026-11-22T12:00:00.000Z'],
      )
  })

  test('can be asked again: each claim plays it from its beginning', async () => {
    const asked = given([]).when('addTopic', { name: 'orders' })
    await asked.thenState(({ total }) => total, 1)
    await asked.thenState(({ total }) => total, 1)
  })
})

describe('a scenario that does not hold', () => {
  test('shows what was expected to be journaled against what was', async () => {
    const error = await failureOf(
      given([])
        .when('addTopic', { name: 'orders' })
        .then([{ type: 'addTopic', payload: { name: 'orders', partitions: 2 } }]),
    )
    expect(error.message).toBe(
      [
        'addTopic journaled something else:',
        '--- expected',
        '+++ actual',
        '@@ -2,7 +2,7 @@',
        '   {',
        '     "payload": {',
        '       "name": "orders",',
        '-      "partitions": 2',
        '+      "partitions": 1',
        '     },',
        '     "type": "addTopic"',
        '   }',
      ].join('\n'),
    )
    expect(error).toMatchObject({
      name: 'AssertionError',
      showDiff: true,
      expected: [{ payload: { partitions: 2 } }],
      actual: [{ payload: { partitions: 1 } }],
    })
  })

  test('shows the states, whole or in part', async () => {
    const asked = given([]).when('addTopic', { name: 'orders' })
    const whole = await failureOf(asked.thenState({ topics: {}, total: 1 }))
    expect(whole.message).toContain('addTopic led to another state:\n--- expected\n+++ actual\n')
    expect(whole.message).toContain('\n+    "orders": {')
    const part = await failureOf(asked.thenState(({ total }) => total, 2))
    expect(part.message).toMatch(/\n-2\n\+1$/)
    expect(part).toMatchObject({ expected: 2, actual: 1 })
  })

  test('has what was not expected: a refusal, none, another one', async () => {
    const again = given([orders]).when('addTopic', { name: 'orders' })
    const refused = await failureOf(again.thenState(({ total }) => total, 1))
    expect(refused.message).toBe('addTopic was refused with topic_exists: refused: topic_exists')
    expect(refused.showDiff).toBe(false)
    expect(refused.cause as Rejection).toMatchObject({ details: { name: 'orders' } })
    await failureOf(again.then([]))
    await failureOf(again.thenNothing())
    await failureOf(again.thenFails('apply_failed'))

    const other = await failureOf(again.thenRejects('conflict'))
    expect(other).toMatchObject({ expected: 'conflict', actual: 'topic_exists' })
    const details = await failureOf(again.thenRejects('topic_exists', { name: 'invoices' }))
    expect(details).toMatchObject({ expected: { name: 'invoices' }, actual: { name: 'orders' } })

    const none = await failureOf(given([]).when('reset').thenRejects('invalid'))
    expect(none.message).toContain('reset should have been refused with invalid, and was not')
    expect(none.actual).toEqual({ journaled: [{ type: 'reset' }] })
    const fine = await failureOf(given([]).when('reset').thenFails('apply_failed'))
    expect(fine.message).toContain('reset should have failed with apply_failed, and did not')
  })

  test('has what a command gave back', async () => {
    const asked = given([]).whenExecute('createTopics', { names: ['orders'] })
    const value = await failureOf(asked.thenValue({ created: 2 }))
    expect(value).toMatchObject({ expected: { created: 2 }, actual: { created: 1 } })
    await failureOf(asked.thenNothing())
    const chained = asked.thenValue({ created: 1 }).andState(({ total }) => total, 2)
    expect(await failureOf(chained)).toMatchObject({ expected: 2, actual: 1 })
    await failureOf(asked.thenState(({ total }) => total, 1).andValue({ created: 2 }))
  })

  test('has the reducer’s error as its cause', async () => {
    const asked = given([]).when('setPartitions', { name: 'orders', partitions: 4 })
    for (const claim of [() => asked.thenNothing(), () => asked.thenRejects('invalid')]) {
      const { message, cause } = await failureOf(claim())
      expect(message).toContain('setPartitions failed: StoreError: apply of setPartitions failed')
      expect((cause as StoreError).code).toBe('apply_failed')
    }
    await failureOf(asked.thenFails('too_large'))
  })

  test('says what is wrong with its history', async () => {
    const invalid = await failureOf(
      given([orders, { type: 'addTopic', payload: { name: '' } }])
        .when('reset')
        .thenNothing(),
    )
    expect(invalid.message).toMatch(/^given: mutation 2 of the history: addTopic: payload\.name: /)
    const broken = await failureOf(
      given([{ type: 'setPartitions', payload: { name: 'orders', partitions: 4 } }])
        .when('reset')
        .thenNothing(),
    )
    expect(broken.message).toMatch(/^given: the history cannot be replayed: .*no topic orders/)
    const unknown = { type: 'addTopics' } as never
    const misspelt = await failureOf(given([unknown]).when('reset').thenNothing())
    expect(misspelt.message).toContain('did you mean "addTopic"?')
  })

  test('points to the line of the test that claims it', async () => {
    const asked = given([]).when('addTopic', { name: 'orders' })
    const { stack } = await failureOf(asked.thenNothing())
    expect(stack).toMatch(/^AssertionError: addTopic journaled something else:\n/)
    expect(stack).toContain('test/testing/scenario.test.ts:')
    const chained = await failureOf(asked.thenValue(undefined).andState(({ total }) => total, 2))
    expect(chained.stack).toContain('test/testing/scenario.test.ts:')
  })

  test('is not taken for one that holds where only JSON can be told apart', async () => {
    const clock = defineStore({
      name: 'clock',
      state: {},
      mutations: {},
      commands: { read: { run: () => ({ at: new Date(1) }) } },
    })
    const asked = scenarios(clock).given([]).whenExecute('read')
    const { message } = await failureOf(asked.thenValue({ at: new Date(2) }))
    expect(message).toContain(
      'read gave another value: only JSON can be compared, but at is a Date',
    )
  })
})

describe('the round trip', () => {
  const numbers = (apply: (draft: { drawn: unknown[] }) => void, payload = z.string()) =>
    defineStore({
      name: 'numbers',
      state: { drawn: [] as unknown[] as string[] },
      mutations: { draw: { payload, apply } },
    })

  test('fails a scenario whose reducer draws random numbers, although the claim holds', async () => {
    const random = numbers((draft) => void draft.drawn.push(String(Math.random())))
    const asked = scenarios(random).given([]).when('draw', 'x')
    const error = await failureOf(asked.thenState(({ drawn }) => drawn.length, 1))
    expect(error.message).toMatch(/replay/)
    expect(error.message).toMatch(/draw/)
  })

  test('fails a scenario whose reducer does on replay what it did not do live', async () => {
    let runs = 0
    const counting = numbers((draft) => void draft.drawn.push(runs++ === 0 ? 'live' : 'replayed'))
    const asked = scenarios(counting).given([]).when('draw', 'x')
    const error = await failureOf(asked.thenState({ drawn: ['live'] }))
    expect(error.message).toContain('replaying gives another state (actual) than the store had')
    expect(error).toMatchObject({ expected: { drawn: ['live'] }, actual: { drawn: ['replayed'] } })
  })

  test('fails a scenario whose payload is another one each time that it is parsed', async () => {
    const growing = z.string().transform((text) => (text.length > 3 ? `${text}!` : text))
    const shouting = numbers((draft) => void draft.drawn.push('x'), growing as never)
    const { given } = scenarios(shouting)
    await given([{ type: 'draw', payload: 'abc' }])
      .when('draw', 'abc')
      .thenState({ drawn: ['x', 'x'] })
    const error = await failureOf(
      given([])
        .when('draw', 'abcd')
        .then([{ type: 'draw', payload: 'abcd!' }]),
    )
    expect(error.message).toContain('draw does not accept its own output unchanged')
  })

  test('takes in the history, too', async () => {
    const random = defineStore({
      name: 'numbers',
      state: { drawn: [] as number[] },
      mutations: {
        draw: { apply: (draft) => void draft.drawn.push(Math.random()) },
        note: { apply: () => {} },
      },
    })
    await failureOf(
      scenarios(random)
        .given([{ type: 'draw' }])
        .when('note')
        .then([{ type: 'note' }]),
    )
    await scenarios(random)
      .given([])
      .when('note')
      .then([{ type: 'note' }])
  })
})

describe('a scenario without an end', () => {
  test('is refused where it is awaited', async () => {
    const asked = given([]).when('addTopic', { name: 'orders' }) as unknown as PromiseLike<void>
    await expect(async () => await asked).rejects.toThrow(
      new TypeError('nothing is claimed about addTopic: end with .then([…]) or another then…'),
    )
  })

  test('that nobody awaits begins all the same', async () => {
    let asked = 0
    const counter = defineStore({
      name: 'counter',
      state: {},
      mutations: { count: { guard: () => void asked++, apply: () => {} } },
    })
    const claimed = scenarios(counter).given([]).when('count').thenState({})
    await expect.poll(() => asked).toBe(1)
    await claimed
  })
})

keeps('a scenario is typed as the store is', async () => {
  const asked = given([]).when('addTopic', { name: '' })
  // @ts-expect-error there is no such mutation
  given([{ type: 'addTopics' }])
  // @ts-expect-error a topic has a name
  given([]).when('addTopic', { partitions: 1 })
  // @ts-expect-error a payload is needed
  given([]).when('addTopic')
  // @ts-expect-error what is journaled has the default
  await asked.then([{ type: 'addTopic', payload: { name: '' } }])
  // @ts-expect-error addTopic is not refused with that
  await asked.thenRejects('taken')
  // @ts-expect-error the details are a name
  await asked.thenRejects('topic_exists', { names: [] })
  // @ts-expect-error the total is a number
  await asked.thenState(({ total }) => total, '1')
  // @ts-expect-error nothing is claimed
  await asked
  // @ts-expect-error there is no such command
  given([]).whenExecute('createTopic', { names: [] })
  // @ts-expect-error the names are missing
  given([]).whenExecute('createTopics')
  // @ts-expect-error the value is an object
  await given([]).whenExecute('createTopics', { names: [] }).thenValue(1)
})

describe('a scenario with metadata', () => {
  const audited = defineStore({
    name: 'audited',
    state: { total: 0 },
    metadata: z.object({ actor: z.string(), source: z.string().default('api') }),
    mutations: {
      add: {
        guard: (_state, _payload, { metadata }) =>
          metadata.actor === 'eve' ? reject('forbidden') : undefined,
        apply: (draft) => void draft.total++,
      },
      set: { payload: z.object({ total: z.int() }), apply: (_draft, payload) => payload },
    },
    commands: { go: { run: (tx) => void tx.dispatch('add') } },
  })
  const { given } = scenarios(audited)
  const ann = { metadata: { actor: 'ann' } }
  const about = { actor: 'ann', source: 'api' }

  test('says what the records have beside the mutation', async () => {
    await given([{ type: 'add' }, { type: 'add', ...ann }])
      .when('add', undefined, { ...ann, key: 'k' })
      .thenRecords([{ type: 'add', metadata: about, key: 'k' }])
      .andState({ total: 3 })
    await given([])
      .whenExecute('go', undefined, ann)
      .thenRecords([{ type: 'add', metadata: about, command: 'go' }])
    await given([])
      .whenAll([{ type: 'add' }], ann)
      .then([{ type: 'add' }])
    await given([])
      .when('add', undefined, { metadata: { actor: 'eve' } })
      .thenRejects('forbidden')
  })

  test('fails where a record has other metadata, or a fact has one that its schema refuses', async () => {
    const asked = given([]).when('add', undefined, ann)
    const { expected, actual } = await failureOf(
      asked.thenRecords([{ type: 'add', metadata: { actor: 'bob' } }]),
    )
    expect(expected).toEqual([{ type: 'add', metadata: { actor: 'bob' } }])
    expect(actual).toMatchObject([{ type: 'add', metadata: about }])
    await failureOf(asked.thenRecords([{ type: 'add' }]))
    const wrong = { type: 'add', metadata: { actor: 4 } } as never
    const { message } = await failureOf(given([wrong]).when('add', undefined, ann).thenNothing())
    expect(message).toMatch(/^given: mutation 1 of the history: given: options\.metadata\.actor: /)
  })

  test('does not compile without the metadata that the schema requires', () => {
    keeps('metadata is required', () => {
      // @ts-expect-error needs metadata
      given([]).when('add')
      // @ts-expect-error needs metadata
      given([]).whenExecute('go')
      // @ts-expect-error needs metadata
      given([]).whenAll([{ type: 'add' }])
    })
  })
})
