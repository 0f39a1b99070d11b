import {
  type BatchInfo,
  type BatchSink,
  ConfigError,
  isConnectorError,
  type Outcome,
  PositionClocks,
  type Record,
  RecordError,
  type SinkContext,
} from '@pulsar-io/sdk'
import type { Operation } from './bulk.ts'
import { type Extracted, extract, withTimestamp } from './document.ts'
import { fieldsId, finishId, keyFieldsId, positionId } from './ids.ts'
import { type IndexClient, openIndexClient } from './index-client.ts'
import { indexNameOfTopic, indexNameProblem, parseNamePattern } from './index-name.ts'
import { notices } from './notices.ts'
import type { Config } from './options.ts'
import { splitList } from './rules.ts'

/** Writes records into an index, a batch with one `_bulk` request. */
export class ElasticsearchSink implements BatchSink<Config> {
  readonly #connect: typeof openIndexClient
  #config: Config | undefined
  #context: SinkContext | undefined
  #client: IndexClient | undefined
  #indexOf: (record: Record) => string = () => ''
  #primaryFields: readonly string[] = []
  /** Undefined where no document is ever replaced, or the last write is to win. */
  #versions: PositionClocks | undefined

  constructor(connect: typeof openIndexClient = openIndexClient) {
    this.#connect = connect
  }

  async open(config: Config, context: SinkContext): Promise<void> {
    this.#config = config
    this.#context = context
    this.#primaryFields = splitList(config.primaryFields)
    const { logger } = context
    const keyed = !config.keyIgnore || this.#primaryFields.length > 0
    if (keyed && config.documentVersion === 'POSITION') this.#versions = new PositionClocks(context, 'PIO_ES_STATE')
    for (const { level, message } of notices(config)) logger[level](message)
    const known = this.#chooseIndex(config, context.inputTopics)
    this.#client = await this.#connect(config, logger)
    for (const name of known) await this.#client.checkIndex(name)
    logger.info(`connected to ${this.#client.title}`, { indices: known })
  }

  async write(records: readonly Record[], batch: BatchInfo): Promise<readonly Outcome[]> {
    const client = this.#client
    if (!client) throw new Error('write was called before open')
    const versions = await this.#versions?.timestamps(records)
    const outcomes = new Array<Outcome>(records.length).fill(undefined)
    const operations: Operation[] = []
    const owners: number[] = []
    records.forEach((record, i) => {
      try {
        const operation = this.#operation(record, versions?.[i])
        if (!operation) return
        operations.push(operation)
        owners.push(i)
      } catch (error) {
        outcomes[i] = this.#refused(error, record)
      }
    })
    if (operations.length === 0) return outcomes
    const results = await client.bulk(operations, batch.signal)
    results.forEach((error, at) => {
      const i = owners[at]
      const record = i === undefined ? undefined : records[i]
      if (error && i !== undefined && record) outcomes[i] = this.#refused(error, record)
    })
    return outcomes
  }

  async close(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    await client?.close()
  }

  /** Decides where records go. Returns the names that are known beforehand. */
  #chooseIndex(config: Config, topics: readonly string[]): string[] {
    if (config.indexName !== '') {
      const { dated, nameAt } = parseNamePattern(config.indexName)
      this.#indexOf = ({ eventTime, publishTime }) => nameAt(eventTime ?? publishTime)
      return dated ? [] : [config.indexName]
    }
    const names = new Map<string, string>()
    this.#indexOf = ({ topic }) => {
      const known = names.get(topic)
      if (known !== undefined) return known
      const name = indexNameOfTopic(topic)
      const problem = indexNameProblem(name)
      if (problem)
        throw new ConfigError([
          { path: 'indexName', message: `required: the topic ${topic} gives no name for an index, which ${problem}` },
        ])
      names.set(topic, name)
      return name
    }
    const topicOnly: (topic: string) => string = topic => this.#indexOf({ topic } as Record)
    return topics.map(topicOnly)
  }

  /** What to do for a record; undefined when there is nothing to do. */
  #operation(record: Record, version: bigint | undefined): Operation | undefined {
    const config = this.#config
    if (!config) throw new Error('write was called before open')
    const extracted = extract(record, config)
    const index = this.#indexOf(record)
    const own = this.#id(extracted, config)
    if (extracted.text === null) return this.#tombstone(own, index, version, config)
    // A position is taken once only, so that what is already there is the same record delivered before.
    if (own === undefined) {
      const { text } = extracted
      const document = config.dataStream ? withTimestamp(extracted, text, record.eventTime ?? record.publishTime) : text
      return { action: 'create', index, id: finishId(positionId(record), config), document }
    }
    return { action: 'index', index, id: finishId(own, config), document: extracted.text, version }
  }

  /** The `_id` that the record itself names, if any. */
  #id({ text, fields, key, keyFields }: Extracted, config: Config): string | undefined {
    const names = this.#primaryFields
    if (names.length > 0 && text !== null) return fieldsId(fields() ?? {}, names, config.canonicalKeyFields)
    if (names.length > 0 && text === null && keyFields && names.every(name => name in keyFields))
      return fieldsId(keyFields, names, config.canonicalKeyFields)
    if (config.keyIgnore) return undefined
    if (keyFields) return keyFieldsId(keyFields, config.canonicalKeyFields)
    return key === '' ? undefined : key
  }

  #tombstone(
    id: string | undefined,
    index: string,
    version: bigint | undefined,
    config: Config,
  ): Operation | undefined {
    if (config.nullValueAction === 'FAIL')
      throw new RecordError('the record has no value, and nullValueAction is FAIL', { code: 'PIO_ES_NULL' })
    if (config.nullValueAction === 'IGNORE') return undefined
    // Without a key there is no document that the record could mean.
    return id === undefined ? undefined : { action: 'delete', index, id: finishId(id, config), version }
  }

  /** What the configuration makes of a document that cannot be written. */
  #refused(error: unknown, record: Record): Outcome {
    if (!isConnectorError(error)) throw error
    const action = this.#config?.malformedDocAction ?? 'FAIL'
    if (error.retry !== 'reject' || error.code === 'PIO_ES_NULL' || action === 'FAIL') return error
    this.#context?.metrics.record('malformed_dropped', 1)
    if (action === 'WARN')
      this.#context?.logger.warn(`dropped a document: ${error.message}`, {
        topic: record.topic,
        partition: record.partition,
        id: positionId(record),
      })
    return undefined
  }
}
