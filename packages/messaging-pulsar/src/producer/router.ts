import { javaStringHash, murmur3 } from '../routing/hashes.ts'
import type { ResolvedProducerOptions } from './options.ts'
import type { PulsarOutgoingMessage } from './outgoing.ts'

const MAX_INT = 0x7fff_ffff

/** Chooses the partition of each message, as Java's clients do: by the hash of its key, else in turn. */
export class Router {
  private readonly options: ResolvedProducerOptions
  private readonly partitions: number
  private turn: number
  private since = 0
  private routed = 0

  constructor(partitions: number, options: ResolvedProducerOptions) {
    this.partitions = partitions
    this.options = options
    const { routing, singlePartition } = options
    const fixed = routing === 'Single' ? singlePartition : undefined
    this.turn = fixed === undefined ? Math.floor(Math.random() * partitions) : fixed % partitions
  }

  partition(message: PulsarOutgoingMessage): number {
    const { key } = message
    return key === undefined ? this.keyless() : this.partitionOfKey(key)
  }

  partitionOfKey(key: string): number {
    const hash = this.options.hashing === 'JavaStringHash' ? javaStringHash(key) : murmur3(Buffer.from(key))
    return (hash & MAX_INT) % this.partitions
  }

  /** Stays with a partition for about a batch, since small batches cost more than large ones. */
  private keyless(): number {
    const { routing, maxMessages, maxDelayMs } = this.options
    if (routing === 'Single') return this.turn
    this.routed += 1
    if (this.routed > maxMessages || performance.now() - this.since > maxDelayMs) {
      this.turn = (this.turn + 1) % this.partitions
      this.since = performance.now()
      this.routed = 1
    }
    return this.turn
  }
}
