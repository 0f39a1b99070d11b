import {
  type BatchInfo,
  type BatchSink,
  defineSink,
  type Outcome,
  type PartitionCheckpoint,
  type Record,
  type SinkContext,
} from '@pulsar-io/sdk'
import { FileSeries } from './file-series.ts'
import { LineBuffer } from './line-buffer.ts'
import { createLineEncoder, type LineEncoder } from './line-encoder.ts'
import { type SinkConfig, sinkOptions } from './options.ts'

export const sink = defineSink({
  name: 'file',
  summary: 'Appends records to files as NDJSON or lines.',
  config: sinkOptions,
  delivery: 'transactional',
  // One at a time: a file has one end. The delay is short, since each batch costs one flush of the disk.
  batch: { maxRecords: 1000, maxBytes: 4 * 1024 * 1024, maxDelayMs: 20, maxInFlight: 1 },
  create: () => new FileSink(),
})

class FileSink implements BatchSink<SinkConfig> {
  readonly #lines = new LineBuffer()
  #encode: LineEncoder = createLineEncoder('ndjson')
  #series: FileSeries | undefined

  async open(config: SinkConfig, context: SinkContext): Promise<void> {
    this.#encode = createLineEncoder(config.format)
    this.#series = new FileSeries(config, context)
    await this.#series.open()
  }

  async write(records: readonly Record[], batch: BatchInfo): Promise<readonly Outcome[] | void> {
    const series = this.#series
    if (!series) throw new Error('write before open')
    this.#lines.clear()
    // What is handed out again after it was committed is in already.
    const outcomes = records.map(record => (series.holds(record) ? undefined : this.#add(record)))
    // All or nothing: the runtime dead-letters what is named here, then hands over the rest with the same checkpoint.
    if (outcomes.some(outcome => outcome !== undefined)) return outcomes
    await series.write(this.#lines, batch.checkpoint)
  }

  async committed(): Promise<readonly PartitionCheckpoint[]> {
    return this.#series?.positions ?? []
  }

  async close(): Promise<void> {
    const series = this.#series
    this.#series = undefined
    await series?.close()
  }

  #add(record: Record): Outcome {
    try {
      this.#lines.add(this.#encode(record))
      return undefined
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
  }
}
