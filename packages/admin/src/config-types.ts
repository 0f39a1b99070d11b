/** How often a record takes effect. `MANUAL` leaves acknowledging to the connector (Pulsar's own worker only). */
export type ProcessingGuarantees = 'ATLEAST_ONCE' | 'ATMOST_ONCE' | 'EFFECTIVELY_ONCE' | 'MANUAL'

/** What one instance may use. */
export interface Resources {
  /** Cores. */
  readonly cpu?: number | undefined
  /** Bytes. */
  readonly ram?: number | undefined
  /** Bytes. */
  readonly disk?: number | undefined
}

/** A value of JSON with keys. */
export interface JsonObject {
  readonly [key: string]: unknown
}

/** Who a connector is; `tenant` and `namespace` are `public` and `default` where they are left out. */
export interface ConnectorId {
  readonly tenant?: string | undefined
  readonly namespace?: string | undefined
  readonly name: string
}

/** A connector by its id, its fully qualified name `tenant/namespace/name`, or its name in `public/default`. */
export type ConnectorName = ConnectorId | string

/** Fields that SinkConfig and SourceConfig share. */
interface ConnectorConfig extends ConnectorId {
  /** `builtin://NAME`, a URL, or what the archive was called where it came from. */
  readonly archive?: string | undefined
  /** Java class of the connector; the server finds it in the archive. */
  readonly className?: string | undefined
  /** The connector's own options. An update replaces all of them. */
  readonly configs?: JsonObject | undefined
  /** Name → where the value is; the form is the server's. */
  readonly secrets?: JsonObject | undefined
  /** Instances. */
  readonly parallelism?: number | undefined
  readonly processingGuarantees?: ProcessingGuarantees | undefined
  readonly resources?: Resources | undefined
  readonly runtimeFlags?: string | undefined
  /** Options of the runtime, as JSON text: this project's worker knows `{"stuckTimeout": "10m"}`. */
  readonly customRuntimeOptions?: string | undefined
  readonly logTopic?: string | undefined
  readonly logLevel?: string | undefined
  /** What happens to each record between topic and connector. Only this project's worker knows it. */
  readonly transforms?: readonly (string | JsonObject)[] | undefined
}

/** How a sink reads one topic: ConsumerConfig of Pulsar. */
export interface ConsumerConfig {
  readonly schemaType?: string | undefined
  readonly serdeClassName?: string | undefined
  readonly regexPattern?: boolean | undefined
  readonly schemaProperties?: { readonly [name: string]: string } | undefined
  readonly consumerProperties?: { readonly [name: string]: string } | undefined
  readonly receiverQueueSize?: number | undefined
  readonly cryptoConfig?: JsonObject | undefined
  readonly messagePayloadProcessorConfig?: JsonObject | undefined
  readonly poolMessages?: boolean | undefined
}

/** How a source publishes: ProducerConfig of Pulsar. */
export interface ProducerConfig {
  readonly maxPendingMessages?: number | undefined
  readonly maxPendingMessagesAcrossPartitions?: number | undefined
  readonly useThreadLocalProducers?: boolean | undefined
  readonly cryptoConfig?: JsonObject | undefined
  readonly batchBuilder?: string | undefined
  readonly compressionType?: string | undefined
  readonly batchingConfig?: JsonObject | undefined
}

/** When a batch source looks for tasks. */
export interface BatchSourceConfig {
  readonly discoveryTriggererClassName?: string | undefined
  readonly discoveryTriggererConfig?: JsonObject | undefined
}

/** A sink, in the JSON of Pulsar (SinkConfig). What an update leaves out stays as it is. */
export interface SinkConfig extends ConnectorConfig {
  /** Built-in connector: the same as the archive `builtin://NAME`. */
  readonly sinkType?: string | undefined
  readonly inputs?: readonly string[] | undefined
  readonly topicsPattern?: string | undefined
  readonly topicToSerdeClassName?: { readonly [topic: string]: string } | undefined
  readonly topicToSchemaType?: { readonly [topic: string]: string } | undefined
  readonly topicToSchemaProperties?: { readonly [topic: string]: string } | undefined
  readonly inputSpecs?: { readonly [topic: string]: ConsumerConfig } | undefined
  readonly sourceSubscriptionName?: string | undefined
  readonly sourceSubscriptionPosition?: 'Latest' | 'Earliest' | undefined
  readonly maxMessageRetries?: number | undefined
  readonly deadLetterTopic?: string | undefined
  readonly retainOrdering?: boolean | undefined
  readonly retainKeyOrdering?: boolean | undefined
  readonly autoAck?: boolean | undefined
  /** Milliseconds. */
  readonly timeoutMs?: number | undefined
  /** Milliseconds. */
  readonly negativeAckRedeliveryDelayMs?: number | undefined
  /** Delete the subscription with the sink. */
  readonly cleanupSubscription?: boolean | undefined
  readonly transformFunction?: string | undefined
  readonly transformFunctionClassName?: string | undefined
  readonly transformFunctionConfig?: string | undefined
}

/** A source, in the JSON of Pulsar (SourceConfig). What an update leaves out stays as it is. */
export interface SourceConfig extends ConnectorConfig {
  /** Built-in connector: the same as the archive `builtin://NAME`. */
  readonly sourceType?: string | undefined
  /** Topic that the records go to. */
  readonly topicName?: string | undefined
  readonly producerConfig?: ProducerConfig | undefined
  readonly serdeClassName?: string | undefined
  readonly schemaType?: string | undefined
  readonly batchSourceConfig?: BatchSourceConfig | undefined
  readonly batchBuilder?: string | undefined
}
