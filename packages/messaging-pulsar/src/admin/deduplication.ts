import { type Deduplication, parseTopicName } from '@pulsar-io/messaging'
import { isConnectorError } from '@pulsar-io/sdk/core'
import type { AdminClient } from './admin-client.ts'
import { namespacePath, topicPath } from './paths.ts'

/** Statuses of a broker whose policies of topics are off, and of one where the topic is still to be made. */
const NO_POLICY = [404, 405, 412]

const SILENT = ['PIO_PULSAR_AUTHORIZATION', 'PIO_PULSAR_ADMIN_UNREACHABLE']

/**
 * Whether the broker drops messages of a topic that it has already seen: the policy of the topic, else of its namespace,
 * else the broker's default. `unknown` where none of them may be asked for.
 * @throws ConnectorError (`PIO_NOT_FOUND`) when the namespace is not there.
 */
export async function deduplicationOf(admin: AdminClient, topic: string): Promise<Deduplication> {
  const name = parseTopicName(topic)
  if (name.persistence === 'non-persistent') return 'off'
  const action = `asking whether ${topic} deduplicates`
  const ask = async (path: string, accept: readonly number[] = []): Promise<unknown> => {
    try {
      const { status, value } = await admin.send('GET', { path, action, accept })
      return status < 300 ? value : undefined
    } catch (error) {
      // Not everybody may ask for everything, nor reach whom to ask.
      if (isConnectorError(error) && SILENT.includes(error.code)) return undefined
      throw error
    }
  }
  // `applied` makes the broker go through all three by itself, where it has policies of topics.
  const ofTopic = await ask(`/admin/v2/${topicPath(topic)}/deduplicationEnabled?applied=true`, NO_POLICY)
  if (typeof ofTopic === 'boolean') return ofTopic ? 'on' : 'off'
  const ofNamespace = await ask(`/admin/v2/namespaces/${namespacePath(name)}/deduplication`)
  if (typeof ofNamespace === 'boolean') return ofNamespace ? 'on' : 'off'
  const settings = (await ask('/admin/v2/brokers/configuration/runtime')) as
    | { readonly brokerDeduplicationEnabled?: string }
    | undefined
  const ofBroker = settings?.brokerDeduplicationEnabled
  return ofBroker === 'true' ? 'on' : ofBroker === 'false' ? 'off' : 'unknown'
}
