import { describe, test } from 'vitest'
import {
  ack,
  at,
  given,
  group,
  hostileNames,
  subscribed,
  subscription,
  topic,
  trim,
} from './given.ts'

const defaults = {
  ...{ partitions: 1, retentionMs: null, retentionBytes: null },
  ...{ keepUnacked: false, maxMessageBytes: 1_048_576 },
}

describe('createTopic', () => {
  test('journals the defaults of today', async () => {
    await given([])
      .when('createTopic', { name: 'logs' })
      .then([{ type: 'createTopic', payload: { name: 'logs', ...defaults } }])
      .andState((state) => state.topics.get('logs'), {
        ...{ id: 1, ...defaults, logStart: [0], createdAt: at },
      })
  })

  test('refuses a name that is taken', async () => {
    await given([topic()]).when('createTopic', { name: 'logs' }).thenRejects('topic_exists')
  })

  test.each(hostileNames)('takes %s for a name like any other', async (name) => {
    await given([])
      .when('createTopic', { name })
      .thenState((state) => [...state.topics.keys()], [name])
    await given([topic(name)])
      .when('createTopic', { name })
      .thenRejects('topic_exists')
  })

  test.each(['', '.', '..', 'a/b', 'a b', 'ü', 'x'.repeat(129), 'a\n'])(
    'refuses the name %j',
    async (name) => {
      await given([]).when('createTopic', { name }).thenRejects('invalid')
    },
  )

  test.each([
    { partitions: 0 },
    { partitions: 257 },
    { partitions: 1.5 },
    { retentionMs: 0 },
    { retentionBytes: -1 },
    { maxMessageBytes: 0 },
    { maxMessageBytes: 16 * 2 ** 20 + 1 },
  ])('refuses %j', async (settings) => {
    await given([])
      .when('createTopic', { name: 'logs', ...settings })
      .thenRejects('invalid')
  })

  test('never uses an id again', async () => {
    const deleted = { type: 'deleteTopic', payload: { name: 'logs', topicId: 1 } } as const
    await given([topic(), deleted])
      .when('createTopic', { name: 'logs' })
      .thenState((state) => state.topics.get('logs')?.id, 2)
  })
})

describe('setRetention', () => {
  test('leaves as it is what is not given', async () => {
    await given([
      { type: 'createTopic', payload: { name: 'logs', retentionMs: 5, keepUnacked: true } },
    ])
      .whenExecute('setRetention', { name: 'logs', retentionBytes: 7 })
      .then([
        {
          type: 'updateRetention',
          payload: { name: 'logs', retentionMs: 5, retentionBytes: 7, keepUnacked: true },
        },
      ])
      .andState((state) => state.topics.get('logs')?.retentionBytes, 7)
  })

  test('takes a limit away with null', async () => {
    await given([{ type: 'createTopic', payload: { name: 'logs', retentionMs: 5 } }])
      .whenExecute('setRetention', { name: 'logs', retentionMs: null })
      .thenState((state) => state.topics.get('logs')?.retentionMs, null)
  })

  test('refuses a topic that is not there', async () => {
    await given([]).whenExecute('setRetention', { name: 'logs' }).thenRejects('no_such_topic')
    const settings = { retentionMs: null, retentionBytes: null, keepUnacked: false }
    await given([])
      .when('updateRetention', { name: 'logs', ...settings })
      .thenRejects('no_such_topic')
  })
})

describe('addPartitions', () => {
  test('gives each group a cursor at the beginning of the new ones', async () => {
    await given([...subscribed, ack([0, 4])])
      .when('addPartitions', { name: 'logs', count: 3 })
      .thenState((state) => state.topics.get('logs')?.logStart, [0, 0, 0])
      .andState(
        (state) =>
          state.groups
            .get('g')
            ?.subscriptions.get('logs')
            ?.cursors.map(({ next }) => next),
        [5, 0, 0],
      )
  })

  test('only ever adds', async () => {
    const asked = given([topic('logs', 2)])
    await asked.when('addPartitions', { name: 'logs', count: 2 }).thenRejects('not_more_partitions')
    await asked.when('addPartitions', { name: 'logs', count: 257 }).thenRejects('invalid')
    await asked.when('addPartitions', { name: 'none', count: 3 }).thenRejects('no_such_topic')
  })
})

