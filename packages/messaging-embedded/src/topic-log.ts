import type { OutgoingMessage } from '@pulsar-io/messaging'
import type { SchemaInfo } from '@pulsar-io/sdk'
import type { Catalog, TopicRecord } from './catalog.ts'
import { type Entry, encodedSize, encodeEntry, type SequencedMessage, stampEntry } from './entry.ts'
import type { EntryCache } from './entry-cache.ts'
import { entryKey } from './entry-key.ts'
import { type Environment, randomVersion } from './environment.ts'
import { tooLargeError, topicDeletedError } from './errors.ts'
import { Signal } from './signal.ts'

/** An entry fills whole lmdb pages (16 of 4 KiB, less the header of an overflow run). */
const ENTRY_BYTES = 16 * 4096 - 16 - 32
const MAX_MESSAGE_BYTES = 256 * 1024 * 1024
/** Bytes of waiting sends that one commit takes. */
const COMMIT_BYTES = 8 * 1024 * 1024

/** One call of `send`, on its way. */
export interface Append {
  readonly producer: string
  readonly schema: number
  readonly messages: readonly SequencedMessage[]
  /** Whether the producer's last sequence id is kept, and repeated ones are dropped. */
  readonly named: boolean
  /** Throws when the producer lost its place meanwhile. */
  readonly check: () => void
}

interface Pending {
  readonly append: Append
  readonly chunks: Buffer[]
  readonly bytes: number
  readonly resolve: (bases: AppendResult) => void
  readonly reject: (error: unknown) => void
}

/** Ordinal and batch index of each message; ordinal -1: dropped as a duplicate. */
export interface AppendResult {
  readonly bases: Float64Array
  readonly indexes: Int32Array
}

interface Head {
  version: number
  next: number
  bytes: number
  publishTime: number
}

/**
 * The messages of one topic or partition, numbered from 0 by their ordinals. An entry is stored under the ordinal of its
 * first message, which is also the entry id of its position: so a position and an ordinal say the same.
 */
export class TopicLog {
  readonly record: TopicRecord
  readonly ledger: bigint
  /** Fires in this thread when there is something new; the watcher fires it for what others wrote. */
  readonly news = new Signal()
  private readonly env: Environment
  private readonly catalog: Catalog
  private readonly cache: EntryCache
  private readonly pending: Pending[] = []
  private readonly lastSequences = new Map<string, bigint>()
  private committing = false
  private head: Head | undefined
  private schemas: readonly SchemaInfo[] = []

  constructor(env: Environment, catalog: Catalog, cache: EntryCache, record: TopicRecord) {
    this.env = env
    this.catalog = catalog
    this.cache = cache
    this.record = record
    this.ledger = BigInt(record.ledger)
  }

  /** Ordinal behind the last message that this thread knows of. */
  get next(): number {
    return (this.head ?? this.loadHead()).next
  }

  /** Bytes ever appended. */
  get bytes(): number {
    return (this.head ?? this.loadHead()).bytes
  }

  /** Ordinal of the first message that is still stored. */
  get first(): number {
    return this.env.read(this.env.tails, this.record.id)?.value.readDoubleLE(0) ?? 0
  }

  get deleted(): boolean {
    return this.env.read(this.env.heads, this.record.id) === undefined
  }

  /** Looks whether others appended. Whoever looks first, all who listen hear of it. */
  look(): void {
    if (this.env.unchanged(this.env.heads, this.record.id, this.head?.version)) return
    const present = this.env.read(this.env.heads, this.record.id)
    this.head = present === undefined ? undefined : decodeHead(present.value, present.version)
    this.lastSequences.clear()
    this.news.fire()
  }

  schema(index: number): SchemaInfo | undefined {
    if (index < 0) return undefined
    // Those that are known stay the objects they are: readers keep what they made of them.
    if (index >= this.schemas.length) {
      this.schemas = [...this.schemas, ...this.catalog.schemas(this.record.id).slice(this.schemas.length)]
    }
    return this.schemas[index]
  }

