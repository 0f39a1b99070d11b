import type { SchemaInfo } from '@pulsar-io/sdk'
import { fromWireSchema, schemaTypeNumber } from '../wire/schema.ts'
import type { AdminClient } from './admin-client.ts'
import { topicPath } from './paths.ts'

interface SchemaAnswer {
  readonly version?: number
  readonly type: string
  readonly data?: string
  readonly properties?: Readonly<Record<string, string>>
}

/** The schema that a topic has, or had in that version (0 is the first); `undefined` where there is none. */
export async function schemaOf(admin: AdminClient, topic: string, version?: bigint): Promise<SchemaInfo | undefined> {
  const path = topicPath(topic).replace(/^[a-z-]+\//, '')
  const { status, value } = await admin.send('GET', {
    path: `/admin/v2/schemas/${path}/schema${version === undefined ? '' : `/${version}`}`,
    action: `reading the schema of ${topic}`,
    accept: [404],
  })
  if (status === 404) return undefined
  const answer = value as SchemaAnswer
  const { type, data = '', properties = {} } = answer
  const schema = fromWireSchema({
    name: '',
    type: schemaTypeNumber(type),
    schemaData: type === 'KEY_VALUE' ? joined(data) : Buffer.from(data),
    properties: Object.entries(properties).map(([key, each]) => ({ key, value: each })),
  })
  return schema && answer.version !== undefined ? { ...schema, version: String(answer.version) } : schema
}

/** Over HTTP it is JSON with both definitions; over the protocol both with four bytes of length each. */
function joined(data: string): Uint8Array {
  const { key, value } = JSON.parse(data) as { readonly key?: unknown; readonly value?: unknown }
  return Buffer.concat(
    [key, value].flatMap(part => {
      const text = Buffer.from(typeof part === 'string' ? part : isEmpty(part) ? '' : JSON.stringify(part))
      const length = Buffer.alloc(4)
      length.writeInt32BE(text.length)
      return [length, text]
    }),
  )
}

/** A primitive has no definition, which the broker writes as an empty object. */
function isEmpty(part: unknown): boolean {
  return part === undefined || part === null || (typeof part === 'object' && Object.keys(part).length === 0)
}
