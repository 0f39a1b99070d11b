import { formatTopicName, parseTopicName } from '@pulsar-io/messaging'
import type { Properties } from '@pulsar-io/sdk'
import { isConnectorError } from '@pulsar-io/sdk/core'
import { messageWithCauses } from '../failure.ts'

/** Reasons are cut here: a server may quote a whole document in its message. */
const LONGEST_REASON = 4_000

/** The properties that make a record a dead letter. The first two are written by Pulsar's own clients, too. */
const NAMES = {
  realTopic: 'REAL_TOPIC',
  origin: 'ORIGIN_MESSAGE_ID',
  reason: 'pulsar-io-reason',
  code: 'pulsar-io-code',
  attempts: 'pulsar-io-attempts',
  connector: 'pulsar-io-connector',
  topic: 'pulsar-io-topic',
  partition: 'pulsar-io-partition',
  position: 'pulsar-io-position',
} as const

const ALL_NAMES: ReadonlySet<string> = new Set(Object.values(NAMES))

/** The name of the dead letter topic of an input: `<topic>-<subscription>-DLQ`; a slash in a subscription becomes a dash, for a topic name has none. */
export function defaultDeadLetterTopic(topic: string, subscription: string): string {
  const name = parseTopicName(topic)
  return formatTopicName({ ...name, local: `${name.local}-${subscription.replaceAll('/', '-')}-DLQ` })
}

/** What a dead letter says of itself; undefined where it was written by something else that says less. */
export interface DeadLetterFacts {
  /** `tenant/namespace/name`. */
  readonly connector: string | undefined
  /** Where it was read, or was meant for. */
  readonly topic: string | undefined
  readonly partition: string | undefined
  readonly position: string | undefined
  readonly code: string | undefined
  readonly reason: string | undefined
  readonly attempts: string | undefined
}

/** What a dead letter is made of. */
export interface NewDeadLetter {
  readonly connector: string
  readonly topic: string
  readonly error: Error
  readonly partition?: string | undefined
  /** In the words of {@link formatPosition}, or the sequence of a source's record. */
  readonly position?: string | undefined
  /** The position is that of a message. */
  readonly isMessage?: boolean
  readonly attempts?: number | undefined
}

/** The properties of a dead letter, to be put over those of the record. */
export function deadLetterProperties(letter: NewDeadLetter): Properties {
  const { connector, topic, error, partition, position, isMessage, attempts } = letter
  const all = {
    [NAMES.realTopic]: topic,
    [NAMES.origin]: isMessage === true ? position : undefined,
    [NAMES.reason]: messageWithCauses(error).slice(0, LONGEST_REASON),
    [NAMES.code]: isConnectorError(error) ? error.code : 'PIO_BUG',
    [NAMES.attempts]: attempts?.toString(),
    [NAMES.connector]: connector,
    [NAMES.topic]: topic,
    [NAMES.partition]: partition,
    [NAMES.position]: position,
  }
  return Object.fromEntries(Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== undefined))
}

/** What the properties of a dead letter tell. */
export function deadLetterFacts(properties: Properties): DeadLetterFacts {
  return {
    connector: properties[NAMES.connector],
    topic: properties[NAMES.topic] ?? properties[NAMES.realTopic],
    partition: properties[NAMES.partition],
    position: properties[NAMES.position] ?? properties[NAMES.origin],
    code: properties[NAMES.code],
    reason: properties[NAMES.reason],
    attempts: properties[NAMES.attempts],
  }
}

/** The properties that the record had before. */
export function withoutDeadLetterProperties(properties: Properties): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([name]) => !ALL_NAMES.has(name)))
}
