import { readFileSync } from 'node:fs'
import { fullTopicName, topicPattern } from '@pulsar-io/messaging'
import { parseSchema } from '@pulsar-io/schema'
import {
  ConfigError,
  isConnectorError,
  type Problem,
  type ProcessingGuarantee,
  parseDuration,
  type SchemaInfo,
  type SubscriptionType,
} from '@pulsar-io/sdk'
import type { ConnectorSpec, RunOptions } from '../api.ts'
import type { ResolvedArchive } from '../archive/index.ts'
import type { InstanceSpec, InstanceSpecBase, Packing, SinkInstanceSpec, SourceInstanceSpec } from '../instance/spec.ts'
import { DEFAULT_MESSAGING_URL } from '../messaging.ts'
import type { SinkConfig, SourceConfig } from './fields.ts'
import { runtimeOptions } from './runtime-options.ts'

/** Records of a source on their way to the topic, at most. */
const MAX_PENDING = 10_000

type Fqn = { readonly tenant: string; readonly namespace: string; readonly name: string; readonly fqn: string }

/** The archive that a configuration names. Throws a ConfigError when it names none, or two. */
export function archiveReference(spec: ConnectorSpec): string {
  const { archive } = spec.config
  const [field, type] =
    spec.kind === 'sink'
      ? (['sinkType', spec.config.sinkType] as const)
      : (['sourceType', spec.config.sourceType] as const)
  if (archive && type)
    throw new ConfigError([{ path: field, message: 'cannot stand beside archive; keep one of them' }])
  if (archive) return archive
  if (type) return `builtin://${type}`
  throw new ConfigError([
    {
      path: 'archive',
      message: `required: the connector to run, for example connectors/file.tgz (or ${field} for a built-in one)`,
    },
  ])
}

/** Tenant, namespace and name of a connector, with Pulsar's defaults. */
function qualifiedName(spec: ConnectorSpec, archive: ResolvedArchive): Fqn {
  const { tenant = 'public', namespace = 'default', name = archive.manifest.name } = spec.config
  return { tenant, namespace, name, fqn: `${tenant}/${namespace}/${name}` }
}

/**
 * What each instance of a connector has to do. Checks the rules between the fields (parity with Pulsar's validation)
 * and whether the connector can keep the promise that is asked for; throws one ConfigError with everything that is wrong,
 * `found` included: what is known to be wrong already.
 */
export function planInstances(
  spec: ConnectorSpec,
  archive: ResolvedArchive,
  options: Partial<RunOptions>,
  found: readonly Problem[] = [],
): readonly InstanceSpec[] {
  const problems: Problem[] = [...found]
  const guarantee = spec.config.processingGuarantees ?? 'ATLEAST_ONCE'
  checkGuarantee(spec, archive, guarantee, problems)
  const { config } = spec
  const runtime = runtimeOptions(config.customRuntimeOptions)
  problems.push(...runtime.problems)
  const base = {
    ...qualifiedName(spec, archive),
    guarantee,
    archive,
    config: config.configs ?? {},
    secrets: config.secrets,
    transforms: config.transforms ?? [],
    messaging: options.messaging ?? { url: DEFAULT_MESSAGING_URL },
    logLevel: config.logLevel ?? 'info',
    logTopic: config.logTopic === undefined ? undefined : checkedTopic(config.logTopic, 'logTopic', problems),
    memoryLimit: config.resources?.ram,
    cores: config.resources?.cpu,
    stuckAfterMs: runtime.stuckAfterMs,
  }
  const one =
    spec.kind === 'sink' ? planSink(spec.config, base, options, problems) : planSource(spec.config, base, problems)
  if (problems.length > 0) throw new ConfigError(problems)
  const numInstances = config.parallelism ?? 1
  return Array.from({ length: numInstances }, (_, instanceId) => ({ ...one, instanceId, numInstances }))
}

type Numbered = 'instanceId' | 'numInstances'
type Base = Omit<InstanceSpecBase, Numbered>

