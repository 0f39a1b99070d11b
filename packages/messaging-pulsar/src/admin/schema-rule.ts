import { isConnectorError } from '@pulsar-io/sdk/core'
import type { AdminClient } from './admin-client.ts'
import { topicPath } from './paths.ts'

const SILENT = ['PIO_PULSAR_AUTHORIZATION', 'PIO_PULSAR_ADMIN_UNREACHABLE']

/** The SchemaCompatibilityStrategy that holds for a topic; undefined where it may not be asked for. */
export async function schemaRuleOf(admin: AdminClient, topic: string): Promise<string | undefined> {
  try {
    const { status, value } = await admin.send('GET', {
      path: `/admin/v2/${topicPath(topic)}/schemaCompatibilityStrategy?applied=true`,
      action: `asking how the schema of ${topic} may change`,
      // Brokers whose policies of topics are off, and those that are too old to tell.
      accept: [404, 405, 412],
    })
    return status < 300 && typeof value === 'string' ? value : undefined
  } catch (error) {
    // Not everybody may ask for everything, nor reach whom to ask.
    if (isConnectorError(error) && SILENT.includes(error.code)) return undefined
    throw error
  }
}
