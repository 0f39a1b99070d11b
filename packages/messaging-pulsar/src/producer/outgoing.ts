import type { OutgoingMessage } from '@pulsar-io/messaging'

/** A message on its way into a topic, with what only Pulsar knows. */
export interface PulsarOutgoingMessage extends OutgoingMessage {
  /** Milliseconds since 1970 before which Shared subscriptions do not get the message. */
  readonly deliverAt?: number | undefined
}

/** What an entry says of its own size at most, besides payload, key and properties. */
const OVERHEAD = 64

/** Bytes that a message takes in a batch, a little more rather than less. */
export function roughSize(message: PulsarOutgoingMessage): number {
  let bytes = OVERHEAD + (message.payload?.length ?? 0)
  if (message.key !== undefined) bytes += message.key.length
  if (message.orderingKey !== undefined) bytes += message.orderingKey.length
  const { properties } = message
  if (properties !== undefined) {
    for (const name in properties) bytes += name.length + (properties[name]?.length ?? 0) + 12
  }
  return bytes
}