  /** The last sequence id that is stored of a producer. */
  storedSequence(producer: string): bigint {
    return this.env.read(this.env.sequences, [this.record.id, producer])?.value.readBigInt64LE(0) ?? -1n
  }

  /** Stores messages; resolves when they are on disk. Calls are stored in their order, several in one commit. */
  append(append: Append): Promise<AppendResult> {
    const { chunks, bytes } = this.encode(append, append.messages)
    return new Promise<AppendResult>((resolve, reject) => {
      this.pending.push({ append, chunks, bytes, resolve, reject })
      if (this.committing) return
      this.committing = true
      queueMicrotask(() => void this.commitAll())
    })
  }

  /** The entry that holds an ordinal, or the next one behind it. */
  entryAt(ordinal: number): Entry | undefined {
    return this.cache.entryAt(this.record.id, ordinal)
  }

  /** Ordinal of the first message that was published at `time` or later. */
  ordinalAt(time: number): number {
    let low = this.first
    let high = this.next
    while (low < high) {
      const entry = this.entryAt(Math.floor((low + high) / 2))
      if (entry === undefined) break
      if (entry.publishTime >= time) high = Math.max(low, entry.base)
      else low = entry.end
      // An entry that begins before `low` cannot be halved any more.
      if (entry.base <= low && entry.publishTime >= time) return Math.max(low, entry.base)
    }
    return low
  }

  private encode(
    append: Append,
    messages: readonly SequencedMessage[],
  ): { readonly chunks: Buffer[]; readonly bytes: number } {
    const chunks: Buffer[] = []
    let bytes = 0
    let from = 0
    let size = 0
    const flush = (to: number) => {
      const chunk = encodeEntry(messages, from, to, size, append.producer, append.schema)
      chunks.push(chunk)
      bytes += chunk.length
      from = to
      size = 0
    }
    for (let i = 0; i < messages.length; i += 1) {
      const one = encodedSize((messages[i] as SequencedMessage).message as OutgoingMessage)
      if (one > MAX_MESSAGE_BYTES) throw tooLargeError(this.record.topic, one, MAX_MESSAGE_BYTES)
      if (size > 0 && size + one > ENTRY_BYTES) flush(i)
      size += one
    }
    if (from < messages.length) flush(messages.length)
    return { chunks, bytes }
  }

  private async commitAll(): Promise<void> {
    while (this.pending.length > 0) {
      const group: Pending[] = []
      let bytes = 0
      while (this.pending.length > 0 && (group.length === 0 || bytes < COMMIT_BYTES)) {
        const one = this.pending.shift() as Pending
        group.push(one)
        bytes += one.bytes
      }
      await this.commit(group)
    }
    this.committing = false
  }

  /** Writes a group as one unit. Never rejects: every send hears its own outcome. */
  private async commit(group: Pending[]): Promise<void> {
    let accepted = group
    try {
      for (;;) {
        accepted = accepted.filter(passes)
        if (accepted.length === 0) return
        const head = this.head ?? this.loadHead()
        const plan = this.plan(head, accepted)
        const { env } = this
        const done =
          plan.entries.length === 0 ||
          (await env.writeIf(
            env.heads,
            this.record.id,
            head.version,
            () => {
              env.put(env.heads, this.record.id, encodeHead(plan.head), plan.head.version)
              for (const [base, chunk] of plan.entries) void env.entries.put(entryKey(this.record.id, base), chunk)
              for (const [producer, sequence] of plan.sequences) {
                env.put(env.sequences, [this.record.id, producer], sequenceBytes(sequence), 0)
              }
            },
            plan.head.bytes - head.bytes,
          ))
        if (done) {
          if (plan.entries.length > 0) this.head = plan.head
          for (const [producer, sequence] of plan.sequences) this.lastSequences.set(producer, sequence)
          for (let i = 0; i < accepted.length; i += 1) accepted[i]?.resolve(plan.results[i] as AppendResult)
          this.news.fire()
          return
        }
        // Somebody else appended, deleted the topic, or took a producer's place.
        env.refresh()
        this.head = undefined
        this.lastSequences.clear()
        if (this.deleted) throw topicDeletedError(this.record.topic)
      }
    } catch (error) {
      this.head = undefined
      this.lastSequences.clear()
      // Others may have appended, and whoever needs the head next loads it without a word.
      this.news.fire()
      for (const { reject } of accepted) reject(error)
    }
  }

