import { fullTopicName, type KeyValueStore } from '@pulsar-io/messaging'
import { isConnectorError } from '@pulsar-io/sdk/core'
import { topicPath } from '../admin/paths.ts'
import { openReader } from '../consumer/open-reader.ts'
import { subscribe } from '../consumer/subscribe.ts'
import type { ClientContext } from '../context.ts'
import { openProducer } from '../producer/open-producer.ts'
import { PulsarStore } from './store.ts'

/** The subscription that brokers compact with: it keeps what is not compacted yet, whatever the retention. */
const COMPACTION = '__compaction'
/** Bytes behind the last compaction from which on the broker compacts again. */
const COMPACTION_THRESHOLD = 1024 * 1024

/** Opens a store: a topic that is compacted, made when it is not there. */
export async function openStore(
  context: ClientContext,
  name: string,
  onClose: (store: KeyValueStore) => void,
): Promise<KeyValueStore> {
  const topic = fullTopicName(name)
  await keepUntilCompacted(context, topic)
  const ignore = () => undefined
  // None of them waits for another: a connector starts as soon as its store is there.
  const [producer, reader] = await Promise.allSettled([
    openProducer(
      context,
      // One entry for each write: nothing of it is there, or all.
      { topic, batching: { maxMessages: 1_000_000, maxBytes: 8 * 1024 * 1024, maxDelayMs: 0, keys: 'mixed' } },
      {},
      ignore,
    ),
    openReader(context, { topic, readCompacted: true }, ignore),
  ])
  if (producer.status === 'fulfilled' && reader.status === 'fulfilled') {
    const store: PulsarStore = new PulsarStore({
      name,
      reader: reader.value,
      producer: producer.value,
      timeoutMs: context.operationTimeoutMs,
      onFirstWrite: signal => askForCompaction(context, topic, signal),
      onClose: () => onClose(store),
    })
    return store
  }
  const opened = [producer, reader].flatMap(one => (one.status === 'fulfilled' ? [one.value] : []))
  await Promise.allSettled(opened.map(one => one.close()))
  const failed = [producer, reader].find(one => one.status === 'rejected')
  throw failed?.reason
}

/** Makes the subscription before the first message: a topic without any would lose what it holds. */
async function keepUntilCompacted(context: ClientContext, topic: string): Promise<void> {
  try {
    const options = {
      topics: [topic],
      subscription: COMPACTION,
      type: 'Exclusive',
      initialPosition: 'Earliest',
    } as const
    const consumer = await subscribe(
      context,
      { ...options, readCompacted: true, receiverQueueMessages: 1 },
      {},
      () => undefined,
    )
    await consumer.close()
  } catch (error) {
    // The broker is compacting, or somebody else opens the same store: then the subscription is there.
    if (!isConnectorError(error) || error.code !== 'PIO_CONSUMER_BUSY') throw error
  }
}

async function askForCompaction(context: ClientContext, topic: string, signal: AbortSignal): Promise<void> {
  try {
    await context.admin.send('POST', {
      path: `/admin/v2/${topicPath(topic)}/compactionThreshold`,
      action: `setting the compaction of ${topic}`,
      body: COMPACTION_THRESHOLD,
      signal,
    })
  } catch (error) {
    // Not allowed to, or no admin interface: the topic grows, and whoever opens the store reads more.
    if (!signal.aborted) context.report(error)
  }
}
