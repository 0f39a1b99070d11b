import { type KeyValueStore, randomId } from '@pulsar-io/messaging'
import type { PulsarReader } from '../consumer/reader.ts'
import { closedError, timeoutError, usageError } from '../errors.ts'
import type { PulsarOutgoingMessage } from '../producer/outgoing.ts'
import type { PulsarProducer } from '../producer/producer.ts'
import { counterGoneMessage, counterMessage, readRecord, type StoreRecord, valueMessage } from './record.ts'
import { StoreState } from './state.ts'

type Pair = readonly [key: string, value: Uint8Array]

interface Place {
  readonly ledgerId: bigint
  readonly entryId: bigint
}

interface Waiting {
  readonly place: Place
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Bytes of one write: it has to fit into one entry, which is what makes it whole or not there. */
const MAX_WRITE_BYTES = 4 * 1024 * 1024

/** Milliseconds that closing waits for what the first write has begun. */
const FIRST_WRITE_GRACE_MS = 1_000

/** What a store is made of. */
export interface StoreParts {
  readonly name: string
  readonly reader: PulsarReader
  readonly producer: PulsarProducer
  readonly timeoutMs: number
  /** Called once, when the topic begins to grow; the signal tells that the store is closed. Never rejects. */
  readonly onFirstWrite: (signal: AbortSignal) => Promise<void>
  readonly onClose: () => void
}

/**
 * A map in a compacted topic. Whoever opens it reads the topic into memory and follows it; every read asks first where
 * the topic ends, so it sees all writes that were confirmed before. Writes of several processes come in one order, the
 * topic's; increments never overwrite each other, since each process keeps a sum of its own.
 */
export class PulsarStore implements KeyValueStore {
  private readonly parts: StoreParts
  private readonly state = new StoreState()
  private readonly writer = randomId().slice(0, 12)
  private readonly stop = new AbortController()
  private readonly following: Promise<void>
  private readonly waiting = new Set<Waiting>()
  private applied: Place = { ledgerId: -1n, entryId: -1n }
  private failure: unknown
  private writing: Promise<unknown> = Promise.resolve()
  private writes = 0
  private firstWrite: Promise<void> | undefined
  /** What the counter was right behind our last increment. */
  private added: bigint | undefined
  private closing: Promise<void> | undefined

  constructor(parts: StoreParts) {
    this.parts = parts
    this.following = this.follow()
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    await this.catchUp()
    const value = this.state.get(key)
    return value === undefined ? undefined : new Uint8Array(value)
  }

  async entries(prefix = ''): Promise<readonly Pair[]> {
    await this.catchUp()
    return this.state.keys(prefix).map(key => [key, new Uint8Array(this.state.get(key) ?? [])] as const)
  }

  put(key: string, value: Uint8Array): Promise<void> {
    return this.putAll([[key, value]])
  }

  async putAll(pairs: readonly Pair[]): Promise<void> {
    // A copy, since what was given may change before it is this call's turn.
    const own = new Map(pairs.map(([key, value]) => [key, new Uint8Array(value)] as const))
    if (own.size === 0) return
    await this.write(() =>
      [...own].flatMap(([key, value]) => [valueMessage(key, this.identity(), value, false), ...this.forget(key)]),
    )
  }

  async delete(key: string): Promise<void> {
    await this.write(() => {
      const counted = this.state.writers(key).length > 0
      return [valueMessage(key, this.identity(), undefined, counted), ...this.forget(key)]
    })
  }

  async increment(key: string, by: bigint): Promise<bigint> {
    return this.inTurn(async () => {
      for (;;) {
        const identity = this.state.identity(key)
        const sum = this.state.sum(key, this.writer) + by
        this.added = undefined
        await this.publish([counterMessage(key, this.writer, identity, sum)])
        // Where somebody wrote the value in between, what was added went with the value before.
        if (this.added !== undefined) return this.added
      }
    })
  }

  close(): Promise<void> {
    this.closing ??= this.closeAll()
    return this.closing
  }

