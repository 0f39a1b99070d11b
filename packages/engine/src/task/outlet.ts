import type { OutgoingMessage, Producer } from '@pulsar-io/messaging'
import type { ProcessingGuarantee, SourceRecord } from '@pulsar-io/sdk'
import { TransientError } from '@pulsar-io/sdk/core'
import { Backoff, RETRY_BACKOFF } from '../backoff.ts'
import { messageWithCauses, retryMeaning, toError } from '../failure.ts'
import { type Deferred, defer, sleep } from '../wait.ts'
import type { Checkpoints } from './checkpoints.ts'
import type { TaskServices } from './context.ts'
import type { SourceDeadLetters, SourceLetter } from './source-dead-letters.ts'

/** Records that go through an outlet together. */
export interface Outgoing {
  readonly messages: readonly OutgoingMessage[]
  /** Those of the messages and of the letters, and those that a filter kept back, in their order. */
  readonly records: readonly SourceRecord[]
  readonly letters: readonly SourceLetter[]
}

interface Batch extends Outgoing {
  readonly started: number
  readonly settled: Deferred<void>
  result: Promise<unknown>
  /** Was not even sent, since the lease was over. */
  held: boolean
}

/**
 * One producer and what is on its way through it. Batches overlap, and settle in their order. When one fails, it and
 * everything behind it is sent again in order, so that nothing is lost and nothing overtakes.
 */
export class Outlet {
  /** Records carry their own sequence ids, and the topic drops what it has seen. */
  readonly sequenced: boolean
  readonly #producer: Producer
  readonly #deadLetters: SourceDeadLetters
  readonly #services: TaskServices
  readonly #checkpoints: Checkpoints
  readonly #guarantee: ProcessingGuarantee
  readonly #resumedBehind: bigint
  readonly #unconfirmed: Batch[] = []
  #settling: Promise<void> | undefined

  constructor(
    producer: Producer,
    deadLetters: SourceDeadLetters,
    services: TaskServices,
    checkpoints: Checkpoints,
    guarantee: ProcessingGuarantee,
  ) {
    this.#producer = producer
    this.#deadLetters = deadLetters
    this.#services = services
    this.#checkpoints = checkpoints
    this.#guarantee = guarantee
    this.sequenced = guarantee === 'EFFECTIVELY_ONCE'
    this.#resumedBehind = this.sequenced ? producer.lastSequenceId : -1n
  }

  /** Whether the topic already has this record from an earlier run. */
  knows(record: SourceRecord): boolean {
    return this.sequenced && record.sequence !== undefined && record.sequence <= this.#resumedBehind
  }

  settleKnown(record: SourceRecord): void {
    this.#services.stats.deduplicated++
    this.#services.stats.inFlight--
    this.#confirm(record)
  }