function planSink(
  config: SinkConfig,
  base: Base,
  options: Partial<RunOptions>,
  problems: Problem[],
): Omit<SinkInstanceSpec, Numbered> {
  const inputs = inputTopics(config, problems)
  const pattern = inputPattern(config, problems)
  if (
    inputs.length === 0 &&
    pattern === undefined &&
    !problems.some(problem => /^(inputs|topicsPattern)/.test(problem.path))
  ) {
    problems.push({
      path: 'inputs',
      message: 'required: at least one topic to read, by --inputs, --topics-pattern or inputSpecs',
    })
  }
  if (inputs.length > 0 && pattern !== undefined)
    problems.push({ path: 'topicsPattern', message: 'cannot stand beside inputs; keep one of them' })
  const exactlyOnce = base.guarantee === 'EFFECTIVELY_ONCE'
  if (exactlyOnce && config.retainKeyOrdering) {
    problems.push({
      path: 'retainKeyOrdering',
      message:
        'not with EFFECTIVELY_ONCE, which reads each partition in its order by one instance anyway; leave it out',
    })
  }
  if (config.retainOrdering && config.retainKeyOrdering) {
    problems.push({
      path: 'retainKeyOrdering',
      message: 'not together with retainOrdering, which keeps the order of keys as well; leave one out',
    })
  }
  return {
    ...base,
    kind: 'sink',
    inputs,
    topicsPattern: pattern,
    inputSchemas: inputSchemas(config, problems),
    subscription: config.sourceSubscriptionName ?? base.fqn,
    subscriptionType: subscriptionType(config, exactlyOnce),
    initialPosition: config.sourceSubscriptionPosition ?? 'Latest',
    ordered: exactlyOnce || config.retainOrdering === true || config.retainKeyOrdering === true,
    ackTimeoutMs: config.timeoutMs ?? 0,
    nackDelayMs: config.negativeAckRedeliveryDelayMs,
    maxRetries: config.maxMessageRetries,
    deadLetterTopic:
      config.deadLetterTopic === undefined
        ? undefined
        : checkedTopic(config.deadLetterTopic, 'deadLetterTopic', problems),
    maxUnsettled: maxUnsettled(config),
    batch: options.batch ?? {},
  }
}

function planSource(config: SourceConfig, base: Base, problems: Problem[]): Omit<SourceInstanceSpec, Numbered> {
  if (config.topicName === undefined)
    problems.push({ path: 'topicName', message: 'required: the topic to publish to, by --destination-topic-name' })
  return {
    ...base,
    kind: 'source',
    destinationTopic: config.topicName === undefined ? '' : checkedTopic(config.topicName, 'topicName', problems),
    schema: config.schemaType === undefined ? undefined : sourceSchema(config.schemaType, problems),
    maxPending: config.producerConfig?.maxPendingMessages || MAX_PENDING,
    packing: packing(config),
    discoverEveryMs: discoverEvery(config, problems),
  }
}

function packing({ producerConfig = {}, batchBuilder }: SourceConfig): Packing {
  const { batchingConfig: batching = {}, compressionType } = producerConfig
  const builder = batchBuilder ?? producerConfig.batchBuilder ?? batching.batchBuilder
  return {
    compression: compressionType,
    batching: {
      enabled: batching.enabled,
      maxMessages: batching.batchingMaxMessages,
      maxBytes: batching.batchingMaxBytes,
      maxDelayMs: batching.batchingMaxPublishDelayMs,
      keys: builder === 'KEY_BASED' ? 'grouped' : 'mixed',
    },
  }
}

function checkGuarantee(
  spec: ConnectorSpec,
  archive: ResolvedArchive,
  guarantee: ProcessingGuarantee,
  problems: Problem[],
): void {
  if (guarantee !== 'EFFECTIVELY_ONCE') return
  const { name } = archive.manifest
  const delivery = archive.manifest[spec.kind]?.delivery
  if (spec.kind === 'sink' && delivery === 'at-least-once') {
    problems.push({
      path: 'processingGuarantees',
      message: `the ${name} sink cannot keep EFFECTIVELY_ONCE: its writes are neither idempotent nor transactional, so a replay writes a record twice; use ATLEAST_ONCE`,
    })
  }
  if (spec.kind === 'source' && delivery !== undefined && delivery !== 'replayable') {
    problems.push({
      path: 'processingGuarantees',
      message: `the ${name} source cannot keep EFFECTIVELY_ONCE: its records carry no sequence to recognise a repeated one by; use ATLEAST_ONCE`,
    })
  }
}

/** Pulsar's choice (SinkConfigUtils): order asks for Failover, order per key for Key_Shared, anything else is Shared. */
function subscriptionType(config: SinkConfig, exactlyOnce: boolean): SubscriptionType {
  if (exactlyOnce || config.retainOrdering) return 'Failover'
  return config.retainKeyOrdering ? 'Key_Shared' : 'Shared'
}