  private async closeAll(): Promise<void> {
    const { onClose, producer, reader } = this.parts
    // A failed write was told to whoever asked for it.
    await this.writing.catch(() => undefined)
    // Whoever writes once and goes has the topic compacted, too; an admin interface out of reach holds nobody up.
    const late = setTimeout(() => this.stop.abort(), FIRST_WRITE_GRACE_MS)
    await this.firstWrite
    clearTimeout(late)
    this.stop.abort()
    await this.following
    onClose()
    const results = await Promise.allSettled([producer.close(), reader.close()])
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  /** Records that take away what was counted on a value. */
  private forget(key: string): readonly PulsarOutgoingMessage[] {
    return this.state.writers(key).map(writer => counterGoneMessage(key, writer))
  }

  private identity(): string {
    this.writes += 1
    return `${this.writer}-${this.writes}`
  }

  private write(make: () => readonly PulsarOutgoingMessage[]): Promise<void> {
    return this.inTurn(() => this.publish(make()))
  }

  /** One write at a time, on what the topic says now. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.refuseClosed()
    const turn = this.writing
      // How the one before ended is its caller's affair.
      .catch(() => undefined)
      .then(() => this.catchUp())
      .then(work)
    this.writing = turn
    return turn
  }

  /** Publishes as one entry, and waits until it has come back through the reader. */
  private async publish(messages: readonly PulsarOutgoingMessage[]): Promise<void> {
    const bytes = messages.reduce(
      (sum, { payload, key = '' }) => sum + (payload?.length ?? 0) + key.length * 3 + 128,
      0,
    )
    if (bytes > MAX_WRITE_BYTES) {
      throw usageError(`a write of ${bytes} bytes to the store ${this.parts.name}; it takes ${MAX_WRITE_BYTES} at once`)
    }
    this.firstWrite ??= this.parts.onFirstWrite(this.stop.signal)
    const positions = await this.parts.producer.send(messages)
    const place = positions.at(-1)
    // A duplicate is in the topic already; without its place, wait for the end of the topic.
    await (place ? this.reach(place) : this.catchUp())
  }

  /** Waits until everything is applied that the topic holds now. */
  private async catchUp(): Promise<void> {
    this.refuseClosed()
    const last = await this.parts.reader.last()
    if (last !== undefined) await this.reach(last)
  }

  private reach(place: Place): Promise<void> {
    if (this.failure !== undefined) return Promise.reject(this.failure)
    if (compare(this.applied, place) >= 0) return Promise.resolve()
    const { timeoutMs, name } = this.parts
    return new Promise((resolve, reject) => {
      const late = () => waiting.reject(timeoutError(`reading the store ${name} to its end`, 'the broker', timeoutMs))
      const timer = setTimeout(late, timeoutMs)
      const waiting: Waiting = {
        place,
        resolve: () => {
          this.waiting.delete(waiting)
          clearTimeout(timer)
          resolve()
        },
        reject: error => {
          this.waiting.delete(waiting)
          clearTimeout(timer)
          reject(error)
        },
      }
      this.waiting.add(waiting)
    })
  }

  private async follow(): Promise<void> {
    const { signal } = this.stop
    const everything = { maxMessages: 1_000_000, maxBytes: Number.MAX_SAFE_INTEGER, signal }
    try {
      while (!signal.aborted) {
        // Whole entries, so that nobody sees half of a write.
        for (const message of await this.parts.reader.read(everything)) {
          const record = readRecord(message)
          if (record !== undefined) this.apply(record)
          this.applied = message.position
        }
        for (const waiting of [...this.waiting]) {
          if (compare(this.applied, waiting.place) >= 0) waiting.resolve()
        }
      }
    } catch (error) {
      this.failure = error
    }
    const ended = this.failure ?? closedError(`the store ${this.parts.name}`)
    for (const waiting of [...this.waiting]) waiting.reject(ended)
  }

  private apply(record: StoreRecord): void {
    this.state.apply(record)
    if (record.kind !== 'counter' || record.writer !== this.writer) return
    // Here and not later, so that no two increments ever give the same answer.
    if (record.identity === this.state.identity(record.key)) {
      this.added = BigInt(Buffer.from(this.state.get(record.key) ?? []).toString())
    }
  }

  private refuseClosed(): void {
    if (this.closing !== undefined) throw closedError(`the store ${this.parts.name}`)
  }
}

function compare(a: Place, b: Place): number {
  if (a.ledgerId !== b.ledgerId) return a.ledgerId < b.ledgerId ? -1 : 1
  if (a.entryId !== b.entryId) return a.entryId < b.entryId ? -1 : 1
  return 0
}
