import { createHash } from 'node:crypto'
import { type Record, RecordError, stringifyJson } from '@pulsar-io/sdk'
import type { MessageProperties, OutgoingMessage } from './port.ts'
import { KEY_HEADER, MESSAGE_PROPERTIES, NULL_HEADER, PREFIX } from './property-names.ts'
import type { SinkConfig } from './sink-options.ts'

/** A message-id is a short string: so many bytes at most. */
const MAX_ID_BYTES = 255

/** Headers that the server writes itself, and trips over where they are texts; a record that came out of RabbitMQ has them. */
const SERVERS_OWN = new Set(['x-death', 'x-delivery-count', 'x-stream-offset', 'routingKey'])

const EMPTY = Buffer.alloc(0)

/** Makes the message of a record; undefined where there is nothing to publish. Throws a RecordError for what cannot be one. */
export function messageMaker(
  config: Pick<SinkConfig, 'exchangeName' | 'mandatory' | 'persistent' | 'nullValueAction'>,
  routingKey: (record: Record) => string,
): (record: Record) => OutgoingMessage | undefined {
  const { exchangeName: exchange, mandatory, persistent, nullValueAction } = config
  return record => {
    if (record.value === null || record.value === undefined) {
      if (nullValueAction === 'IGNORE') return undefined
      if (nullValueAction === 'FAIL')
        throw new RecordError('the record has no value, and nullValueAction is FAIL', { code: 'PIO_RABBITMQ_NULL' })
    }
    const { body, contentType } = bodyOf(record.value)
    return {
      exchange,
      routingKey: routingKey(record),
      body,
      mandatory,
      properties: propertiesOf(record, persistent, contentType),
    }
  }
}

/** Bytes and text go as they are, everything else as JSON. */
function bodyOf(value: unknown): { readonly body: Buffer; readonly contentType: string | undefined } {
  if (value === null || value === undefined) return { body: EMPTY, contentType: undefined }
  if (value instanceof Uint8Array)
    return {
      body: Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength),
      contentType: 'application/octet-stream',
    }
  if (typeof value === 'string') return { body: Buffer.from(value), contentType: 'text/plain' }
  try {
    return { body: Buffer.from(stringifyJson(value)), contentType: 'application/json' }
  } catch (error) {
    throw new RecordError(`the value has no JSON form: ${(error as Error).message}`, { code: 'PIO_RABBITMQ_MESSAGE' })
  }
}

function propertiesOf(record: Record, persistent: boolean, contentType: string | undefined): MessageProperties {
  const { key, value, properties, eventTime, publishTime } = record
  const made: { -readonly [name in keyof MessageProperties]: MessageProperties[name] } = {
    persistent,
    messageId: positionId(record),
    timestamp: Math.floor((eventTime ?? publishTime) / 1000),
  }
  if (contentType !== undefined) made.contentType = contentType
  let headers: { [name: string]: string | boolean } | undefined
  const add = (name: string, header: string | boolean): void => {
    headers ??= {}
    headers[name] = header
  }
  if (key !== undefined && key !== '') add(KEY_HEADER, key)
  if (value === null || value === undefined) add(NULL_HEADER, true)
  for (const name in properties) {
    const text = properties[name]
    if (text === undefined || SERVERS_OWN.has(name)) continue
    if (name.startsWith(PREFIX)) Object.assign(made, messageProperty(name.slice(PREFIX.length), text))
    // Further routing keys, of which the server takes a list alone.
    else if (name === 'CC' || name === 'BCC') made[name] = [text]
    else add(name, text)
  }
  if (headers) made.headers = headers
  return made
}

/** A message property that a record property stands for; nothing for what says where a message came from. */
function messageProperty(name: string, text: string): Partial<MessageProperties> {
  if (!Object.hasOwn(MESSAGE_PROPERTIES, name)) return {}
  const property = MESSAGE_PROPERTIES[name as keyof typeof MESSAGE_PROPERTIES]
  if (property !== 'priority' && property !== 'timestamp') return { [property]: text }
  const number = Number(text)
  const max = property === 'priority' ? 255 : Number.MAX_SAFE_INTEGER
  if (!/^\d+$/.test(text) || number > max)
    throw new RecordError(
      `the property ${PREFIX}${name} must be a whole number from 0 to ${max}, got ${JSON.stringify(text)}`,
      {
        code: 'PIO_RABBITMQ_MESSAGE',
      },
    )
  return { [property]: number }
}

/**
 * `<topic>-<partition>-<ledger>-<entry>-<batch>`: no two records share it, and a replayed record has the same again, so
 * that a consumer can tell repetitions. Of a long topic its hash.
 */
export function positionId({ topic, partition, position }: Record): string {
  const place = `-${partition}-${position.ledgerId}-${position.entryId}-${position.batchIndex}`
  const id = topic + place
  // No character takes more than three bytes, so that most ids need not be measured.
  if (id.length * 3 <= MAX_ID_BYTES || Buffer.byteLength(id) <= MAX_ID_BYTES) return id
  return createHash('sha256').update(topic).digest('hex') + place
}
