import { comparePositions, formatPosition, type PartitionCheckpoint, parsePosition } from '@pulsar-io/sdk'
import type { RawRecord } from './driver/client.ts'

/** How the positions topic is made: the newest position of each input partition is kept, the others go soon. */
export const POSITIONS_TOPIC = {
  partitions: 8,
  configs: [
    { name: 'cleanup.policy', value: 'compact' },
    { name: 'segment.bytes', value: String(16 * 1024 * 1024) },
    { name: 'segment.ms', value: '3600000' },
    { name: 'min.cleanable.dirty.ratio', value: '0.1' },
    { name: 'compression.type', value: 'producer' },
  ],
} as const

/** How far a connector got, as the positions topic keeps it: one record for each of its input partitions. */
export class Positions {
  readonly #connector: string
  readonly #found = new Map<string, PartitionCheckpoint>()

  /** `connector`: the fully qualified name. */
  constructor(connector: string) {
    this.#connector = connector
  }

  get all(): readonly PartitionCheckpoint[] {
    return [...this.#found.values()]
  }

  of(topic: string, partition: number): PartitionCheckpoint | undefined {
    return this.#found.get(`${topic} ${partition}`)
  }

  /** Takes a position over, unless a later one is known. */
  note(checkpoint: PartitionCheckpoint): void {
    const key = `${checkpoint.topic} ${checkpoint.partition}`
    const known = this.#found.get(key)
    if (!known || comparePositions(known.position, checkpoint.position) < 0) this.#found.set(key, checkpoint)
  }

  /** Takes over a record of the topic if it is this connector's. */
  see(record: RawRecord): void {
    const checkpoint = this.read(record)
    if (checkpoint) this.note(checkpoint)
  }

  /** What a record of the topic says of this connector; undefined for one of another. */
  read({ key: keyBytes, value: valueBytes }: RawRecord): PartitionCheckpoint | undefined {
    const key = parse(keyBytes)
    if (key?.connector !== this.#connector) return undefined
    const { topic, partition } = key
    const position = parse(valueBytes)?.position
    if (typeof topic !== 'string' || typeof partition !== 'number' || typeof position !== 'string') return undefined
    return { topic, partition, position: parsePosition(position) }
  }

  /** Key and value of the record for a position. */
  encode({ topic, partition, position }: PartitionCheckpoint): { readonly key: Buffer; readonly value: Buffer } {
    return {
      key: Buffer.from(JSON.stringify({ connector: this.#connector, topic, partition })),
      value: Buffer.from(JSON.stringify({ position: formatPosition(position) })),
    }
  }
}

function parse(bytes: Buffer | null): { readonly [name: string]: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(bytes?.toString('utf8') ?? 'null')
    return typeof value === 'object' && value !== null ? (value as { readonly [name: string]: unknown }) : undefined
  } catch {
    // Somebody else's record.
    return undefined
  }
}
