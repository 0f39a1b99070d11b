import type { Position } from '@pulsar-io/sdk'
import type { BufferPool } from './buffer-pool.ts'
import type { Segment } from './outbox.ts'

/** An entry that was made and is not confirmed. */
export interface PendingEntry {
  /** What its SEND says, and its receipt will. */
  readonly sequence: bigint
  readonly lastSequence: bigint
  readonly count: number
  readonly bytes: number
  readonly segments: readonly Segment[]
  /** Whether its messages are told apart by an index. */
  readonly batch: boolean
  /** Not the last chunk of a message: its receipt confirms nothing yet. */
  readonly partial: boolean
  readonly head: Buffer
  readonly payload: Uint8Array
  /** Goes back to the pool. */
  readonly pooled: Buffer | undefined
  /** Of `performance.now()`. */
  readonly since: number
}

/** Entries on their way, oldest first. */
export class PendingEntries {
  messages = 0
  bytes = 0
  private entries: PendingEntry[] = []
  private first = 0
  private readonly buffers: BufferPool

  constructor(buffers: BufferPool) {
    this.buffers = buffers
  }

  get size(): number {
    return this.entries.length - this.first
  }

  get oldest(): PendingEntry | undefined {
    return this.entries[this.first]
  }

  add(entry: PendingEntry): void {
    this.entries.push(entry)
    this.messages += entry.count
    this.bytes += entry.bytes
  }

  /** The oldest one is confirmed: tells its calls where the messages are, null for a duplicate. */
  confirm(ledgerId: bigint, entryId: bigint): void {
    const entry = this.entries[this.first] as PendingEntry
    this.first += 1
    if (this.first > 256) {
      this.entries.splice(0, this.first)
      this.first = 0
    }
    this.messages -= entry.count
    this.bytes -= entry.bytes
    if (entry.pooled !== undefined) this.buffers.give(entry.pooled)
    if (entry.partial) return
    const duplicate = ledgerId < 0n
    let index = 0
    for (const { call, places, from, to } of entry.segments) {
      if (!duplicate) {
        for (let i = from; i < to; i += 1) {
          const position: Position = { ledgerId, entryId, batchIndex: entry.batch ? index : -1 }
          call.positions[places === undefined ? i : (places[i] as number)] = position
          index += 1
        }
      }
      call.confirm(to - from)
    }
  }

  /** Everything on its way, to be sent again. */
  all(): readonly PendingEntry[] {
    return this.entries.slice(this.first)
  }

  /** Gives everything up. Its memory is not used again, since a socket may still hold it. */
  clear(): readonly PendingEntry[] {
    const all = this.all()
    this.entries = []
    this.first = 0
    this.messages = 0
    this.bytes = 0
    return all
  }
}
