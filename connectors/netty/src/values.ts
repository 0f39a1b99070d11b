import type { SchemaInfo } from '@pulsar-io/sdk'
import type { Config } from './options.ts'

/** Makes the value of a record from its bytes. Throws where they do not fit. */
export type ToValue = (bytes: Buffer) => unknown

/** The schema of the topic. */
export function schemaOf(config: Config): SchemaInfo {
  return { type: ({ bytes: 'BYTES', string: 'STRING', json: 'JSON' } as const)[config.schemaType] }
}

export function toValue(schemaType: Config['schemaType']): ToValue {
  switch (schemaType) {
    case 'bytes':
      return bytes => bytes
    case 'string':
      return bytes => decodeUtf8(bytes)
    case 'json':
      return bytes => {
        const text = decodeUtf8(bytes)
        try {
          return JSON.parse(text)
        } catch (error) {
          throw new Error(`not JSON: ${(error as Error).message}`)
        }
      }
  }
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decodeUtf8(bytes: Buffer): string {
  try {
    return strict.decode(bytes)
  } catch (error) {
    throw new Error('not UTF-8', { cause: error })
  }
}
