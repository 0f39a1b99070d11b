import { ConnectorError, formatPosition, type Position } from '@pulsar-io/sdk'

/** Bits for the place in a batch; a producer of Pulsar puts 1000 messages into one unless it is told otherwise. */
const BATCH_BITS = 12n
/** Bits for the entry in its ledger; by default a ledger is closed behind 50,000 entries. */
const ENTRY_BITS = 22n
/** What is left of a signed number of 64 bits. */
const LEDGER_BITS = 63n - ENTRY_BITS - BATCH_BITS

/**
 * The number of a message in its ledger: grows from message to message, and is the same whenever the message comes.
 * Entries are below 2^43, places in a batch below 2^20.
 */
export function sequenceInLedger({ entryId, batchIndex }: Position): bigint {
  return (entryId << 20n) | BigInt(batchIndex + 1)
}

/**
 * The number of a message in its partition, over all ledgers.
 *
 * @throws ConnectorError `PIO_PULSAR_SEQUENCE` for a position that does not fit into 63 bits.
 */
export function sequenceInPartition(topic: string, position: Position): bigint {
  const { ledgerId, entryId, batchIndex } = position
  const place = BigInt(batchIndex + 1)
  if (ledgerId < 0n || ledgerId >> LEDGER_BITS > 0n || entryId >> ENTRY_BITS > 0n || place >> BATCH_BITS > 0n) {
    throw new ConnectorError(
      'PIO_PULSAR_SEQUENCE',
      'stop',
      `the position ${formatPosition(position)} of ${topic} makes no sequence number of 63 bits (ledger below 2^${LEDGER_BITS}, entry below 2^${ENTRY_BITS}, batch below 2^${BATCH_BITS}); run the source with ATLEAST_ONCE, or copy the topic with the pulsar sink, which has no such limit`,
    )
  }
  return (((ledgerId << ENTRY_BITS) | entryId) << BATCH_BITS) | place
}
