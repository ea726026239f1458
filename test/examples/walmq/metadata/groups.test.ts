import { describe, expect, test } from 'vitest'
import { MAX_GAPS } from '../../../../examples/walmq/metadata/groups.ts'
import { ack, at, given, group, hostileNames, place, subscribed, topic, trim } from './given.ts'

const join = { group: 'g', topic: 'logs', from: 'earliest' as const, ends: [7] }

describe('joining', () => {
  test('makes the group and its subscription, as one record', async () => {
    await given([topic()])
      .whenExecute('join', join)
      .then([
        { type: 'createGroup', payload: { group: 'g' } },
        { type: 'subscribe', payload: { group: 'g', topic: 'logs', topicId: 1, cursors: [0] } },
      ])
      .andValue({ isNew: true })
      .andState((state) => state.groups.get('g')?.createdAt, at)
  })

  test('begins where "latest" is now', async () => {
    await given([topic(), group()])
      .whenExecute('join', { ...join, from: 'latest' })
      .then([
        { type: 'subscribe', payload: { group: 'g', topic: 'logs', topicId: 1, cursors: [7] } },
      ])
  })

  test('begins where retention has left something', async () => {
    await given([topic(), trim(3)])
      .whenExecute('join', join)
      .thenState((state) => state.groups.get('g')?.subscriptions.get('logs')?.cursors[0]?.next, 3)
  })

  test('goes on where the group was', async () => {
    await given([...subscribed, ack([0, 2])])
      .whenExecute('join', { ...join, from: 'latest' })
      .thenNothing()
      .andValue({ isNew: false })
  })

  test.each(hostileNames)('takes %s for a group or a topic like any other', async (name) => {
    await given([topic(name)])
      .whenExecute('join', { ...join, group: name, topic: name })
      .thenState(
        (state) => state.groups.get(name)?.subscriptions.get(name)?.cursors,
        [{ next: 0, ahead: [] }],
      )
    await given([topic()])
      .when('ack', { ...place, group: name, ranges: [[0, 0]] })
      .thenRejects('not_subscribed')
  })

  test('needs a topic', async () => {
    await given([]).whenExecute('join', join).thenRejects('no_such_topic')
  })
})

describe('subscribe', () => {
  const payload = { group: 'g', topic: 'logs', topicId: 1, cursors: [0] }

  test('refuses what does not fit the topic', async () => {
    const asked = given([topic(), group(), trim(3)])
    await asked.when('subscribe', { ...payload, topicId: 2 }).thenRejects('no_such_topic')
    await asked.when('subscribe', { ...payload, cursors: [3, 3] }).thenRejects('no_such_topic')
    await asked.when('subscribe', payload).thenRejects('out_of_range', { start: 3 })
  })

  test('refuses an unknown group, and a second time', async () => {
    await given([topic()]).when('subscribe', payload).thenRejects('no_such_group')
    await given(subscribed).when('subscribe', payload).thenRejects('already_subscribed')
  })

  test('a group is made once', async () => {
    await given([group()]).when('createGroup', { group: 'g' }).thenRejects('group_exists')
    await given([]).when('createGroup', { group: '..' }).thenRejects('invalid')
  })
})

describe('acknowledging', () => {
  const acknowledge = { ...place, end: 10 }

  test('in order, moves the cursor', async () => {
    await given(subscribed)
      .whenExecute('acknowledge', { ...acknowledge, ranges: [[0, 2]] })
      .then([{ type: 'ack', payload: { ...place, ranges: [[0, 2]] } }])
      .andValue({ next: 3 })
  })

  test('W5: out of order, remembers what is ahead, and takes it in when the rest comes', async () => {
    const cursor = { group: 'g', ahead: [2, 3, 5, 5] }
    await given(subscribed)
      .whenExecute('acknowledge', {
        ...acknowledge,
        ranges: [
          [5, 5],
          [2, 3],
        ],
      })
      .thenState(
        (state) => state.groups.get('g')?.subscriptions.get('logs')?.cursors,
        [{ next: 0, ahead: cursor.ahead }],
      )
      .andValue({ next: 0 })
    await given([...subscribed, ack([2, 3], [5, 5])])
      .whenExecute('acknowledge', { ...acknowledge, ranges: [[0, 1]] })
      .thenState(
        (state) => state.groups.get('g')?.subscriptions.get('logs')?.cursors,
        [{ next: 4, ahead: [5, 5] }],
      )
  })

  test('again, writes nothing', async () => {
    await given([...subscribed, ack([0, 2], [5, 6])])
      .whenExecute('acknowledge', {
        ...acknowledge,
        ranges: [
          [1, 2],
          [5, 5],
        ],
      })
      .thenNothing()
      .andValue({ next: 3 })
  })

  test('not what is not there yet', async () => {
    await given(subscribed)
      .whenExecute('acknowledge', {
        ...acknowledge,
        ranges: [
          [0, 3],
          [8, 10],
        ],
      })
      .thenRejects('beyond_end', { offset: 10, end: 10 })
  })

  test('not without a subscription, nor in a partition that is not there', async () => {
    const ranges: [number, number][] = [[0, 0]]
    await given([topic(), group()])
      .whenExecute('acknowledge', { ...acknowledge, ranges })
      .thenRejects('not_subscribed')
    await given(subscribed)
      .whenExecute('acknowledge', { ...acknowledge, partition: 1, ranges })
      .thenRejects('not_subscribed')
  })

  test.each([[[]], [[[2, 1]]], [[[-1, 0]]], [[[0.5, 1]]]])(
    'refuses the ranges %j',
    async (ranges) => {
      await given(subscribed)
        .whenExecute('acknowledge', { ...acknowledge, ranges: ranges as [number, number][] })
        .thenRejects('invalid')
    },
  )

  test('not with more gaps than the journal should carry', async () => {
    const ranges = (first: number): [number, number][] =>
      Array.from({ length: 1000 }, (_, index) => [first + 2 * index, first + 2 * index])
    const history = Array.from({ length: MAX_GAPS / 1000 }, (_, index) =>
      ack(...ranges(1 + 2000 * index)),
    )
    await given([...subscribed, ...history])
      .when('ack', { ...place, ranges: [[99_999, 99_999]] })
      .thenRejects('too_many_gaps', { most: MAX_GAPS })
  })
})

