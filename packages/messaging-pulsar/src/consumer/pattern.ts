import { splitPartition, topicPattern } from '@pulsar-io/messaging'
import { isConnectorError } from '@pulsar-io/sdk/core'
import type { Connection } from '../connection/connection.ts'
import type { ClientContext } from '../context.ts'
import { namedError } from '../errors.ts'
import { TOPIC_MODES } from '../wire/enums.ts'
import type { PulsarConsumer } from './consumer.ts'
import type { PulsarConsumerOptions } from './options.ts'
import type { Joiner } from './subscribe.ts'

/** What following a pattern takes. */
export interface PatternSettings {
  readonly context: ClientContext
  readonly pattern: string
  readonly intervalMs: number
  readonly consumer: PulsarConsumer
  readonly joiner: Joiner
  readonly options: PulsarConsumerOptions
}

/**
 * Joins the topics that match, and those that match later: the broker tells of new ones where it can, and now and then
 * all names are looked at. Resolves with how to stop.
 */
export async function followPattern(settings: PatternSettings): Promise<() => void> {
  const { context, pattern, intervalMs, consumer, joiner, options } = settings
  const matches = topicPattern(pattern)
  const bare = pattern.replace(/^(persistent|non-persistent):\/\//, '').split('/')
  const namespace = bare.length >= 3 ? `${bare[0]}/${bare[1]}` : 'public/default'
  let stopped = false
  let working: Promise<void> = Promise.resolve()

  const look = async (from: 'Earliest' | 'Latest') => {
    for (const partition of [...consumer.all]) {
      if (isConnectorError(partition.failure) && partition.failure.code === 'PIO_TOPIC_DELETED') {
        await consumer.drop(partition)
      }
    }
    const names = await topicNames(context, namespace)
    for (const name of names) {
      if (stopped) return
      if (matches(name)) await joiner.join(name, from, options.signal)
    }
  }
  // A topic that is made while we listen is ours from its first message on.
  const lookAgain = () => {
    working = working.then(() => (stopped ? undefined : look('Earliest'))).catch(context.report)
  }

  await look(options.initialPosition ?? 'Latest')
  const watch = new Watch(context, namespace, lookAgain)
  await watch.start()
  // What was made between the look and the watch.
  lookAgain()
  const timer = setInterval(() => {
    lookAgain()
    watch.start().catch(context.report)
  }, intervalMs).unref()
  return () => {
    stopped = true
    clearInterval(timer)
    watch.stop()
  }
}

/** Full names of the topics of a namespace, a partitioned one once. */
async function topicNames(context: ClientContext, namespace: string): Promise<ReadonlySet<string>> {
  const action = `asking for the topics of ${namespace}`
  try {
    const connection = await context.anyBroker(`persistent://${namespace}/any`)
    const { topics } = await connection.request(
      'getTopicsOfNamespace',
      { namespace, mode: TOPIC_MODES.All },
      'getTopicsOfNamespaceResponse',
      action,
    )
    return new Set(topics.map(name => splitPartition(name).topic))
  } catch (error) {
    throw namedError(error, { action })
  }
}

/** Hears from a broker when topics of a namespace come and go. */
class Watch {
  private readonly context: ClientContext
  private readonly namespace: string
  private readonly onNews: () => void
  private readonly id: number
  private connection: Connection | undefined
  private stopped = false

  constructor(context: ClientContext, namespace: string, onNews: () => void) {
    this.context = context
    this.namespace = namespace
    this.onNews = onNews
    this.id = context.nextId()
  }

  /** Watches where nobody does; a broker that cannot is no error, since names are looked at now and then. */
  async start(): Promise<void> {
    if (this.stopped || this.connection !== undefined) return
    const { namespace } = this
    const connection = await this.context.anyBroker(`persistent://${namespace}/any`)
    if (connection.features?.supportsTopicWatchers !== true) return
    connection.addWatcher(this.id, {
      update: () => this.onNews(),
      connectionLost: () => {
        this.connection = undefined
        if (!this.stopped) this.onNews()
      },
    })
    this.connection = connection
    try {
      // All names, since the broker's idea of a regular expression is not quite that of JavaScript.
      const body = { watcherId: this.id, namespace, topicsPattern: `persistent://${namespace}/.*` }
      await connection.request('watchTopicList', body, 'watchTopicListSuccess', `watching the topics of ${namespace}`)
    } catch (error) {
      connection.removeWatcher(this.id)
      this.connection = undefined
      this.context.report(error)
    }
  }

  stop(): void {
    this.stopped = true
    const { connection } = this
    if (connection === undefined) return
    connection.removeWatcher(this.id)
    connection.tell('watchTopicListClose', { watcherId: this.id })
  }
}
