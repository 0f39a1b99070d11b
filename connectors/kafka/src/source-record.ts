import { ConnectorError, type Offset, type Properties, type SourceRecord } from '@pulsar-io/sdk'
import type { RawRecord } from './driver/client.ts'
import type { Fetched } from './driver/fetcher.ts'
import type { SourceConfig } from './options.ts'
import type { Partition } from './partition.ts'
import { deserializer, keyReader } from './serde.ts'

const IS_TRANSACTIONAL = 1 << 4
const IS_CONTROL = 1 << 5
const NO_TIME = -1n

/** A record of a Kafka topic. A class, because objects of one shape with methods on it are cheap to make. */
class KafkaRecord implements SourceRecord {
  readonly value: unknown
  readonly key: string | undefined
  readonly properties: Properties | undefined
  readonly eventTime: number | undefined
  readonly partitionId: string
  readonly sequence: bigint
  readonly #partition: Partition
  readonly #number: number

  constructor(
    partition: Partition,
    sequence: bigint,
    key: string | undefined,
    value: unknown,
    properties: Properties | undefined,
    eventTime: number | undefined,
  ) {
    this.value = value
    this.key = key
    this.properties = properties
    this.eventTime = eventTime
    this.partitionId = partition.id
    this.sequence = sequence
    this.#partition = partition
    this.#number = partition.hand()
  }

  /** Where to go on behind this record. */
  get offset(): Offset {
    const { topic, partition } = this.#partition
    return { topic, partition, next: Number(this.sequence) + 1 }
  }

  ack(): void {
    this.#partition.published(this.#number, this.sequence)
  }
}

/** Makes records of what was read. Throws a ConnectorError (`PIO_KAFKA_DESERIALIZE`) that names the place. */
export function recordMaker(
  config: SourceConfig,
): (fetched: Fetched<Partition>, committedOnly: boolean) => SourceRecord[] {
  const readKey = keyReader(config.keyDeserializationClass)
  const { read: readValue } = deserializer(config.valueDeserializationClass)
  const { copyHeadersEnabled, headerValues } = config
  const encoding = headerValues === 'text' ? 'utf8' : 'base64'

  const make = (
    partition: Partition,
    offset: bigint,
    time: bigint,
    { key, value, headers }: RawRecord,
  ): KafkaRecord => {
    try {
      return new KafkaRecord(
        partition,
        offset,
        key === null ? undefined : readKey(key),
        value === null ? null : readValue(value),
        copyHeadersEnabled ? propertiesOf(partition, offset, headers, encoding) : undefined,
        time === NO_TIME ? undefined : Number(time),
      )
    } catch (error) {
      throw new ConnectorError(
        'PIO_KAFKA_DESERIALIZE',
        'stop',
        `offset ${offset} of partition ${partition.partition} of topic ${partition.topic} cannot be read: ${(error as Error).message}; correct keyDeserializationClass or valueDeserializationClass, or begin behind it`,
        { cause: error },
      )
    }
  }

  return ({ reading, from, part }, committedOnly) => {
    const records: SourceRecord[] = []
    const aborted = new AbortedTransactions(committedOnly ? part.abortedTransactions : null)
    for (const batch of part.records ?? []) {
      const { attributes, firstOffset, firstTimestamp, maxTimestamp } = batch
      const hidden = aborted.hides(batch)
      if (attributes & IS_CONTROL || hidden) continue
      // Bit 3: the time is the server's, one for the whole batch.
      const logTime = (attributes & 8) !== 0
      for (const raw of batch.records) {
        const offset = firstOffset + BigInt(raw.offsetDelta)
        // A batch is sent as a whole also where only its end was asked for.
        if (offset < from) continue
        records.push(make(reading, offset, logTime ? maxTimestamp : firstTimestamp + raw.timestampDelta, raw))
      }
    }
    reading.end = part.highWatermark
    reading.saw(reading.next)
    return records
  }
}

/**
 * What transactions wrote that were given up. A server sends it all the same, with a list of those transactions
 * (https://kafka.apache.org/protocol#The_Messages_Fetch); the marker that ends one may be in a later answer.
 */
class AbortedTransactions {
  readonly #begins: { readonly producerId: bigint; readonly firstOffset: bigint }[]
  readonly #now = new Set<bigint>()

  constructor(list: Fetched['part']['abortedTransactions']) {
    this.#begins = [...(list ?? [])].sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1))
  }

  hides({
    attributes,
    producerId,
    firstOffset,
    lastOffsetDelta,
  }: NonNullable<Fetched['part']['records']>[number]): boolean {
    const last = firstOffset + BigInt(lastOffsetDelta)
    for (let first = this.#begins[0]; first && first.firstOffset <= last; first = this.#begins[0]) {
      this.#now.add(first.producerId)
      this.#begins.shift()
    }
    if (attributes & IS_CONTROL) {
      this.#now.delete(producerId)
      return true
    }
    return (attributes & IS_TRANSACTIONAL) !== 0 && this.#now.has(producerId)
  }
}

function propertiesOf(
  { topic, partition }: Partition,
  offset: bigint,
  headers: RawRecord['headers'],
  encoding: 'utf8' | 'base64',
): Properties {
  const properties: { [name: string]: string } = {
    __kafka_topic: topic,
    __kafka_partition: String(partition),
    __kafka_offset: String(offset),
  }
  // A header may come several times; as in Pulsar the last one counts.
  for (const [name, value] of headers) if (name) properties[name.toString('utf8')] = value?.toString(encoding) ?? ''
  return properties
}
