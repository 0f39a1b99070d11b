import { ConnectionError, isConnectorError } from '@pulsar-io/sdk/core'
import { notFoundError } from '../errors.ts'
import type { AdminClient } from './admin-client.ts'
import { topicPath } from './paths.ts'

interface LookupAnswer {
  readonly brokerUrl?: string | null
  readonly brokerUrlTls?: string | null
  /** An older name of the same. */
  readonly brokerUrlSsl?: string | null
}

/** Lookup of topics over HTTP, for service URLs that begin with `http`. Redirects are followed by the HTTP client. */
export class HttpLookup {
  private readonly admin: AdminClient
  private readonly secure: boolean
  private readonly listenerName: string | undefined

  /** `secure`: brokers are to be spoken to with TLS, as for `https`. */
  constructor(admin: AdminClient, secure: boolean, listenerName?: string) {
    this.admin = admin
    this.secure = secure
    this.listenerName = listenerName
  }

  /** Where a topic (one partition) is served, as `host:port`. */
  async broker(topic: string): Promise<{ readonly broker: string; readonly via: string }> {
    const action = `looking up ${topic}`
    const answer = (await this.admin.get({
      path: `/lookup/v2/topic/${topicPath(topic)}`,
      action,
      ...(this.listenerName === undefined ? {} : { headers: { 'x-pulsar-listenername': this.listenerName } }),
    })) as LookupAnswer | undefined
    const url = this.secure ? answer?.brokerUrlTls || answer?.brokerUrlSsl : answer?.brokerUrl
    if (!url) {
      const fix = this.secure
        ? 'the broker that serves it listens without TLS only; use an http:// URL or switch TLS on there'
        : 'the broker that serves it listens with TLS only; use an https:// URL'
      throw new ConnectionError(`${action}: ${fix}`, { code: 'PIO_PULSAR_CONNECTION' })
    }
    const broker = url.replace(/^[a-z+]+:\/\//, '').replace(/\/$/, '')
    return { broker, via: broker }
  }

  /**
   * Partitions of a topic; 0 for one without. `create` lets the broker make the topic as its configuration says.
   * @throws ConnectorError (`PIO_NOT_FOUND`) when it is not there.
   */
  async partitions(topic: string, create: boolean): Promise<number> {
    try {
      const answer = (await this.admin.get({
        path: `/admin/v2/${topicPath(topic)}/partitions?checkAllowAutoCreation=${create}`,
        action: `asking for the partitions of ${topic}`,
      })) as { readonly partitions?: number } | undefined
      return answer?.partitions ?? 0
    } catch (error) {
      if (isConnectorError(error) && error.code === 'PIO_NOT_FOUND' && !create) throw notFoundError(topic)
      throw error
    }
  }
}