  private plan(head: Head, group: readonly Pending[]) {
    const next: Head = {
      ...head,
      version: randomVersion(),
      // Time may be set back; the order of publish times may not, for seeking by time relies on it.
      publishTime: Math.max(head.publishTime, Date.now()),
    }
    const entries: [base: number, chunk: Buffer][] = []
    const sequences = new Map<string, bigint>()
    const results: AppendResult[] = []
    for (const { append, chunks } of group) {
      const fresh = append.named ? this.freshOf(append, sequences) : undefined
      const stored = fresh === undefined ? append.messages : fresh.map(i => append.messages[i] as SequencedMessage)
      const bases = new Float64Array(append.messages.length).fill(-1)
      const indexes = new Int32Array(append.messages.length)
      let done = 0
      for (const chunk of fresh === undefined ? chunks : this.encode(append, stored).chunks) {
        const count = chunk.readUInt32LE(4)
        stampEntry(chunk, next.publishTime, next.bytes)
        for (let i = 0; i < count; i += 1) {
          const at = fresh === undefined ? done : (fresh[done] as number)
          bases[at] = next.next
          indexes[at] = count === 1 ? -1 : i
          done += 1
        }
        entries.push([next.next, chunk])
        next.next += count
        next.bytes += chunk.length
      }
      const last = stored.at(-1)
      if (append.named && last !== undefined) sequences.set(append.producer, last.sequence)
      results.push({ bases, indexes })
    }
    return { head: next, entries, sequences, results }
  }

  /** Indexes of the messages whose sequence id is not known yet; undefined when that is all of them. */
  private freshOf(append: Append, planned: ReadonlyMap<string, bigint>): number[] | undefined {
    const name = append.producer
    let last = planned.get(name) ?? this.lastSequences.get(name)
    if (last === undefined) {
      last = this.storedSequence(name)
      this.lastSequences.set(name, last)
    }
    const fresh: number[] = []
    for (let i = 0; i < append.messages.length; i += 1) {
      const { sequence } = append.messages[i] as SequencedMessage
      if (sequence <= last) continue
      last = sequence
      fresh.push(i)
    }
    return fresh.length === append.messages.length ? undefined : fresh
  }

  private loadHead(): Head {
    const present = this.env.read(this.env.heads, this.record.id)
    if (present === undefined) throw topicDeletedError(this.record.topic)
    this.head = decodeHead(present.value, present.version)
    return this.head
  }
}

function passes(pending: Pending): boolean {
  try {
    pending.append.check()
    return true
  } catch (error) {
    pending.reject(error)
    return false
  }
}

function encodeHead(head: Head): Buffer {
  const bytes = Buffer.allocUnsafeSlow(24)
  bytes.writeDoubleLE(head.next, 0)
  bytes.writeDoubleLE(head.bytes, 8)
  bytes.writeDoubleLE(head.publishTime, 16)
  return bytes
}

function decodeHead(bytes: Buffer, version: number): Head {
  return { version, next: bytes.readDoubleLE(0), bytes: bytes.readDoubleLE(8), publishTime: bytes.readDoubleLE(16) }
}

function sequenceBytes(sequence: bigint): Buffer {
  const bytes = Buffer.allocUnsafeSlow(8)
  bytes.writeBigInt64LE(sequence)
  return bytes
}
