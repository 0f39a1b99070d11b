import { fullTopicName, type ReaderOptions, randomId } from '@pulsar-io/messaging'
import type { ClientContext } from '../context.ts'
import { closedError, usageError } from '../errors.ts'
import { topicParts } from '../topics-of.ts'
import { INITIAL_POSITIONS, SUBSCRIPTION_TYPES } from '../wire/enums.ts'
import { PartitionConsumer } from './partition-consumer.ts'
import { PulsarReader, type ReaderEvents } from './reader.ts'
import type { StartAt } from './start-at.ts'

/** What a reader of Pulsar is made of. */
export interface PulsarReaderOptions extends ReaderOptions {
  /** Only the last message of each key, where the topic is compacted. Default false. */
  readonly readCompacted?: boolean | undefined
}

const MESSAGES = 50_000
const BYTES = 32 * 1024 * 1024

/** Opens a reader over all partitions of a topic. */
export async function openReader(
  context: ClientContext,
  options: PulsarReaderOptions,
  onClose: (reader: PulsarReader) => void,
): Promise<PulsarReader> {
  const topic = fullTopicName(options.topic)
  const from = options.from ?? 'earliest'
  const { parts } = await topicParts(context, topic, true)
  if (typeof from === 'object' && 'position' in from && parts.length > 1) {
    throw usageError(
      `a reader of ${topic} cannot begin at one position of ${parts.length} partitions; name a partition`,
    )
  }
  const reader: PulsarReader = new PulsarReader(topic, () => onClose(reader))
  const start: StartAt | undefined =
    typeof from === 'object' && 'position' in from
      ? { position: from.position, inclusive: options.inclusive ?? false }
      : undefined
  const subscription = `reader-${randomId().slice(0, 16)}`
  try {
    for (const part of parts) {
      const partition = new PartitionConsumer(
        settings(context, topic, part, subscription, options, start, parts.length, reader.events),
      )
      try {
        await partition.open()
        // From then on it is known what is behind the latest.
        const begins = from === 'latest' ? (await partition.lastMessage()).lastMessageId : undefined
        reader.addPartition(partition, begins ?? start?.position, start?.inclusive === true)
        if (typeof from === 'object' && 'time' in from) await partition.seek(from)
      } catch (error) {
        await partition.close(closedError(`the reader of ${topic}`))
        throw error
      }
    }
    return reader
  } catch (error) {
    await reader.close()
    throw error
  }
}

function settings(
  context: ClientContext,
  topic: string,
  part: { readonly topic: string; readonly partition: number },
  subscription: string,
  options: PulsarReaderOptions,
  start: StartAt | undefined,
  partitions: number,
  events: ReaderEvents,
) {
  return {
    context,
    topic: part.topic,
    source: { topic, partitionTopic: part.topic, partition: part.partition, subscription },
    subscription,
    ordered: true,
    failover: false,
    limits: { messages: Math.ceil(MESSAGES / partitions), bytes: Math.ceil(BYTES / partitions) },
    start,
    ...events,
    subscribe: {
      subType: SUBSCRIPTION_TYPES.Exclusive,
      initialPosition: options.from === 'latest' ? INITIAL_POSITIONS.Latest : INITIAL_POSITIONS.Earliest,
      durable: false,
      readCompacted: options.readCompacted ?? false,
    },
  }
}