  /** Resolves when the batch is settled one way or the other; never rejects. */
  async send(outgoing: Outgoing): Promise<void> {
    const { records } = outgoing
    if (this.#guarantee === 'ATMOST_ONCE' && !(await this.#noteFirst(records))) return
    const batch: Batch = {
      ...outgoing,
      started: performance.now(),
      settled: defer<void>(),
      ...this.#startOrHold(outgoing),
    }
    this.#unconfirmed.push(batch)
    if (this.#guarantee === 'ATMOST_ONCE') this.#acknowledge(records)
    this.#settling ??= this.#settleAll()
    await batch.settled.promise
  }

  /**
   * Makes the offsets durable before the records are published: noted afterwards, a crash in between would publish
   * them again. Returns false when the instance stops before that is done.
   */
  async #noteFirst(records: readonly SourceRecord[]): Promise<boolean> {
    const { stats, log, signal } = this.#services
    for (const record of records) this.#advance(record)
    const backoff = new Backoff(RETRY_BACKOFF)
    while (!signal.aborted) {
      try {
        await this.#checkpoints.flush()
        return true
      } catch (thrown) {
        stats.systemError(thrown)
        log('error', 'the checkpoint cannot be written, and without it nothing is published; trying again', {
          reason: messageWithCauses(toError(thrown)),
        })
        await stats.rest(sleep(backoff.next(), signal))
      }
    }
    return false
  }

  async close(): Promise<void> {
    await this.#settling
    await this.#producer.close()
  }

  /** Nothing overtakes what was held back. */
  #startOrHold(outgoing: Outgoing): Pick<Batch, 'result' | 'held'> {
    const held = this.#unconfirmed.at(-1)?.held === true || this.#services.lease?.over() === true
    if (!held) return { result: this.#start(outgoing), held }
    const result = Promise.reject(new TransientError('the worker lost its lease, and another one may publish by now'))
    // Looked at in its turn.
    result.catch(() => undefined)
    return { result, held }
  }

  #start({ messages, letters }: Outgoing): Promise<unknown> {
    const sending = messages.length === 0 ? Promise.resolve() : this.#producer.send(messages)
    const result: Promise<unknown> =
      letters.length === 0 ? sending : Promise.all([sending, this.#deadLetters.publish(letters)])
    // Looked at in order; a later one that fails first must not count as unhandled.
    result.catch(() => undefined)
    return result
  }

  async #settleAll(): Promise<void> {
    for (let batch = this.#unconfirmed[0]; batch; batch = this.#unconfirmed[0]) {
      await this.#settle(batch)
      this.#unconfirmed.shift()
      batch.settled.resolve()
    }
    this.#settling = undefined
  }

  async #settle(batch: Batch): Promise<void> {
    const backoff = new Backoff(RETRY_BACKOFF)
    const { stats, log, signal, fatal } = this.#services
    for (;;) {
      try {
        await batch.result
        this.#confirmed(batch)
        return
      } catch (thrown) {
        const error = toError(thrown)
        const meaning = retryMeaning(error)
        stats.systemError(error)
        if (
          this.#guarantee === 'ATMOST_ONCE' ||
          signal.aborted ||
          meaning === undefined ||
          meaning === 'stop' ||
          meaning === 'reject'
        ) {
          this.#failed(batch, error)
          if (this.#guarantee !== 'ATMOST_ONCE' && !signal.aborted) fatal(error)
          return
        }
        stats.become('reconnecting', messageWithCauses(error))
        log('error', 'publishing failed; nothing is lost, trying again', {
          topic: this.#producer.topic,
          reason: messageWithCauses(error),
        })
        stats.retried += batch.messages.length + batch.letters.length
        await stats.rest(sleep(backoff.next(), signal))
        await Promise.allSettled(this.#unconfirmed.map(waiting => waiting.result))
        if (this.#services.lease) await stats.rest(this.#services.lease.renewed(signal))
        for (const waiting of this.#unconfirmed) {
          waiting.result = this.#start(waiting)
          waiting.held = false
        }
      }
    }
  }

  #confirmed(batch: Batch): void {
    const { stats } = this.#services
    stats.written += batch.messages.length
    stats.deadLettered += batch.letters.length
    stats.inFlight -= batch.records.length
    if (batch.messages.length > 0) {
      stats.latency.observe(performance.now() - batch.started)
      stats.batchSize.observe(batch.messages.length)
    }
    stats.active()
    if (stats.state === 'reconnecting') stats.become('running')
    if (this.#guarantee !== 'ATMOST_ONCE') for (const record of batch.records) this.#confirm(record)
  }

  #failed(batch: Batch, error: Error): void {
    const { stats } = this.#services
    stats.inFlight -= batch.records.length
    if (this.#guarantee === 'ATMOST_ONCE') return
    for (const record of batch.records) this.#call(record.fail?.(error))
  }

  #confirm(record: SourceRecord): void {
    this.#advance(record)
    this.#call(record.ack?.())
  }

  #advance(record: SourceRecord): void {
    if (record.offset) this.#checkpoints.advance(record.partitionId ?? '', record.offset)
  }

  #acknowledge(records: readonly SourceRecord[]): void {
    for (const record of records) this.#call(record.ack?.())
  }

  #call(answer: void | Promise<void>): void {
    answer?.catch(error => this.#services.stats.connectorError(error))
  }
}
