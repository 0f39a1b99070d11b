import { isDeepStrictEqual } from 'node:util'
import type { SinkConfig } from '@pulsar-io/engine'
import { fullTopicName } from '@pulsar-io/messaging'
import { isConnectorError } from '@pulsar-io/sdk'
import type { KindFacts } from '../kinds.ts'
import { ReplyError } from '../reply-error.ts'
import type { ConnectorRecord } from '../store/record.ts'
import { isObject, type RawConfig, withoutNulls } from './check.ts'
import { unhide } from './shown-config.ts'

/**
 * The configuration that an update makes: what is given replaces what is stored, `configs` as a whole, and `***` stands
 * for a secret that stays. Throws a ReplyError (400), in Pulsar's words, for what an update cannot change.
 */
export function mergedConfig(facts: KindFacts, record: ConnectorRecord, given: RawConfig): RawConfig {
  const stored: RawConfig = record.config
  const update = withoutNulls(given)
  const refused = facts.kind === 'sink' ? sinkChanges(record.config, update) : guaranteeChange(stored, update)
  if (refused.length > 0) throw new ReplyError(400, refused.join('\n'))
  const merged: { [field: string]: unknown } = { ...stored, ...update }
  // Java clients send a class name that they read; ours mean nothing, and must not count as a change.
  if (stored.className === undefined) delete merged.className
  if (isObject(stored.resources) && isObject(update.resources)) {
    merged.resources = { ...stored.resources, ...update.resources }
  }
  if (facts.kind === 'sink') keepInputs(merged, stored)
  merged.configs = unhide(update.configs ?? stored.configs ?? {}, stored.configs)
  if (update.secrets !== undefined) merged.secrets = unhide(update.secrets, stored.secrets)
  return merged
}

/** Whether a merged and checked configuration is the stored one. */
export function isUnchanged(record: ConnectorRecord, config: object): boolean {
  // As JSON, for a stored one has been through it.
  return isDeepStrictEqual(normal(record.config), normal(config))
}

/** Fields at their default say what their absence says. */
const DEFAULTS: { readonly [field: string]: unknown } = {
  parallelism: 1,
  processingGuarantees: 'ATLEAST_ONCE',
  sourceSubscriptionPosition: 'Latest',
  retainOrdering: false,
  retainKeyOrdering: false,
  autoAck: true,
  cleanupSubscription: true,
}

function normal(config: object): unknown {
  const fields = Object.entries({ configs: {}, ...config }).filter(
    ([name, value]) => value !== undefined && value !== DEFAULTS[name],
  )
  return JSON.parse(
    JSON.stringify(Object.fromEntries(fields), (_, value: unknown) =>
      typeof value === 'bigint' ? `${value}n` : value,
    ),
  )
}

/** An update names topics that are there already; what it does not name stays. */
function keepInputs(merged: { [field: string]: unknown }, stored: RawConfig): void {
  for (const field of ['inputs', 'topicsPattern', 'topicToSchemaType', 'topicToSerdeClassName']) {
    if (stored[field] === undefined) delete merged[field]
    else merged[field] = stored[field]
  }
  const specs = isObject(merged.inputSpecs) ? merged.inputSpecs : undefined
  if (specs === undefined) return
  const kept = isObject(stored.inputSpecs) ? stored.inputSpecs : {}
  // What GET answers is filled with defaults: only a schema or a queue is a wish.
  const wished = Object.entries(specs).filter(
    ([topic, spec]) =>
      topic in kept || (isObject(spec) && (spec.schemaType !== undefined || spec.receiverQueueSize !== undefined)),
  )
  if (wished.length === 0 && stored.inputSpecs === undefined) delete merged.inputSpecs
  else merged.inputSpecs = { ...kept, ...Object.fromEntries(wished) }
}

function sinkChanges(stored: SinkConfig, update: RawConfig): readonly string[] {
  const refused: string[] = []
  const { sourceSubscriptionName, inputs, inputSpecs, topicsPattern } = update
  if (
    typeof sourceSubscriptionName === 'string' &&
    sourceSubscriptionName !== '' &&
    sourceSubscriptionName !== (stored.sourceSubscriptionName ?? defaultSubscription(stored))
  ) {
    refused.push('Subscription Name cannot be altered')
  }
  const known = new Map(storedInputs(stored))
  const named = [
    ...(Array.isArray(inputs) ? inputs : typeof inputs === 'string' ? inputs.split(',') : []).map(
      each => [String(each).trim(), undefined] as const,
    ),
    ...(typeof topicsPattern === 'string' ? [[topicsPattern, true] as const] : []),
    ...Object.entries(isObject(inputSpecs) ? inputSpecs : {}).map(
      ([topic, spec]) =>
        [topic, isObject(spec) && (spec.regexPattern === true || spec.isRegexPattern === true)] as const,
    ),
  ]
  const topics = named.map(([topic, pattern]) => [topic, known.get(topicKey(topic)), pattern] as const)
  if (topics.some(([, before]) => before === undefined)) refused.push('Input Topics cannot be altered')
  for (const [topic, before, pattern] of topics) {
    if (before !== undefined && pattern !== undefined && before !== pattern)
      refused.push(`isRegexPattern for input topic ${topic} cannot be altered`)
  }
  refused.push(...guaranteeChange(stored, update))
  const flags = [
    ['retainOrdering', 'Retain Ordering', false],
    ['retainKeyOrdering', 'Retain Key Ordering', false],
    ['autoAck', 'AutoAck', true],
  ] as const
  for (const [field, name, byDefault] of flags) {
    if (update[field] !== undefined && String(update[field]) !== String(stored[field] ?? byDefault))
      refused.push(`${name} cannot be altered`)
  }
  return refused
}

function guaranteeChange(stored: RawConfig, { processingGuarantees }: RawConfig): readonly string[] {
  const same =
    processingGuarantees === undefined || processingGuarantees === (stored.processingGuarantees ?? 'ATLEAST_ONCE')
  return same ? [] : ['Processing Guarantees cannot be altered']
}

function defaultSubscription({ tenant, namespace, name }: SinkConfig): string {
  return `${tenant}/${namespace}/${name}`
}

/** Each input, and whether it is a pattern. */
function storedInputs(config: SinkConfig): readonly (readonly [topic: string, pattern: boolean])[] {
  return [
    ...(config.inputs ?? []).map(topic => [topicKey(topic), false] as const),
    ...Object.keys(config.topicToSchemaType ?? {}).map(topic => [topicKey(topic), false] as const),
    ...Object.keys(config.topicToSerdeClassName ?? {}).map(topic => [topicKey(topic), false] as const),
    ...Object.entries(config.inputSpecs ?? {}).map(
      ([topic, spec]) => [topicKey(topic), spec.regexPattern === true || spec.isRegexPattern === true] as const,
    ),
    ...(config.topicsPattern === undefined ? [] : [[topicKey(config.topicsPattern), true] as const]),
  ]
}

/** One topic has several spellings. */
function topicKey(topic: string): string {
  try {
    return fullTopicName(topic)
  } catch (error) {
    // A pattern, or a name that the check behind this refuses.
    if (isConnectorError(error)) return topic
    throw error
  }
}
