/**
 * What this driver uses of the `pulsar-client` module, as its type definitions have it. Written down here so that nobody
 * needs the module to compile against this package, and so that tests can stand in for it.
 */
export interface Addon {
  readonly Client: new (config: AddonClientConfig) => AddonClient
  readonly MessageId: {
    earliest(): AddonMessageId
    latest(): AddonMessageId
    deserialize(data: Buffer): AddonMessageId
  }
  readonly AuthenticationTls: new (params: { certificatePath: string; privateKeyPath: string }) => object
  readonly AuthenticationToken: new (params: { token: string | (() => Promise<string>) }) => object
  readonly AuthenticationBasic: new (params: { username: string; password: string }) => object
}

/** How the cluster is reached. */
export interface AddonClientConfig {
  serviceUrl: string
  authentication?: object
  operationTimeoutSeconds?: number
  connectionTimeoutMs?: number
  tlsTrustCertsFilePath?: string
  tlsValidateHostname?: boolean
  tlsAllowInsecureConnection?: boolean
  listenerName?: string
  /** Lower levels are not reported: 2 is WARN, 3 is ERROR. */
  logLevel?: number
  log?: (level: number, file: string, line: number, message: string) => void
}

export interface AddonClient {
  createProducer(config: AddonProducerConfig): Promise<AddonProducer>
  subscribe(config: AddonConsumerConfig): Promise<AddonConsumer>
  /** Names of the partitions, or of the topic itself. */
  getPartitionsForTopic(topic: string): Promise<string[]>
  close(): Promise<unknown>
}

export interface AddonSchema {
  schemaType:
    | 'String'
    | 'Json'
    | 'Protobuf'
    | 'Avro'
    | 'Boolean'
    | 'Int8'
    | 'Int16'
    | 'Int32'
    | 'Int64'
    | 'Float32'
    | 'Float64'
    | 'ProtobufNative'
  name?: string
  schema?: string
  properties?: Record<string, string>
}

export interface AddonProducerConfig {
  topic: string
  producerName?: string
  accessMode?: 'Shared' | 'Exclusive' | 'WaitForExclusive' | 'ExclusiveWithFencing'
  schema?: AddonSchema
  properties?: Record<string, string>
  sendTimeoutMs?: number
  maxPendingMessages?: number
  maxPendingMessagesAcrossPartitions?: number
  blockIfQueueFull?: boolean
  messageRoutingMode?: 'RoundRobinDistribution'
  hashingScheme?: 'JavaStringHash'
  compressionType?: 'None' | 'LZ4' | 'Zlib' | 'ZSTD' | 'SNAPPY'
  batchingEnabled?: boolean
  batchingMaxMessages?: number
  batchingMaxAllowedSizeInBytes?: number
  batchingMaxPublishDelayMs?: number
  chunkingEnabled?: boolean
}

export interface AddonProducer {
  send(message: AddonOutgoing): Promise<AddonMessageId>
  close(): Promise<unknown>
  getProducerName(): string
}

export interface AddonOutgoing {
  data: Buffer
  properties?: Record<string, string>
  eventTimestamp?: number
  sequenceId?: number
  partitionKey?: string
  orderingKey?: string
}

export interface AddonConsumerConfig {
  topic: string
  subscription: string
  subscriptionType: 'Exclusive' | 'Shared' | 'Failover' | 'KeyShared'
  subscriptionInitialPosition: 'Latest' | 'Earliest'
  nAckRedeliverTimeoutMs?: number
  receiverQueueSize?: number
  consumerName?: string
  properties?: Record<string, string>
  batchIndexAckEnabled?: boolean
  batchReceivePolicy?: { maxNumMessages: number; maxNumBytes: number; timeoutMs: number }
}

export interface AddonConsumer {
  receive(): Promise<AddonMessage>
  batchReceive(): Promise<AddonMessage[]>
  acknowledge(message: AddonMessage): Promise<unknown>
  acknowledgeCumulative(message: AddonMessage): Promise<unknown>
  negativeAcknowledge(message: AddonMessage): void
  seek(messageId: AddonMessageId): Promise<unknown>
  seekTimestamp(timestamp: number): Promise<unknown>
  unsubscribe(): Promise<unknown>
  close(): Promise<unknown>
}

export interface AddonMessage {
  getProperties(): { [key: string]: string }
  getData(): Buffer
  getMessageId(): AddonMessageId
  getPublishTimestamp(): number
  getEventTimestamp(): number
  getRedeliveryCount(): number
  getPartitionKey(): string
  getOrderingKey(): string
  getProducerName(): string
}

export interface AddonMessageId {
  /** `MessageIdData` of Pulsar's binary protocol. */
  serialize(): Buffer
}
