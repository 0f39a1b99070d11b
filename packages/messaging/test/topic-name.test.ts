import { isConnectorError } from '@pulsar-io/sdk'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  formatTopicName,
  fullTopicName,
  parseTopicName,
  partitionTopicName,
  splitPartition,
  topicPattern,
} from '../src/index.ts'

describe('topic names', () => {
  it.each([
    ['t', 'persistent://public/default/t'],
    ['a/b/t', 'persistent://a/b/t'],
    ['persistent://a/b/t', 'persistent://a/b/t'],
    ['non-persistent://a/b/t', 'non-persistent://a/b/t'],
    ['a/b/c/t', 'persistent://a/b/c/t'],
  ])('reads %s as %s', (text, full) => {
    expect(fullTopicName(text)).toBe(full)
    expect(fullTopicName(full)).toBe(full)
  })

  it.each(['', '/', 'a/b', 'a//t', 'persistent://t', 'persistent://a/b', 'kafka://a/b/t', 'a b/c/t', 'a/b/'])(
    'refuses %j and says what to write',
    text => {
      let caught: unknown
      try {
        parseTopicName(text)
      } catch (error) {
        caught = error
      }
      expect(isConnectorError(caught)).toBe(true)
      expect(caught).toMatchObject({
        code: 'PIO_TOPIC_NAME',
        retry: 'stop',
        message: expect.stringContaining('tenant/namespace/topic'),
      })
    },
  )

  it('reads back what it formats', () => {
    const part = fc.stringMatching(/^[-=:.\w]+$/)
    fc.assert(
      fc.property(part, part, part, (tenant, namespace, local) => {
        const name = { persistence: 'persistent', tenant, namespace, local } as const
        expect(parseTopicName(formatTopicName(name))).toEqual(name)
      }),
    )
  })

  it('names partitions and finds their topic again', () => {
    const name = partitionTopicName('t', 12)
    expect(name).toBe('persistent://public/default/t-partition-12')
    expect(splitPartition(name)).toEqual({ topic: 'persistent://public/default/t', partition: 12 })
    expect(splitPartition('persistent://public/default/t')).toEqual({
      topic: 'persistent://public/default/t',
      partition: -1,
    })
    expect(splitPartition('t-partition-x').partition).toBe(-1)
  })
})

describe('topic patterns', () => {
  it.each([
    ['orders-.*', 'persistent://public/default/orders-1', true],
    ['orders-.*', 'persistent://public/default/my-orders-1', false],
    ['orders-.*', 'persistent://public/other/orders-1', false],
    ['a/b/.*', 'persistent://a/b/t', true],
    ['persistent://a/b/.*', 'persistent://a/b/t', true],
    ['persistent://a/b/t', 'persistent://a/b/tt', false],
    ['x|y', 'persistent://public/default/y', false],
    ['(x|y)', 'persistent://public/default/y', true],
  ])('%s on %s: %s', (pattern, name, matches) => {
    expect(topicPattern(pattern)(name)).toBe(matches)
  })

  it('refuses what is no regular expression', () => {
    expect(() => topicPattern('orders-(')).toThrow(/orders-\(/)
  })
})
