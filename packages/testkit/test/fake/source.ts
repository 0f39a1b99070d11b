import {
  ConnectionError,
  defineSource,
  type Emit,
  isConnectorError,
  type PushSource,
  type Source,
  type SourceContext,
  type SourceDefinition,
  type SourceRecord,
  secret,
} from '@pulsar-io/sdk'
import * as z from 'zod'
import { FakeClient, type FakeConfig } from './client.ts'
import type { Row } from './server.ts'

const options = z.strictObject({
  address: z.string().meta({ description: 'host:port' }),
  table: z.string().meta({ description: 'Name of the table' }),
  password: secret().meta({ description: 'Password' }),
})
type Config = z.output<typeof options>

/** What a source may do wrong, each seen by a clause. */
export type SourceDefect =
  | 'keeps-timer'
  | 'vague-address'
  | 'tells-password'
  | 'stops-at-outage'
  | 'waits-forever'
  | 'reads-twice'
  | 'reverses'
  | 'ascii'
  | 'drops-empty'
  | 'cuts-large'
  | 'drops-key'
  | 'drops-properties'
  | 'drops-tombstones'
  | 'skips-poison'
  | 'reads-all'
  | 'never-acks'
  | 'acks-at-once'
  | 'acks-up-to'
  | 'same-sequence'
  | 'starts-over'
  | 'fatal-when-cut'
  | 'hangs-on-close'

export function fakeSource(style: 'pull' | 'push', defect?: SourceDefect): SourceDefinition {
  const base = { name: 'fake', summary: 'Reads rows.', config: options, delivery: 'replayable' } as const
  return style === 'pull'
    ? defineSource({ ...base, style, create: () => new FakeSource(defect) })
    : defineSource({ ...base, style, create: () => new FakePushSource(defect) })
}

/** Asks for some rows at a time, and acknowledges each once it is published. */
class FakeSource implements Source<Config> {
  readonly #defect: SourceDefect | undefined
  readonly #unacked: string[] = []
  #context: SourceContext | undefined
  #client: FakeClient | undefined
  #after = -1

  constructor(defect: SourceDefect | undefined) {
    this.#defect = defect
  }

  async open(config: Config, context: SourceContext): Promise<void> {
    const defect = this.#defect
    this.#context = context
    const { at } = (context.offsets.get('rows') ?? {}) as { at?: number }
    if (at !== undefined && defect !== 'starts-over') this.#after = at
    if (defect === 'keeps-timer') setTimeout(() => undefined, 2000)
    if (defect === 'tells-password') context.logger.debug('connecting', { config })
    const signal = defect === 'waits-forever' ? new AbortController().signal : context.signal
    try {
      this.#client = await FakeClient.connect(config as FakeConfig, signal)
    } catch (error) {
      if (defect === 'vague-address') throw Object.assign(error as Error, { message: 'no connection' })
      if (defect === 'stops-at-outage') throw new Error('could not connect')
      throw error
    }
    const client = this.#client
    if (defect !== 'waits-forever') context.signal.addEventListener('abort', () => void client.close())
  }

  async read(): Promise<readonly SourceRecord[]> {
    try {
      if (!this.#client) throw new ConnectionError('not connected')
      const answer = await this.#client.ask({ take: this.#defect === 'reads-all' ? 100_000 : 20 })
      const rows = (answer.rows ?? []).filter(row => Number(row.at) > this.#after)
      return rows.flatMap(row => this.#record(row) ?? [])
    } catch (error) {
      if (this.#context?.signal.aborted) return []
      if (this.#defect === 'fatal-when-cut') throw new Error('cut')
      throw error
    }
  }

  async close(): Promise<void> {
    if (this.#defect === 'hangs-on-close') await new Promise(() => undefined)
    await this.#client?.close()
  }

  #record(row: Row): SourceRecord | undefined {
    const defect = this.#defect
    let { value } = row
    if (value === 'poison') {
      if (defect !== 'skips-poison') this.#context?.logger.warn('not JSON', { at: row.at })
      this.#client?.tell({ ack: row.at })
      return undefined
    }
    if (defect === 'drops-tombstones' && value === null) value = '{}'
    if (defect === 'drops-empty' && value?.includes('"text":""')) return undefined
    if (defect === 'ascii') value = value?.replaceAll(/[^\x20-\x7e]/g, '?') ?? null
    if (defect === 'cuts-large' && value && value.length > 10_000) value = `${value.slice(0, 10_000)}"}`
    this.#unacked.push(row.at)
    const ack = () => {
      if (defect === 'never-acks' || defect === 'starts-over' || defect === 'acks-at-once') return
      const upTo = this.#unacked.splice(0, defect === 'acks-up-to' ? this.#unacked.indexOf(row.at) + 1 : 0)
      for (const at of [...upTo, row.at]) this.#client?.tell({ ack: at })
    }
    if (defect === 'acks-at-once') this.#client?.tell({ ack: row.at })
    return {
      value,
      key: defect === 'drops-key' ? undefined : (row.key ?? undefined),
      properties: defect === 'drops-properties' ? {} : row.properties,
      partitionId: 'rows',
      sequence: defect === 'same-sequence' ? 1n : BigInt(row.at),
      offset: { at: Number(row.at) },
      ack,
    }
  }
}

/** The same, driven by itself: it emits, waits, and connects again when the connection breaks. */
class FakePushSource implements PushSource<Config> {
  readonly #defect: SourceDefect | undefined
  #source: FakeSource
  #running: Promise<void> | undefined

  constructor(defect: SourceDefect | undefined) {
    this.#defect = defect
    this.#source = new FakeSource(defect)
  }

  async open(config: Config, context: SourceContext, emit: Emit): Promise<void> {
    await this.#source.open(config, context)
    this.#running = this.#run(config, context, emit)
  }

  async close(): Promise<void> {
    await this.#source.close()
    await this.#running
  }

  async #run(config: Config, context: SourceContext, emit: Emit): Promise<void> {
    while (!context.signal.aborted) {
      try {
        const read = await this.#source.read()
        const records = this.#defect === 'reverses' ? [...read].reverse() : read
        const emitted = emit(this.#defect === 'reads-twice' ? [...records, ...records] : records)
        if (this.#defect !== 'reads-all') await emitted
      } catch (error) {
        if (!isConnectorError(error) || this.#defect === 'fatal-when-cut') {
          context.fatal(error as Error)
          return
        }
        context.connection('reconnecting', error.message)
        await this.#reconnect(config, context)
      }
    }
  }

  async #reconnect(config: Config, context: SourceContext): Promise<void> {
    await this.#source.close()
    this.#source = new FakeSource(this.#defect)
    try {
      await this.#source.open(config, context)
      context.connection('connected')
    } catch {
      // The next read says so, and it is tried again.
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }
}
