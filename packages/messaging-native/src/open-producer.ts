import { type BatchingOptions, fullTopicName, type ProducerOptions } from '@pulsar-io/messaging'
import type { AddonClient, AddonProducer, AddonProducerConfig } from './addon.ts'
import { closedError, namedError } from './errors.ts'
import type { NativeProducerDefaults } from './options.ts'
import { NativeProducer } from './producer.ts'
import { addonSchema } from './schema.ts'

const MIB = 1024 * 1024
const MAX_CHUNKS = 1000
/** The addon divides it by the partitions; it is a signed number of 32 bits. */
const NO_LIMIT = 2_000_000_000
const COMPRESSION = { NONE: 'None', LZ4: 'LZ4', ZLIB: 'Zlib', ZSTD: 'ZSTD', SNAPPY: 'SNAPPY' } as const

/** Opens a producer. Rejects with what the broker says, and when the signal aborts. */
export async function openProducer(
  client: AddonClient,
  options: ProducerOptions,
  defaults: NativeProducerDefaults,
  onClose: (producer: NativeProducer) => void,
): Promise<NativeProducer> {
  const topic = fullTopicName(options.topic)
  const { signal } = options
  if (signal?.aborted) throw closedError(`opening the producer of ${topic}`)
  const maxPendingMessages = Math.max(1, defaults.maxPendingMessages ?? 5_000)
  const opening = client.createProducer(producerConfig(topic, options, defaults, maxPendingMessages))
  const opened = await aborted(opening, signal, topic)
  const bounds = { maxPendingMessages, maxPendingBytes: defaults.maxPendingBytes ?? 64 * MIB }
  const producer: NativeProducer = new NativeProducer(topic, opened, bounds, () => onClose(producer))
  return producer
}

function producerConfig(
  topic: string,
  { name, access, schema, properties, compression, batching: ownBatching }: ProducerOptions,
  defaults: NativeProducerDefaults,
  maxPendingMessages: number,
): AddonProducerConfig {
  const own = addonSchema(topic, schema)
  const batching = { ...defaults.batching, ...ownBatching }
  return {
    topic,
    accessMode: access ?? 'Shared',
    sendTimeoutMs: defaults.sendTimeoutMs ?? 30_000,
    // Never the limit: waiting is done here, where the event loop goes on. A message in chunks counts as many.
    maxPendingMessages: maxPendingMessages + MAX_CHUNKS,
    maxPendingMessagesAcrossPartitions: NO_LIMIT,
    blockIfQueueFull: false,
    // As Java's clients divide keys among partitions, and ours.
    messageRoutingMode: 'RoundRobinDistribution',
    hashingScheme: 'JavaStringHash',
    compressionType: COMPRESSION[compression ?? defaults.compression ?? 'NONE'],
    ...(batching.enabled !== false && batching.keys === 'mixed' ? together(batching) : APART),
    ...(name === undefined ? {} : { producerName: name }),
    ...(own === undefined ? {} : { schema: own }),
    ...(properties === undefined ? {} : { properties: { ...properties } }),
  }
}

/** Each message has an entry for itself, and what is larger than an entry is split. */
const APART = { batchingEnabled: false, chunkingEnabled: true }

function together({ maxMessages, maxBytes, maxDelayMs }: BatchingOptions) {
  return {
    batchingEnabled: true,
    batchingMaxMessages: maxMessages ?? 1000,
    // With its metadata, a batch has to be smaller than the smallest limit that brokers are run with.
    batchingMaxAllowedSizeInBytes: Math.min(maxBytes ?? MIB, 4 * MIB),
    batchingMaxPublishDelayMs: Math.max(1, maxDelayMs ?? 1),
  }
}

/** The addon cannot be told to stop: what it opens after an abort is closed again. */
async function aborted(
  opening: Promise<AddonProducer>,
  signal: AbortSignal | undefined,
  topic: string,
): Promise<AddonProducer> {
  const named = opening.catch((error: unknown) => {
    throw namedError(error, { action: `cannot produce to ${topic}` })
  })
  if (signal === undefined) return named
  let onAbort = () => undefined as void
  const abort = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(closedError(`opening the producer of ${topic}`))
    signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([named, abort])
  } catch (error) {
    // Whoever waited is gone, and so is whoever could hear that closing failed.
    named.then(producer => producer.close()).catch(() => undefined)
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
