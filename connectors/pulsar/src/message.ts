import type { PulsarOutgoingMessage } from '@pulsar-io/messaging-pulsar'
import { type Record, RecordError, stringifyJson } from '@pulsar-io/sdk'

/** The message of a record: bytes and text as they are, everything else as JSON. Throws a RecordError for what has no JSON. */
export function messageOf(record: Record, sequenceId: bigint | undefined): PulsarOutgoingMessage {
  const { key, properties, eventTime } = record
  return {
    payload: payloadOf(record),
    ...(key === undefined ? {} : { key }),
    properties,
    ...(eventTime === undefined ? {} : { eventTime }),
    ...(sequenceId === undefined ? {} : { sequenceId }),
  }
}

function payloadOf({ value }: Record): Uint8Array | null {
  if (value === null || value instanceof Uint8Array) return value
  if (typeof value === 'string') return Buffer.from(value)
  try {
    return Buffer.from(stringifyJson(value))
  } catch (error) {
    throw new RecordError(`the value cannot be written as JSON: ${(error as Error).message}`, {
      code: 'PIO_RECORD',
      cause: error,
    })
  }
}
