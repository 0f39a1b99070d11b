import { type FlagGroup, INERT_HEADING } from './flag.ts'

/** Flags that only a source has; pulsar-admin's names. */
export const sourceFlags: readonly FlagGroup[] = [
  {
    heading: 'Source:',
    flags: [
      {
        flags: '-t, --source-type <name>',
        description: 'Built-in connector, the same as --archive builtin://<name>',
        field: 'sourceType',
      },
      {
        flags: '--destination-topic-name <topic>',
        description: 'Topic that the records go to',
        legacy: ['-o, --destinationTopicName'],
        field: 'topicName',
      },
      {
        flags: '--source-config <json|file>',
        description: "The connector's options: JSON, or a file",
        legacy: ['--sourceConfig'],
      },
      {
        flags: '--source-config-file <file>',
        description: "JSON or YAML: SourceConfig with the connector's options under configs, or the bare options",
        legacy: ['--sourceConfigFile'],
      },
      {
        flags: '--schema-type <type>',
        description:
          'Schema of the topic: a type such as json, avro:<file or definition>, or an object; default what the source declares. Also -st',
        field: 'schemaType',
      },
      {
        flags: '--batch-builder <kind>',
        description: 'Records that share an entry of a topic: any (DEFAULT), or those of one key (KEY_BASED)',
        field: 'batchBuilder',
        choices: ['DEFAULT', 'KEY_BASED'],
      },
      { flags: '--producer-config <json>', description: 'How to publish', field: 'producerConfig', json: true },
      {
        flags: '--batch-source-config <json>',
        description: 'For a batch source: when to look for tasks',
        field: 'batchSourceConfig',
        json: true,
      },
    ],
  },
  {
    heading: INERT_HEADING,
    flags: [
      {
        flags: '--deserialization-classname <class>',
        description: 'Java serde class',
        legacy: ['--deserializationClassName'],
        field: 'serdeClassName',
      },
    ],
  },
]
