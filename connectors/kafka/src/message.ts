import { type Record, RecordError } from '@pulsar-io/sdk'
import type { OutgoingRecord } from './driver/producer.ts'
import { HEADER_BYTES, RECORD_BYTES } from './driver/record-batch.ts'
import type { SinkConfig } from './options.ts'
import { serializer } from './serde.ts'
import { parseTopic } from './topic-name.ts'

/** Makes a Kafka record of a Pulsar record. Throws a RecordError. */
export function messageMaker(config: SinkConfig): (record: Record, index: number) => OutgoingRecord {
  const topic = parseTopic(config.topic)
  const value = serializer(config.valueSerializerClass)
  const key = serializer(config.keySerializerClass)
  const structured = config.keySerializerClass.endsWith('.StringSerializer')
  return (record, index) => {
    const name = topic.of(record)
    const keyBytes =
      record.key === undefined || record.key === ''
        ? undefined
        : key(structured ? record.key : (record.keyValue ?? record.key))
    const valueBytes = record.value === null || record.value === undefined ? null : value(record.value)
    const headers = config.copyHeadersEnabled ? headersOf(record) : undefined
    let bytes = RECORD_BYTES + (keyBytes?.length ?? 0) + (valueBytes?.length ?? 0)
    for (const [header, text] of headers ?? []) bytes += HEADER_BYTES + header.length + text.length
    return {
      topic: name,
      key: keyBytes,
      value: valueBytes,
      headers,
      timestamp: timestampOf(record),
      index,
      bytes,
      partition: -1,
    }
  }
}

function headersOf({ properties }: Record): ReadonlyMap<Buffer, Buffer> | undefined {
  let headers: Map<Buffer, Buffer> | undefined
  for (const name in properties) {
    headers ??= new Map()
    headers.set(Buffer.from(name), Buffer.from(properties[name] ?? ''))
  }
  return headers
}

function timestampOf({ eventTime, publishTime }: Record): number {
  const time = eventTime ?? publishTime
  if (!Number.isSafeInteger(time) || time < 0)
    throw new RecordError(`the event time ${time} is no time that Kafka keeps`, { code: 'PIO_KAFKA_REJECTED' })
  return time
}