describe('seeking', () => {
  const moveTo = { ...place, end: 10 }

  test('forgets what was acknowledged ahead', async () => {
    await given([...subscribed, ack([0, 2], [5, 6])])
      .whenExecute('moveTo', { ...moveTo, to: 1 })
      .then([{ type: 'seek', payload: { ...place, to: 1 } }])
      .andState(
        (state) => state.groups.get('g')?.subscriptions.get('logs')?.cursors,
        [{ next: 1, ahead: [] }],
      )
  })

  test('knows earliest and latest', async () => {
    const asked = given([...subscribed, trim(3)])
    await asked.whenExecute('moveTo', { ...moveTo, to: 'earliest' }).thenValue({ next: 3 })
    await asked.whenExecute('moveTo', { ...moveTo, to: 'latest' }).thenValue({ next: 10 })
  })

  test('stays within what is there', async () => {
    const asked = given([...subscribed, trim(3)])
    const details = { start: 3, end: 10 }
    await asked.whenExecute('moveTo', { ...moveTo, to: 2 }).thenRejects('out_of_range', details)
    await asked.whenExecute('moveTo', { ...moveTo, to: 11 }).thenRejects('out_of_range', details)
    await asked.when('seek', { ...place, to: 2 }).thenRejects('out_of_range', { start: 3 })
    await asked
      .whenExecute('moveTo', { ...moveTo, partition: 1, to: 3 })
      .thenRejects('no_such_partition')
    await given([topic()])
      .when('seek', { ...place, to: 0 })
      .thenRejects('not_subscribed')
  })
})

describe('a gap', () => {
  test('is told once', async () => {
    const gap = { partition: 0, from: 0, to: 4 }
    await given([...subscribed, trim(5)])
      .whenExecute('takeGap', place)
      .then([{ type: 'tellGap', payload: { group: 'g', topic: 'logs', ...gap } }])
      .andValue({ gap })
    const told = { type: 'tellGap', payload: { ...place, from: 0, to: 4 } } as const
    await given([...subscribed, trim(5), told])
      .whenExecute('takeGap', place)
      .thenNothing()
    await given([...subscribed, trim(5), told])
      .when('tellGap', told.payload)
      .thenRejects('no_such_gap')
  })

  test('is of its group and partition', async () => {
    await given([...subscribed, trim(5)])
      .whenExecute('takeGap', { ...place, partition: 1 })
      .thenNothing()
    await given([])
      .when('tellGap', { ...place, from: 0, to: 4 })
      .thenRejects('no_such_gap')
  })
})

describe('removing a group', () => {
  test('is refused while somebody is connected', async () => {
    await given(subscribed)
      .whenExecute('removeGroup', { group: 'g', consumers: 2 })
      .thenRejects('group_in_use', { group: 'g', consumers: 2 })
  })

  test('forgets its cursors', async () => {
    await given(subscribed)
      .whenExecute('removeGroup', { group: 'g', consumers: 0 })
      .then([{ type: 'deleteGroup', payload: { group: 'g' } }])
      .andState((state) => state.groups.has('g'), false)
    await given([])
      .whenExecute('removeGroup', { group: 'g', consumers: 0 })
      .thenRejects('no_such_group')
  })
})

test('there are at most 10,000 gaps', () => expect(MAX_GAPS).toBe(10_000))
