export type { BatchingOptions, CompressionType, KeyBatching } from '@pulsar-io/messaging'
export * from './auth/index.ts'
export { PULSAR_CAPABILITIES, PulsarClient } from './client.ts'
export type { TlsOptions } from './connection/tls-options.ts'
export type { PulsarConsumer } from './consumer/consumer.ts'
export type { PulsarReaderOptions } from './consumer/open-reader.ts'
export type { ConsumerDefaults, DeadLetterPolicy, PulsarConsumerOptions } from './consumer/options.ts'
export { openPulsar } from './open.ts'
export type { PulsarOptions } from './options.ts'
export type {
  HashingScheme,
  ProducerDefaults,
  PulsarProducerOptions,
  RoutingMode,
} from './producer/options.ts'
export type { PulsarOutgoingMessage } from './producer/outgoing.ts'
export type { PulsarProducer } from './producer/producer.ts'
export type { Transaction } from './transaction/transaction.ts'
