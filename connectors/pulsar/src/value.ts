import { isUtf8 } from 'node:buffer'
import { parseJson, RecordError } from '@pulsar-io/sdk'
import type { SourceConfig } from './source-options.ts'

/** The value of a payload. Throws a RecordError for one that is not what the schema says. */
export function valueFrom(payload: Uint8Array | null, schemaType: SourceConfig['schemaType']): unknown {
  if (payload === null || schemaType === 'BYTES') return payload
  if (!isUtf8(payload)) throw new RecordError('the value is not UTF-8', { code: 'PIO_RECORD' })
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('utf8')
  if (schemaType === 'STRING') return text
  try {
    return parseJson(text)
  } catch (error) {
    throw new RecordError(`the value is not JSON: ${(error as Error).message}`, { code: 'PIO_RECORD', cause: error })
  }
}
