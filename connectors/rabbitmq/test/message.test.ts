import type { Record } from '@pulsar-io/sdk'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { messageMaker, positionId } from '../src/message.ts'
import type { Delivery, OutgoingMessage } from '../src/port.ts'
import { recordOf } from '../src/received.ts'
import { parseTemplate, routingKeyOf } from '../src/routing-key.ts'
import { TOPIC, values } from './support.ts'

const make = messageMaker(
  { exchangeName: 'x', mandatory: true, persistent: true, nullValueAction: 'PUBLISH' },
  routingKeyOf(parseTemplate('k')),
)

/** What the server makes of a message, as far as the source is concerned. */
function delivered({ body, routingKey, properties }: OutgoingMessage): Delivery {
  const { headers = {}, ...rest } = properties
  return {
    tag: 1,
    body,
    exchange: 'x',
    routingKey,
    consumerTag: 'c',
    redelivered: false,
    headers,
    properties: { ...rest, deliveryMode: 2 },
  }
}

function one(value: unknown, overrides: Partial<Record> = {}): Record {
  const [record] = values([value], overrides)
  if (!record) throw new Error('no record')
  return record
}

describe('a record that goes out and comes back', () => {
  it('keeps its bytes and its properties', () => {
    const name = fc
      .string({ minLength: 1, maxLength: 20 })
      .filter(text => !/^(__rabbitmq_|CC$|BCC$|routingKey$|x-|pulsar-|__proto__)/.test(text))
    fc.assert(
      fc.property(fc.uint8Array(), fc.dictionary(name, fc.string(), { maxKeys: 5 }), (bytes, properties) => {
        const message = make(one(bytes, { properties: { ...properties } }))
        if (!message) throw new Error('no message')
        const back = recordOf(delivered(message), 'q')
        expect(Buffer.compare(back.value ?? Buffer.from('null'), bytes)).toBe(0)
        expect(back.properties).toMatchObject({ ...properties })
      }),
    )
  })

  it('is a tombstone again, and only then', () => {
    const gone = make(one(null))
    const empty = make(one(''))
    expect(gone && recordOf(delivered(gone), 'q').value).toBeNull()
    expect(empty && recordOf(delivered(empty), 'q').value).toEqual(Buffer.alloc(0))
    const liar = make(one('text', { properties: { 'pulsar-null-value': 'true' } }))
    expect(liar && recordOf(delivered(liar), 'q').value?.toString()).toBe('text')
  })

  it('keeps message properties, and lets those win that it brings', () => {
    const properties = { __rabbitmq_message_id: 'mine', __rabbitmq_timestamp: '7', __rabbitmq_app_id: 'shop' }
    const message = make(one('a', { properties }))
    expect(message?.properties).toMatchObject({ messageId: 'mine', timestamp: 7, appId: 'shop' })
    expect(message && recordOf(delivered(message), 'q')).toMatchObject({ eventTime: 7000, properties })
  })

  it.each(['-1', '1.5', '256', 'high', ''])('has no priority %j', priority => {
    expect(() => make(one('a', { properties: { __rabbitmq_priority: priority } }))).toThrow(
      /__rabbitmq_priority.*0 to 255/,
    )
  })
})

describe('the id of a position', () => {
  it('fits into a short string for a topic of any length, and differs for each position', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300, unit: 'grapheme' }), fc.bigInt(0n, 1n << 62n), (topic, entryId) => {
        const record = one('a', { topic, position: { ledgerId: 1n << 62n, entryId, batchIndex: 1000 } })
        const id = positionId(record)
        expect(Buffer.byteLength(id)).toBeLessThanOrEqual(255)
        expect(positionId(one('b', { topic, position: { ...record.position, entryId: entryId + 1n } }))).not.toBe(id)
      }),
    )
    expect(positionId(one('a'))).toMatch(new RegExp(`^${TOPIC}-0-`))
  })
})

describe('a routing key', () => {
  it.each([
    ['plain', 'plain'],
    ['%{key}', 'k1'],
    ['a.%{key}.%{property:region}.%{partition}', 'a.k1.eu.3'],
    ['%{topic}', TOPIC],
    ['100%', '100%'],
  ])('%s is %s', (template, key) => {
    const record = one('v', { key: 'k1', partition: 3, properties: { region: 'eu' } })
    expect(routingKeyOf(parseTemplate(template))(record)).toBe(key)
  })

  it.each([
    ['%{kye}', /%\{kye\} is not known; use %\{key\}/],
    ['a.%{key', /not closed/],
    ['%{property:}', /not known/],
  ])('%s is refused', (template, message) => {
    expect(() => parseTemplate(template)).toThrow(message)
  })
})
