import { isUtf8 } from 'node:buffer'
import { type SourceRecord, stringifyJson } from '@pulsar-io/sdk'
import type { Delivery } from './port.ts'
import { MESSAGE_PROPERTIES, NULL_HEADER, PREFIX } from './property-names.ts'

/** Where a stream puts the place of a message in it. */
export const STREAM_OFFSET = 'x-stream-offset'

/** What a delivery is as a record, but for its settling. */
export function recordOf(delivery: Delivery, queue: string): SourceRecord<Buffer> {
  const { headers, body, routingKey } = delivery
  const { timestamp } = delivery.properties
  const offset = headers[STREAM_OFFSET]
  return {
    value: headers[NULL_HEADER] === true && body.length === 0 ? null : body,
    key: routingKey,
    properties: propertiesOf(delivery, queue),
    ...(typeof timestamp === 'number' ? { eventTime: timestamp * 1000 } : {}),
    ...(typeof offset === 'number' ? { partitionId: queue, sequence: BigInt(offset), offset: { offset } } : {}),
  }
}

/** Headers under their own names, then what the protocol says of the message, which wins. */
function propertiesOf(delivery: Delivery, queue: string): { [name: string]: string } {
  const { headers, properties, exchange, consumerTag, redelivered } = delivery
  const texts: { [name: string]: string } = {}
  for (const name in headers) if (name !== NULL_HEADER) texts[name] = textOf(headers[name])
  for (const name in MESSAGE_PROPERTIES) {
    const value = properties[MESSAGE_PROPERTIES[name as keyof typeof MESSAGE_PROPERTIES]]
    if (value !== undefined && value !== null) texts[PREFIX + name] = String(value)
  }
  for (const [name, property] of [
    ['user_id', 'userId'],
    ['delivery_mode', 'deliveryMode'],
  ] as const) {
    const value = properties[property]
    if (value !== undefined && value !== null) texts[PREFIX + name] = String(value)
  }
  texts[`${PREFIX}consumer_tag`] = consumerTag
  texts[`${PREFIX}queue_name`] = queue
  texts[`${PREFIX}exchange`] = exchange
  if (redelivered) texts[`${PREFIX}redelivered`] = 'true'
  return texts
}

/** A header as text: what is no text or number by itself becomes JSON. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (value === null || value === undefined) return ''
  if (typeof value !== 'object') return String(value)
  if (value instanceof Uint8Array) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    return bytes.toString(isUtf8(bytes) ? 'utf8' : 'base64')
  }
  return stringifyJson(plain(value))
}

/** The client marks times and decimals with their type. */
function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  if (Array.isArray(value)) return value.map(plain)
  if ('!' in value && 'value' in value) return value.value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, plain(part)]))
}
