import {
  type Deduplication,
  fullTopicName,
  type Retention,
  type SeekTarget,
  type TopicStats,
  type Topics,
} from '@pulsar-io/messaging'
import { isConnectorError } from '@pulsar-io/sdk/core'
import { notFoundError, usageError } from '../errors.ts'
import type { AdminClient } from './admin-client.ts'
import { deduplicationOf } from './deduplication.ts'
import { missingOf } from './missing.ts'
import { topicPath } from './paths.ts'
import { schemaRuleOf } from './schema-rule.ts'
import { listTopics } from './topic-list.ts'
import { topicStats } from './topic-stats.ts'

/** Where a cursor can be put that is no message: before the first and behind the last one. */
const EARLIEST = '{"ledgerId":-1,"entryId":-1,"partitionIndex":-1}'
/** `Long.MAX_VALUE` twice. */
const LATEST = '{"ledgerId":9223372036854775807,"entryId":9223372036854775807,"partitionIndex":-1}'

const EXISTS = [409]
const NOT_FOUND = [404]

/** Topics as things to look after, over the admin REST of the broker. */
export class PulsarTopics implements Topics {
  private readonly admin: AdminClient

  constructor(admin: AdminClient) {
    this.admin = admin
  }

  async list(pattern?: string): Promise<readonly string[]> {
    return listTopics(this.admin, pattern)
  }

  async exists(topic: string): Promise<boolean> {
    return (await this.find(topic)) !== undefined
  }

  async create(topic: string, options?: { readonly partitions?: number }): Promise<void> {
    const partitions = options?.partitions ?? 0
    const end = partitions === 0 ? '' : '/partitions'
    await this.admin.send('PUT', {
      path: `/admin/v2/${topicPath(topic)}${end}`,
      action: `creating ${fullTopicName(topic)}`,
      ...(partitions === 0 ? {} : { body: partitions }),
      accept: EXISTS,
    })
  }

  async delete(topic: string): Promise<void> {
    const partitions = await this.partitions(topic)
    const end = partitions === 0 ? '' : '/partitions'
    await this.admin.send('DELETE', {
      path: `/admin/v2/${topicPath(topic)}${end}?force=true`,
      action: `deleting ${fullTopicName(topic)}`,
    })
  }

  async partitions(topic: string): Promise<number> {
    const partitions = await this.find(topic)
    if (partitions === undefined) throw notFoundError(`the topic ${fullTopicName(topic)}`)
    return partitions
  }

  async stats(topic: string): Promise<TopicStats> {
    return topicStats(this.admin, topic, await this.partitions(topic))
  }

  async setRetention(topic: string, retention: Retention): Promise<void> {
    if (![retention.sizeBytes, retention.timeMs].every(bound => Number.isFinite(bound) && bound >= -1)) {
      throw usageError(`retention of ${topic}: sizeBytes and timeMs are -1 (no bound), 0 or more`)
    }
    await this.partitions(topic)
    await this.admin.send('POST', {
      path: `/admin/v2/${topicPath(topic)}/retention`,
      action: `setting the retention of ${fullTopicName(topic)}`,
      body: toPulsar(retention),
    })
  }

  async createSubscription(topic: string, subscription: string, from: SeekTarget): Promise<void> {
    const path = this.subscriptionPath(topic, subscription)
    const action = `creating the subscription ${subscription} of ${fullTopicName(topic)}`
    const { status } = await this.admin.send('PUT', {
      path,
      action,
      json: from === 'latest' ? LATEST : EARLIEST,
      accept: EXISTS,
    })
    if (status === 409 || typeof from === 'string') return
    if ('time' in from) {
      await this.admin.send('POST', { path: `${path}/resetcursor/${Math.round(from.time)}`, action })
      return
    }
    const { ledgerId, entryId, batchIndex } = from.position
    await this.admin.send('POST', {
      path: `${path}/resetcursor`,
      action,
      json: `{"ledgerId":${ledgerId},"entryId":${entryId},"partitionIndex":-1,"batchIndex":${batchIndex},"excluded":false}`,
    })
  }

  async deleteSubscription(topic: string, subscription: string): Promise<void> {
    const { status } = await this.admin.send('DELETE', {
      path: this.subscriptionPath(topic, subscription),
      action: `deleting the subscription ${subscription} of ${fullTopicName(topic)}`,
      accept: NOT_FOUND,
    })
    if (status === 404) throw notFoundError(`the subscription ${subscription} of ${fullTopicName(topic)}`)
  }

  async deduplication(topic: string): Promise<Deduplication> {
    return deduplicationOf(this.admin, topic)
  }

  async schemaRule(topic: string): Promise<string | undefined> {
    return schemaRuleOf(this.admin, topic)
  }

  async missing(tenant: string, namespace: string): Promise<'tenant' | 'namespace' | undefined> {
    return missingOf(this.admin, tenant, namespace)
  }

  /** Partitions of a topic, 0 for one without, undefined where there is no such topic. */
  private async find(topic: string): Promise<number | undefined> {
    try {
      const answer = await this.admin.get({
        path: `/admin/v2/${topicPath(topic)}/partitions?checkAllowAutoCreation=false`,
        action: `looking for ${fullTopicName(topic)}`,
      })
      return (answer as { readonly partitions?: number } | undefined)?.partitions ?? 0
    } catch (error) {
      if (isConnectorError(error) && error.code === 'PIO_NOT_FOUND') return undefined
      throw error
    }
  }

  private subscriptionPath(topic: string, subscription: string): string {
    return `/admin/v2/${topicPath(topic)}/subscription/${encodeURIComponent(subscription)}`
  }
}

/**
 * Pulsar lets a message go when it passes either bound, and takes no 0 beside another number; here it has to pass both.
 * So a bound of 0, which is always passed, leaves it to the other one, and with one that is never passed nothing goes.
 * Two real bounds are the exception: with Pulsar the first that is passed counts. Minutes and mebibytes are rounded up.
 */
function toPulsar({ sizeBytes, timeMs }: Retention) {
  const minutes = Math.ceil(timeMs / 60_000)
  const mebibytes = Math.ceil(sizeBytes / (1 << 20))
  if (sizeBytes < 0 || timeMs < 0) return { retentionTimeInMinutes: -1, retentionSizeInMB: -1 }
  if (minutes === 0 && mebibytes === 0) return { retentionTimeInMinutes: 0, retentionSizeInMB: 0 }
  return { retentionTimeInMinutes: minutes || -1, retentionSizeInMB: mebibytes || -1 }
}
