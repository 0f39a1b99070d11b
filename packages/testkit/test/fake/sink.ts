import {
  type BatchInfo,
  type BatchSink,
  defineSink,
  formatPosition,
  type Outcome,
  type PartitionCheckpoint,
  parsePosition,
  type Record,
  RecordError,
  type SinkContext,
  type SinkDefinition,
  type SinkDelivery,
  secret,
} from '@pulsar-io/sdk'
import * as z from 'zod'
import { FakeClient, type FakeConfig } from './client.ts'
import type { Row } from './server.ts'

const options = z.strictObject({
  address: z.string().meta({ description: 'host:port' }),
  table: z.string().meta({ description: 'Name of the table' }),
  password: secret().meta({ description: 'Password' }),
  upsert: z.boolean().default(false).meta({ description: 'Replaces rows of the same key' }),
})
type Config = z.output<typeof options>

/** What a sink may do wrong, each seen by a clause. */
export type SinkDefect =
  | 'connects-early'
  | 'keeps-timer'
  | 'keeps-socket'
  | 'hangs-on-close'
  | 'vague-address'
  | 'tells-password'
  | 'wrong-is-transient'
  | 'stops-at-outage'
  | 'loses-last'
  | 'reverses'
  | 'ascii'
  | 'drops-empty'
  | 'cuts-large'
  | 'drops-key'
  | 'drops-properties'
  | 'fails-batch'
  | 'loses-around-poison'
  | 'writes-twice'
  | 'no-checkpoint'
  | 'half-transaction'
  | 'not-fenced'
  | 'swallows-outage'
  | 'waits-forever'
  | 'ignores-tombstone'
  | 'takes-typos'

export function fakeSink(delivery: SinkDelivery, defect?: SinkDefect): SinkDefinition {
  const definition = defineSink({
    name: 'fake',
    summary: 'Writes rows.',
    config: options,
    delivery,
    batch: { maxInFlight: delivery === 'transactional' ? 1 : 4 },
    create: () => new FakeSink(delivery, defect),
  })
  return defect === 'takes-typos' ? { ...definition, parse: raw => ({ ok: true, config: raw }) } : definition
}

class FakeSink implements BatchSink<Config> {
  readonly #delivery: SinkDelivery
  readonly #defect: SinkDefect | undefined
  #config: Config | undefined
  #client: FakeClient | undefined

  constructor(delivery: SinkDelivery, defect: SinkDefect | undefined) {
    this.#delivery = delivery
    this.#defect = defect
    if (defect === 'connects-early') setTimeout(() => undefined, 2000)
  }

  async open(config: Config, context: SinkContext): Promise<void> {
    const defect = this.#defect
    this.#config = config
    if (defect === 'keeps-timer') setTimeout(() => undefined, 5000)
    if (defect === 'tells-password') context.logger.debug('connecting', { config })
    const signal = defect === 'waits-forever' ? new AbortController().signal : context.signal
    try {
      const fence = this.#delivery === 'transactional' && defect !== 'not-fenced'
      this.#client = await FakeClient.connect(config as FakeConfig, signal, fence)
    } catch (error) {
      if (defect === 'vague-address') throw Object.assign(error as Error, { message: 'no connection' })
      if (defect === 'wrong-is-transient') throw Object.assign(error as Error, { retry: 'retry' })
      if (defect === 'stops-at-outage') throw new Error('could not connect')
      throw error
    }
  }

  async write(given: readonly Record[], { checkpoint, signal }: BatchInfo): Promise<readonly Outcome[] | void> {
    const client = this.#client
    if (!client) throw new Error('write before open')
    const defect = this.#defect
    let records = given
    if (defect === 'loses-last' && records.length > 1) records = records.slice(0, -1)
    if (defect === 'reverses') records = [...records].reverse()
    const transactional = this.#delivery === 'transactional'
    const mode =
      this.#config?.upsert && defect !== 'writes-twice'
        ? 'upsert'
        : this.#delivery === 'idempotent' && defect !== 'writes-twice'
          ? 'once'
          : 'add'
    const rows = records
      .map(record => this.#row(record))
      .filter(row => !(defect === 'drops-empty' && row.value?.includes('"text":""')))
      .filter(row => this.#config?.upsert || row.value !== null)
      .filter(row => !(defect === 'ignores-tombstone' && row.value === null))
    const give = () => void client.close()
    if (defect !== 'waits-forever') signal.addEventListener('abort', give)
    try {
      if (defect === 'half-transaction') await client.ask({ append: rows.slice(0, rows.length / 2), mode: 'add' })
      const rest = defect === 'half-transaction' ? rows.slice(rows.length / 2) : rows
      const stored = checkpoint.map(part => ({ ...part, position: formatPosition(part.position) }))
      const { rejected = [] } = await client.ask({
        append: rest,
        mode,
        ...(transactional ? { checkpoint: defect === 'no-checkpoint' ? [] : stored } : {}),
      })
      if (rejected.length === 0) return
      const error = new RecordError('poison')
      if (defect === 'fails-batch') throw error
      if (defect === 'loses-around-poison') return given.map(() => error)
      return given.map((_, at) => (rejected.includes(at) ? error : undefined))
    } catch (error) {
      if (defect === 'swallows-outage') return
      throw error
    } finally {
      signal.removeEventListener('abort', give)
    }
  }

  async committed(): Promise<readonly PartitionCheckpoint[]> {
    if (this.#delivery !== 'transactional') return []
    const answer = await this.#client?.ask({ committed: true })
    const parts = (answer?.checkpoint ?? []) as (Omit<PartitionCheckpoint, 'position'> & { position: string })[]
    return parts.map(part => ({ ...part, position: parsePosition(part.position) }))
  }

  async close(): Promise<void> {
    if (this.#defect === 'hangs-on-close') await new Promise(() => undefined)
    if (this.#defect !== 'keeps-socket') await this.#client?.close()
  }

  #row({ key, value, properties, position }: Record): Row {
    const defect = this.#defect
    let text = value === null || typeof value === 'string' ? value : JSON.stringify(value)
    if (defect === 'ascii') text = text?.replaceAll(/[^\x20-\x7e]/g, '?') ?? null
    if (defect === 'cuts-large' && text && text.length > 10_000) text = `${text.slice(0, 10_000)}"}`
    return {
      at: formatPosition(position),
      key: defect === 'drops-key' ? null : (key ?? null),
      value: text,
      properties: defect === 'drops-properties' ? {} : properties,
    }
  }
}
