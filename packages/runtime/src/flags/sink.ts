import { type FlagGroup, INERT_HEADING } from './flag.ts'

/** Flags that only a sink has; pulsar-admin's names. */
export const sinkFlags: readonly FlagGroup[] = [
  {
    heading: 'Sink:',
    flags: [
      {
        flags: '-t, --sink-type <name>',
        description: 'Built-in connector, the same as --archive builtin://<name>',
        field: 'sinkType',
      },
      {
        flags: '-i, --inputs <topics>',
        description: 'Topics to read, with commas between',
        field: 'inputs',
        repeatable: true,
      },
      {
        flags: '--topics-pattern <regex>',
        description: 'Read all topics whose name matches instead',
        legacy: ['--topicsPattern'],
        field: 'topicsPattern',
      },
      {
        flags: '--sink-config <json|file>',
        description: "The connector's options: JSON, or a file",
        legacy: ['--sinkConfig'],
      },
      {
        flags: '--sink-config-file <file>',
        description: "JSON or YAML: SinkConfig with the connector's options under configs, or the bare options",
        legacy: ['--sinkConfigFile'],
      },
      {
        flags: '--subs-name <name>',
        description: 'Subscription; default tenant/namespace/name',
        legacy: ['--subsName'],
        field: 'sourceSubscriptionName',
      },
      {
        flags: '--subs-position <position>',
        description: 'Where a new subscription begins; default Latest',
        field: 'sourceSubscriptionPosition',
        choices: ['Latest', 'Earliest'],
      },
      {
        flags: '--max-redeliver-count <n>',
        description: 'Retries of a record before it becomes a dead letter; default: for ever',
        field: 'maxMessageRetries',
      },
      {
        flags: '--dead-letter-topic <topic>',
        description: 'Topic of dead letters; default <topic>-<subscription>-DLQ, with - for each / of the subscription',
        field: 'deadLetterTopic',
      },
      {
        flags: '--retain-ordering [bool]',
        description: 'Keep the order of each partition',
        legacy: ['--retainOrdering'],
        field: 'retainOrdering',
      },
      { flags: '--retain-key-ordering [bool]', description: 'Keep the order of each key', field: 'retainKeyOrdering' },
      {
        flags: '--timeout-ms <ms>',
        description: 'Hand out an unsettled record again after this time; default never',
        field: 'timeoutMs',
      },
      {
        flags: '--negative-ack-redelivery-delay-ms <ms>',
        description: 'Delay before a given-back record is handed out again',
        field: 'negativeAckRedeliveryDelayMs',
      },
      {
        flags: '--custom-schema-inputs <json>',
        description:
          'Topic → schema where the topic has none: a type such as json, avro:<file or definition>, or an object',
        field: 'topicToSchemaType',
        json: true,
      },
      { flags: '--input-specs <json>', description: 'Topic → how to read it', field: 'inputSpecs', json: true },
      {
        flags: '--cleanup-subscription [bool]',
        description: 'Delete the subscription with the sink; a local run keeps it',
        field: 'cleanupSubscription',
      },
    ],
  },
  {
    heading: INERT_HEADING,
    flags: [
      {
        flags: '--custom-serde-inputs <json>',
        description: 'Topic → Java serde class; the topics are read',
        legacy: ['--customSerdeInputs'],
        field: 'topicToSerdeClassName',
        json: true,
      },
      { flags: '--auto-ack <bool>', description: 'Acknowledge by itself', field: 'autoAck' },
      { flags: '--transform-function <archive>', description: 'Function before the sink', field: 'transformFunction' },
      {
        flags: '--transform-function-classname <class>',
        description: 'Class of that function',
        field: 'transformFunctionClassName',
      },
      {
        flags: '--transform-function-config <json>',
        description: 'Configuration of that function',
        field: 'transformFunctionConfig',
      },
    ],
  },
]
