import { defineSource, type Source, type SourceContext, type SourceRecord } from '@pulsar-io/sdk'
import type { OpenedSource } from './opened-source.ts'
import { type SourceConfig, sourceOptions } from './options.ts'

export const source = defineSource({
  name: 'file',
  summary: 'Reads lines, NDJSON or CSV from files.',
  config: sourceOptions,
  delivery: 'replayable',
  schema: config => ({ type: config.format === 'lines' ? 'STRING' : 'JSON' }),
  create: () => new FileSource(),
})

class FileSource implements Source<SourceConfig> {
  #opened: OpenedSource | undefined

  async open(config: SourceConfig, context: SourceContext): Promise<void> {
    // Loaded here, with its parsers: a sink of this package does without.
    const { OpenedSource } = await import('./opened-source.ts')
    const opened = new OpenedSource(config, context)
    this.#opened = opened
    await opened.start()
  }

  async read(): Promise<readonly SourceRecord[] | null> {
    if (!this.#opened) throw new Error('read before open')
    return this.#opened.read()
  }

  async close(): Promise<void> {
    const opened = this.#opened
    this.#opened = undefined
    await opened?.close()
  }
}
