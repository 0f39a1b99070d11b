import type { SchemaInfo, SchemaType } from '@pulsar-io/sdk'
import type { AdminClient } from './admin-client.ts'
import { topicPath } from './paths.ts'

interface SchemaAnswer {
  readonly type: string
  readonly data?: string
  readonly properties?: Readonly<Record<string, string>>
}

/**
 * The schema that a topic has, or had in that version (0 is the first); `undefined` where there is none. The definition
 * of a KEY_VALUE schema has the form of the protocol: each definition with its length in front, as Latin-1 text.
 */
export async function schemaOf(admin: AdminClient, topic: string, version?: bigint): Promise<SchemaInfo | undefined> {
  const path = topicPath(topic).replace(/^[a-z-]+\//, '')
  const { status, value } = await admin.send('GET', {
    path: `/admin/v2/schemas/${path}/schema${version === undefined ? '' : `/${version}`}`,
    action: `reading the schema of ${topic}`,
    accept: [404],
  })
  if (status === 404) return undefined
  const { type, data, properties } = value as SchemaAnswer
  const definition = type === 'KEY_VALUE' ? joined(data ?? '') : data
  return {
    type: type as SchemaType,
    ...(definition ? { definition } : {}),
    ...(properties && Object.keys(properties).length > 0 ? { properties } : {}),
  }
}

/** Over HTTP it is JSON with both definitions; over the protocol both with four bytes of length each. */
function joined(data: string): string {
  const { key, value } = JSON.parse(data) as { readonly key?: unknown; readonly value?: unknown }
  return Buffer.concat(
    [key, value].flatMap(part => {
      const text = Buffer.from(typeof part === 'string' ? part : JSON.stringify(part ?? ''))
      const length = Buffer.alloc(4)
      length.writeInt32BE(text.length)
      return [length, text]
    }),
  ).toString('latin1')
}
