import { fullTopicName, type MessagingClient } from '@pulsar-io/messaging'
import { ConfigError } from '@pulsar-io/sdk/core'
import type { TaskServices } from './context.ts'

/**
 * Refuses to publish EFFECTIVELY_ONCE into a topic that takes a message twice.
 *
 * @throws ConfigError `PIO_DRIVER_GUARANTEE` where the messaging driver cannot tell what it has published before,
 *   `PIO_DEDUPLICATION_OFF` where the broker says that it does not drop what it has seen.
 */
export async function requireDeduplication(
  client: MessagingClient,
  topic: string,
  services: TaskServices,
): Promise<void> {
  const full = fullTopicName(topic)
  if (!(client.capabilities.deduplication && client.capabilities.lastSequenceId)) {
    const message = `EFFECTIVELY_ONCE resumes behind the last sequence id that ${full} has, which this messaging driver cannot tell; leave --messaging native out, or run with ATLEAST_ONCE`
    throw new ConfigError([{ path: 'processingGuarantees', message }], { code: 'PIO_DRIVER_GUARANTEE' })
  }
  const state = await client.topics.deduplication(full)
  if (state === 'on') return
  const namespace = full
    .replace(/^[a-z-]+:\/\//, '')
    .split('/')
    .slice(0, 2)
    .join('/')
  const cure = `pulsar-admin namespaces set-deduplication --enable ${namespace}, or pulsar-admin topicPolicies set-deduplication --enable ${full}`
  if (state === 'unknown') {
    services.log(
      'warn',
      `nobody could tell whether ${full} drops repeated messages, which EFFECTIVELY_ONCE relies on (the web service of the cluster did not say: --web-service-url); make sure of it with ${cure}`,
    )
    return
  }
  throw new ConfigError(
    [
      {
        path: 'processingGuarantees',
        message: `deduplication is off for ${full}, so EFFECTIVELY_ONCE would publish twice after a crash; switch it on with ${cure}, or run with ATLEAST_ONCE`,
      },
    ],
    { code: 'PIO_DEDUPLICATION_OFF' },
  )
}
