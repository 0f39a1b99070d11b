import type { Message, Reader, ReceiveOptions, SeekTarget } from '@pulsar-io/messaging'
import type { Position } from '@pulsar-io/sdk'
import { comparePositions } from '@pulsar-io/sdk/core'
import { closedError, usageError } from '../errors.ts'
import type { PulsarMessage } from './message.ts'
import type { PartitionConsumer } from './partition-consumer.ts'
import { WaitPoint } from './wait-point.ts'

/** What a reader tells its partitions. */
export interface ReaderEvents {
  readonly wake: () => void
  readonly activeChanged: () => void
  readonly room: () => number
}

interface Part {
  readonly consumer: PartitionConsumer
  /** Nothing in front of this, or up to it, is to be read. */
  begins: Position | undefined
  /** Whether the message at `begins` is to be read. */
  inclusive: boolean
}

const DEFAULT_MAX_BYTES = 16 * 1024 * 1024

/** A reader over one topic or its partitions. */
export class PulsarReader implements Reader {
  readonly topic: string
  private readonly parts: Part[] = []
  private readonly news = new WaitPoint()
  private readonly onClose: () => void
  private next = 0
  private reading = false
  private closing: Promise<void> | undefined

  constructor(topic: string, onClose: () => void) {
    this.topic = topic
    this.onClose = onClose
  }

  readonly events: ReaderEvents = {
    wake: () => this.news.wake(),
    activeChanged: () => undefined,
    room: () => Number.MAX_SAFE_INTEGER,
  }

  addPartition(consumer: PartitionConsumer, begins: Position | MessageIdLike | undefined, inclusive: boolean): void {
    const position = begins === undefined ? undefined : { ...begins, batchIndex: begins.batchIndex ?? -1 }
    this.parts.push({ consumer, begins: position, inclusive })
  }

  async read(options: ReceiveOptions): Promise<readonly Message[]> {
    if (this.reading) throw usageError('read is called while an earlier read of the same reader still waits')
    this.reading = true
    const until = options.timeoutMs === undefined ? undefined : performance.now() + options.timeoutMs
    try {
      for (;;) {
        if (this.closing !== undefined) throw closedError(`the reader of ${this.topic}`)
        const messages = this.takeAll(options)
        if (messages.length > 0 || options.signal?.aborted) return messages
        for (const { consumer } of this.parts) if (consumer.failure !== undefined) throw consumer.failure
        const left = until === undefined ? undefined : until - performance.now()
        if (left !== undefined && left <= 0) return messages
        await this.news.wait(left === undefined ? undefined : Math.ceil(left), options.signal)
      }
    } finally {
      this.reading = false
    }
  }

  async hasNext(): Promise<boolean> {
    if (this.closing !== undefined) throw closedError(`the reader of ${this.topic}`)
    if (this.parts.some(({ consumer }) => consumer.queued > 0)) return true
    const each = await Promise.all(this.parts.map(part => hasMore(part)))
    return each.includes(true)
  }

  /** Where the topic ends now, for a topic without partitions; undefined when it is empty. */
  async last(): Promise<Position | undefined> {
    if (this.closing !== undefined) throw closedError(`the reader of ${this.topic}`)
    const [part] = this.parts
    return part === undefined ? undefined : lastOf(part.consumer)
  }

  async seek(to: SeekTarget): Promise<void> {
    if (this.closing !== undefined) throw closedError(`the reader of ${this.topic}`)
    if (typeof to === 'object' && 'position' in to && this.parts.length > 1) {
      throw usageError(`a reader of ${this.topic} cannot go to one position of ${this.parts.length} partitions`)
    }
    for (const part of this.parts) {
      await part.consumer.seek(to)
      part.begins = undefined
      if (to === 'latest') {
        const { lastMessageId } = await part.consumer.lastMessage()
        part.begins = { ...lastMessageId, batchIndex: lastMessageId.batchIndex ?? -1 }
        part.inclusive = false
      } else if (typeof to === 'object' && 'position' in to) {
        part.begins = to.position
        part.inclusive = true
      }
    }
  }

  close(): Promise<void> {
    this.closing ??= this.closeAll()
    return this.closing
  }

  private async closeAll(): Promise<void> {
    this.news.wake()
    this.onClose()
    const error = closedError(`the reader of ${this.topic}`)
    const results = await Promise.allSettled(this.parts.map(({ consumer }) => consumer.close(error)))
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  private takeAll(options: ReceiveOptions): PulsarMessage[] {
    const messages: PulsarMessage[] = []
    let room = options.maxMessages
    let bytes = options.maxBytes ?? DEFAULT_MAX_BYTES
    const start = this.next
    for (let n = 0; n < this.parts.length && room > 0 && bytes > 0; n += 1) {
      const { consumer } = this.parts[(start + n) % this.parts.length] as Part
      if (!consumer.ready) continue
      this.next = (start + n + 1) % this.parts.length
      const before = messages.length
      bytes -= consumer.take(messages, room, bytes)
      room -= messages.length - before
      consumer.forgetTaken()
      consumer.replenish()
    }
    return messages
  }
}

interface MessageIdLike {
  readonly ledgerId: bigint
  readonly entryId: bigint
  readonly batchIndex?: number | undefined
}

async function hasMore({ consumer, begins, inclusive }: Part): Promise<boolean> {
  const last = await lastOf(consumer)
  if (last === undefined) return false
  if (consumer.lastTaken !== undefined) return comparePositions(last, consumer.lastTaken) > 0
  if (begins === undefined) return true
  const behind = comparePositions(last, begins)
  return inclusive ? behind >= 0 : behind > 0
}

async function lastOf(consumer: PartitionConsumer): Promise<Position | undefined> {
  const { lastMessageId } = await consumer.lastMessage()
  const { ledgerId, entryId, batchIndex = -1 } = lastMessageId
  // An entry id of -1: there is no message.
  return entryId < 0n ? undefined : { ledgerId, entryId, batchIndex }
}
