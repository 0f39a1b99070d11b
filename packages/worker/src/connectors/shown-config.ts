import { isPlaceholder, redact, type SinkConfig, type SourceConfig } from '@pulsar-io/engine'
import type { Manifest } from '@pulsar-io/sdk'
import type { ConnectorRecord } from '../store/record.ts'
import { className } from './definition.ts'

/** Pulsar's defaults (Resources.java). The memory is the heap limit of an instance here, too. */
export const DEFAULT_RESOURCES = { cpu: 1, ram: 1_073_741_824, disk: 10_737_418_240 } as const

const HIDDEN = '***'

/**
 * A configuration the way Pulsar answers it: names and defaults filled in, every secret shown as `***`.
 *
 * @param manifest undefined where the archive is not to be had: then no option is shown, for any may be a secret
 */
export function shownConfig(record: ConnectorRecord, manifest: Manifest | undefined): object {
  const { tenant, namespace, name, kind } = record
  const own = kind === 'sink' ? sinkFields(record.config) : sourceFields(record.config)
  const { configs, secrets, resources, parallelism, processingGuarantees, logTopic, logLevel, transforms } =
    record.config
  return present({
    tenant,
    namespace,
    name,
    className: record.config.className ?? (manifest === undefined ? undefined : className(manifest, kind)),
    ...own.first,
    configs: shownOptions(record, configs ?? {}, manifest),
    secrets: secrets === undefined ? undefined : shownSecrets(secrets),
    parallelism: parallelism ?? 1,
    processingGuarantees: processingGuarantees ?? 'ATLEAST_ONCE',
    ...own.middle,
    resources: { ...DEFAULT_RESOURCES, ...resources },
    ...own.last,
    runtimeFlags: record.config.runtimeFlags,
    customRuntimeOptions: record.config.customRuntimeOptions,
    transforms,
    logTopic,
    logLevel,
    archive: record.package.type === 'builtin' ? `builtin://${record.package.name}` : undefined,
    ...own.end,
  })
}

/** The `secrets` map: references stay, values are hidden. */
function shownSecrets(secrets: { readonly [name: string]: unknown }): { readonly [name: string]: unknown } {
  return Object.fromEntries(
    Object.entries(secrets).map(([name, value]) => [
      name,
      typeof value !== 'string' || isPlaceholder(value) ? value : HIDDEN,
    ]),
  )
}

/**
 * Puts back what {@link shownConfig} hid, where a configuration comes back with it: `***` stands for what is stored.
 * Where nothing is stored it stays.
 */
export function unhide(given: unknown, stored: unknown): unknown {
  if (given === HIDDEN) return stored === undefined ? given : stored
  if (Array.isArray(given)) return given.map((each, i) => unhide(each, Array.isArray(stored) ? stored[i] : undefined))
  if (typeof given !== 'object' || given === null) return given
  const known = typeof stored === 'object' && stored !== null ? (stored as { readonly [name: string]: unknown }) : {}
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [
      name,
      unhide(value, Object.hasOwn(known, name) ? known[name] : undefined),
    ]),
  )
}

interface OwnFields {
  readonly first: object
  readonly middle: object
  readonly last: object
  readonly end: object
}

function sinkFields(config: SinkConfig): OwnFields {
  const specs = new Map(Object.entries(config.inputSpecs ?? {}))
  const known = (topic: string, regexPattern: boolean, schemaType?: unknown) => {
    const { isRegexPattern: _, ...spec } = specs.get(topic) ?? {}
    return present({
      schemaType,
      schemaProperties: {},
      consumerProperties: {},
      poolMessages: false,
      ...spec,
      regexPattern: spec.regexPattern ?? regexPattern,
    })
  }
  const topics = new Set([
    ...(config.inputs ?? []),
    ...Object.keys(config.topicToSchemaType ?? {}),
    ...Object.keys(config.topicToSerdeClassName ?? {}),
  ])
  const inputSpecs = {
    ...Object.fromEntries([...specs].map(([topic, spec]) => [topic, known(topic, spec.isRegexPattern ?? false)])),
    ...Object.fromEntries([...topics].map(topic => [topic, known(topic, false, config.topicToSchemaType?.[topic])])),
    ...(config.topicsPattern === undefined ? {} : { [config.topicsPattern]: known(config.topicsPattern, true) }),
  }
  return {
    first: {
      sourceSubscriptionName: config.sourceSubscriptionName,
      sourceSubscriptionPosition: config.sourceSubscriptionPosition ?? 'Latest',
      inputs: Object.keys(inputSpecs),
      inputSpecs,
      maxMessageRetries: config.maxMessageRetries,
      deadLetterTopic: config.deadLetterTopic,
    },
    middle: {
      retainOrdering: config.retainOrdering ?? false,
      retainKeyOrdering: config.retainKeyOrdering ?? false,
    },
    last: {
      autoAck: config.autoAck ?? true,
      timeoutMs: config.timeoutMs,
      negativeAckRedeliveryDelayMs: config.negativeAckRedeliveryDelayMs,
    },
    end: { cleanupSubscription: config.cleanupSubscription ?? true },
  }
}

function sourceFields(config: SourceConfig): OwnFields {
  return {
    first: {
      topicName: config.topicName,
      producerConfig: config.producerConfig,
      serdeClassName: config.serdeClassName,
      schemaType: config.schemaType,
    },
    middle: { batchSourceConfig: config.batchSourceConfig },
    last: {},
    end: { batchBuilder: config.batchBuilder },
  }
}

function shownOptions(record: ConnectorRecord, configs: unknown, manifest: Manifest | undefined): unknown {
  const schema = manifest?.[record.kind]?.configSchema
  if (schema !== undefined) return redact(configs, schema)
  return Object.fromEntries(Object.keys(configs as object).map(name => [name, HIDDEN]))
}

function present(fields: { readonly [name: string]: unknown }): { readonly [name: string]: unknown } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
