import type { Capabilities } from '@pulsar-io/messaging'

/**
 * What this driver can do. What it lacks is what the addon does not give: the last sequence id of a producer, and of a
 * message its sequence id, its schema version, and whether it has a value or a key of bytes; which Failover consumer is
 * the active one, and their priorities; transactions. Deduplication works as far as sequence ids are safe integers.
 * An acknowledgement is told as done before it is sent.
 */
export const NATIVE_CAPABILITIES: Capabilities = {
  partitions: true,
  lastSequenceId: false,
  deduplication: true,
  seekByTime: true,
  nackDelay: true,
  transactions: false,
  durableAcks: false,
  tombstones: false,
  byteKeys: false,
  messageSchemas: false,
  messageSequenceIds: false,
  activeConsumer: false,
}
