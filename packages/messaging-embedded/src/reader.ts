import type { Message, Reader, ReaderOptions, ReceiveOptions, SeekTarget } from '@pulsar-io/messaging'
import { closedError, topicDeletedError, usageError } from './errors.ts'
import { EmbeddedMessage } from './message.ts'
import { ordinalOfTarget } from './seek-target.ts'
import type { TopicLog } from './topic-log.ts'
import { WaitPoint } from './waiting.ts'

/** What a reader needs from its client. */
export interface ReaderSettings {
  readonly topic: string
  readonly logs: readonly TopicLog[]
  readonly waiting: () => () => void
  readonly refresh: () => void
  readonly onClose: () => void
}

const DEFAULT_MAX_BYTES = 16 * 1024 * 1024

/** Reads logs in memory of its own place only. */
export class EmbeddedReader implements Reader {
  readonly topic: string
  private readonly settings: ReaderSettings
  private readonly places: { readonly log: TopicLog; next: number }[] = []
  private readonly news = new WaitPoint()
  private readonly silence: (() => void)[]
  private nextPlace = 0
  private reading = false
  private closed = false

  constructor(settings: ReaderSettings, options: Pick<ReaderOptions, 'from' | 'inclusive'>) {
    this.topic = settings.topic
    this.settings = settings
    const from = options.from ?? 'earliest'
    for (const log of settings.logs) {
      this.places.push({ log, next: ordinalOfTarget(log, from, options.inclusive !== true && isPosition(from)) })
    }
    this.silence = settings.logs.map(log => log.news.listen(() => this.news.wake()))
  }

  async read(options: ReceiveOptions): Promise<readonly Message[]> {
    if (this.reading) throw usageError('read is called while an earlier read of the same reader still waits')
    this.reading = true
    const until = options.timeoutMs === undefined ? undefined : performance.now() + options.timeoutMs
    let stopWaiting: (() => void) | undefined
    try {
      for (;;) {
        this.refuseClosed()
        const messages = this.take(options.maxMessages, options.maxBytes ?? DEFAULT_MAX_BYTES)
        if (messages.length > 0 || options.signal?.aborted) return messages
        const now = performance.now()
        if (until !== undefined && until <= now) return messages
        stopWaiting ??= this.settings.waiting()
        await this.news.wait(until === undefined ? undefined : until - now, options.signal)
      }
    } finally {
      stopWaiting?.()
      this.reading = false
    }
  }

  async hasNext(): Promise<boolean> {
    this.refuseClosed()
    this.settings.refresh()
    return this.places.some(({ log, next }) => {
      log.look()
      return !log.deleted && Math.max(next, log.first) < log.next
    })
  }

  async seek(to: SeekTarget): Promise<void> {
    this.refuseClosed()
    this.settings.refresh()
    for (const place of this.places) {
      place.log.look()
      if (isPosition(to) && this.places.length > 1 && place.log.ledger !== to.position.ledgerId) continue
      place.next = ordinalOfTarget(place.log, to)
    }
    this.news.wake()
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    for (const stop of this.silence) stop()
    this.news.wake()
    this.settings.onClose()
  }

  private take(maxMessages: number, maxBytes: number): EmbeddedMessage[] {
    const messages: EmbeddedMessage[] = []
    let bytes = 0
    const start = this.nextPlace
    for (let n = 0; n < this.places.length; n += 1) {
      const place = this.places[(start + n) % this.places.length]
      if (place === undefined) break
      const { log } = place
      if (log.deleted) throw topicDeletedError(log.record.topic)
      const delivery = { log }
      while (place.next < log.next) {
        const entry = log.entryAt(place.next)
        if (entry === undefined) break
        // What retention took away is passed over.
        place.next = Math.max(place.next, entry.base)
        const index = place.next - entry.base
        const size = entry.size(index)
        if (messages.length >= maxMessages || (messages.length > 0 && bytes + size > maxBytes)) return messages
        bytes += size
        messages.push(new EmbeddedMessage(delivery, entry, index, 0))
        place.next += 1
        this.nextPlace = (start + n + 1) % this.places.length
      }
    }
    return messages
  }

  private refuseClosed(): void {
    if (this.closed) throw closedError(`the reader of ${this.topic}`)
  }
}

function isPosition(to: SeekTarget): to is Extract<SeekTarget, { readonly position: unknown }> {
  return typeof to === 'object' && 'position' in to
}
