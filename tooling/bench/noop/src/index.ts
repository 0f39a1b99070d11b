import { type BatchSink, defineSink, type Record, type SinkContext } from '@pulsar-io/sdk'
import * as z from 'zod'

/** Does nothing with records, and logs at the end how fast they came. */
class NoopSink implements BatchSink {
  #context: SinkContext | undefined
  #first = 0
  #last = 0
  /** Records behind the first batch, whose time before is not known. */
  #records = 0

  open(_: unknown, context: SinkContext): void {
    this.#context = context
  }

  async write(records: readonly Record[]): Promise<void> {
    this.#last = performance.now()
    if (this.#first === 0) this.#first = this.#last
    else this.#records += records.length
  }

  close(): void {
    const [first, last] = [this.#first, this.#last].map(time => performance.timeOrigin + time)
    this.#context?.logger.info('measured', { records: this.#records, first, last })
  }
}

export default defineSink({
  name: 'noop',
  summary: 'Counts records.',
  config: z.strictObject({}),
  delivery: 'idempotent',
  batch: { maxRecords: 1000 },
  create: () => new NoopSink(),
})