function inputTopics(config: SinkConfig, problems: Problem[]): readonly string[] {
  const specs = Object.entries(config.inputSpecs ?? {}).filter(([, spec]) => !isPattern(spec))
  const named = [
    ...(config.inputs ?? []).map(topic => [topic, 'inputs'] as const),
    ...specs.map(([topic]) => [topic, 'inputSpecs'] as const),
    ...Object.keys(config.topicToSchemaType ?? {}).map(topic => [topic, 'topicToSchemaType'] as const),
    ...Object.keys(config.topicToSerdeClassName ?? {}).map(topic => [topic, 'topicToSerdeClassName'] as const),
  ]
  return [...new Set(named.map(([topic, path]) => checkedTopic(topic, path, problems)))]
}

function inputPattern(config: SinkConfig, problems: Problem[]): string | undefined {
  const patterns = [
    ...(config.topicsPattern === undefined ? [] : [config.topicsPattern]),
    ...Object.entries(config.inputSpecs ?? {}).flatMap(([pattern, spec]) => (isPattern(spec) ? [pattern] : [])),
  ]
  if (patterns.length > 1)
    problems.push({ path: 'topicsPattern', message: `only one pattern is possible, got ${patterns.join(' and ')}` })
  const [pattern] = patterns
  if (pattern !== undefined) collect('topicsPattern', problems, () => topicPattern(pattern))
  return pattern
}

function isPattern(spec: {
  readonly regexPattern?: boolean | undefined
  readonly isRegexPattern?: boolean | undefined
}): boolean {
  return spec.regexPattern === true || spec.isRegexPattern === true
}

function inputSchemas(config: SinkConfig, problems: Problem[]): { readonly [topic: string]: SchemaInfo } {
  const named = [
    ...Object.entries(config.topicToSchemaType ?? {}).map(
      ([topic, schema]) => [topic, schema, `topicToSchemaType.${topic}`, undefined] as const,
    ),
    ...Object.entries(config.inputSpecs ?? {}).flatMap(([topic, spec]) =>
      spec.schemaType === undefined || isPattern(spec)
        ? []
        : [[topic, spec.schemaType, `inputSpecs.${topic}.schemaType`, spec.schemaProperties] as const],
    ),
  ]
  return Object.fromEntries(
    named.map(([topic, schema, path, properties]) => {
      const read = collect(path, problems, () => readSchema(schema)) ?? { type: 'BYTES' }
      return [
        checkedTopic(topic, path, problems),
        properties ? { ...read, properties: { ...read.properties, ...properties } } : read,
      ]
    }),
  )
}

function maxUnsettled(config: SinkConfig): number | undefined {
  const sizes = Object.values(config.inputSpecs ?? {}).flatMap(spec => spec.receiverQueueSize ?? [])
  return sizes.length === 0 ? undefined : Math.max(...sizes)
}

function sourceSchema(schema: unknown, problems: Problem[]): SchemaInfo | undefined {
  const read = collect('schemaType', problems, () => readSchema(schema))
  if (read?.type !== 'AUTO_CONSUME') return read
  problems.push({ path: 'schemaType', message: 'auto_consume is for reading; leave it out, or name what to write' })
  return undefined
}

/** Throws a ConfigError. */
function readSchema(schema: unknown): SchemaInfo {
  return parseSchema(schema, file => {
    try {
      return readFileSync(file, 'utf8')
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      throw new ConfigError([{ path: '', message: `cannot read the definition ${file}: ${code ?? message}` }])
    }
  })
}

function discoverEvery(config: SourceConfig, problems: Problem[]): number | undefined {
  const trigger = config.batchSourceConfig?.discoveryTriggererClassName ?? 'once'
  if (trigger === 'once') return undefined
  if (trigger !== 'interval') {
    problems.push({
      path: 'batchSourceConfig.discoveryTriggererClassName',
      message: `must be once or interval, got ${JSON.stringify(trigger)}; Java classes cannot be loaded here`,
    })
    return undefined
  }
  const every = config.batchSourceConfig?.discoveryTriggererConfig?.every
  const ms = typeof every === 'number' ? every : typeof every === 'string' ? parseDuration(every) : undefined
  if (ms === undefined || ms <= 0)
    problems.push({
      path: 'batchSourceConfig.discoveryTriggererConfig.every',
      message: 'required: a duration such as 5m',
    })
  return ms
}

function checkedTopic(topic: string, path: string, problems: Problem[]): string {
  return collect(path, problems, () => fullTopicName(topic)) ?? topic
}

/** Runs a check that throws a ConfigError, and notes its problems under a path. */
function collect<T>(path: string, problems: Problem[], check: () => T): T | undefined {
  try {
    return check()
  } catch (error) {
    if (!isConnectorError(error)) throw error
    problems.push({ path, message: error.message })
    return undefined
  }
}