describe('trimTopic', () => {
  test('moves cursors up, and keeps for each group what it had not acknowledged', async () => {
    await given([...subscribed, ack([2, 3], [7, 7])])
      .when('trimTopic', { name: 'logs', partition: 0, logStart: 6 })
      .thenState((state) => state.groups.get('g')?.subscriptions.get('logs'), {
        topicId: 1,
        cursors: [{ next: 6, ahead: [7, 7] }],
        gaps: [
          { partition: 0, from: 0, to: 1 },
          { partition: 0, from: 4, to: 5 },
        ],
      })
  })

  test('joins a gap to the one before it, as long as nobody was told', async () => {
    await given([...subscribed, trim(5)])
      .when('trimTopic', { name: 'logs', partition: 0, logStart: 9 })
      .thenState(
        (state) => state.groups.get('g')?.subscriptions.get('logs')?.gaps,
        [{ partition: 0, from: 0, to: 8 }],
      )
  })

  test('leaves no gap where all was acknowledged', async () => {
    await given([...subscribed, ack([0, 9])])
      .when('trimTopic', { name: 'logs', partition: 0, logStart: 6 })
      .thenState((state) => state.groups.get('g')?.subscriptions.get('logs'), {
        topicId: 1,
        cursors: [{ next: 10, ahead: [] }],
        gaps: [],
      })
  })

  test('goes upwards only, in a partition that is there', async () => {
    const asked = given([topic(), trim(5)])
    const where = { name: 'logs', partition: 0 }
    await asked.when('trimTopic', { ...where, logStart: 5 }).thenRejects('nothing_to_trim')
    await asked
      .when('trimTopic', { ...where, partition: 1, logStart: 6 })
      .thenRejects('no_such_partition')
    await asked
      .when('trimTopic', { ...where, name: '__proto__', logStart: 6 })
      .thenRejects('no_such_partition')
  })
})

describe('retain', () => {
  const keeping = {
    type: 'createTopic',
    payload: { name: 'logs', keepUnacked: true },
  } as const
  const where = { name: 'logs', partition: 0 }

  test('trims to the last of the ends', async () => {
    await given([topic()])
      .whenExecute('retain', { ...where, ends: [3, 6, 9] })
      .then([{ type: 'trimTopic', payload: { ...where, logStart: 9 } }])
      .andValue({ logStart: 9 })
  })

  test('with keepUnacked, stays below the lowest cursor of all groups', async () => {
    const other = { type: 'createGroup', payload: { group: 'elsewhere' } } as const
    const history = [keeping, group(), other, subscription(), ack([0, 6], [8, 8])]
    await given(history)
      .whenExecute('retain', { ...where, ends: [3, 6, 9] })
      .then([{ type: 'trimTopic', payload: { ...where, logStart: 6 } }])
    const joined = (name: string, next: number) => [
      { type: 'createGroup' as const, payload: { group: name } },
      {
        type: 'subscribe' as const,
        payload: { group: name, topic: 'logs', topicId: 1, cursors: [next] },
      },
    ]
    await given([keeping, ...joined('first', 4), ...joined('second', 9)])
      .whenExecute('retain', { ...where, ends: [3, 6, 9] })
      .thenValue({ logStart: 3 })
    await given([keeping, group(), subscription()])
      .whenExecute('retain', { ...where, ends: [3] })
      .thenNothing()
      .andValue({ logStart: 0 })
  })

  test('without a group, there is nothing to keep', async () => {
    await given([keeping])
      .whenExecute('retain', { ...where, ends: [3] })
      .thenValue({ logStart: 3 })
  })

  test('refuses a partition that is not there', async () => {
    await given([topic()])
      .whenExecute('retain', { name: 'logs', partition: 1, ends: [3] })
      .thenRejects('no_such_partition')
  })
})

describe('deleting a topic', () => {
  test('takes its subscriptions with it, and remembers its files until they are gone', async () => {
    await given(subscribed)
      .whenExecute('removeTopic', { name: 'logs' })
      .then([{ type: 'deleteTopic', payload: { name: 'logs', topicId: 1 } }])
      .andValue({ topicId: 1 })
      .andState((state) => state.topics.size, 0)
      .andState((state) => state.groups.get('g')?.subscriptions.size, 0)
      .andState((state) => state.deleting.get('1'), { name: 'logs' })
  })

  test('is of the topic that was meant', async () => {
    await given([topic()])
      .when('deleteTopic', { name: 'logs', topicId: 2 })
      .thenRejects('no_such_topic')
    await given([]).whenExecute('removeTopic', { name: 'constructor' }).thenRejects('no_such_topic')
  })

  test('ends when its files are gone', async () => {
    const deleted = { type: 'deleteTopic', payload: { name: 'logs', topicId: 1 } } as const
    await given([topic(), deleted])
      .when('purgeTopic', { topicId: 1 })
      .thenState((state) => state.deleting.size, 0)
    await given([topic()]).when('purgeTopic', { topicId: 1 }).thenRejects('not_deleting')
  })
})
