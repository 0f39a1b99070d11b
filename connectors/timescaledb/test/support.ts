import type { BatchInfo, Outcome, PartitionCheckpoint, Record, SinkContext } from '@pulsar-io/sdk'
import { type ContextOverrides, createSinkContext, records } from '@pulsar-io/testkit'
import { type AvailableService, service } from '@pulsar-io/tooling/services'
import pg from 'pg'
import { type Config, options } from '../src/options.ts'
import { TimescaleSink } from '../src/sink.ts'

export const TOPIC = 'persistent://public/default/metrics'

/** What a test writes into a configuration. */
export type Raw = { readonly [option: string]: unknown }

/** A checked configuration that leads nowhere, unless given. */
function configOf(raw: Raw = {}): Config {
  return options.parse({ connection: { host: '127.0.0.1', user: 'me' }, tableName: 'a_table', ...raw })
}

/** The `connection` option for a server. */
function connectionTo(server: Pick<AvailableService, 'url' | 'credentials'>): {
  readonly [field: string]: string
} {
  const { hostname: host, port, pathname } = new URL(server.url)
  return {
    host,
    port: port || '5432',
    database: decodeURIComponent(pathname.slice(1)) || 'postgres',
    user: server.credentials?.username ?? 'postgres',
    password: server.credentials?.password ?? '',
  }
}

let made = 0

/** A name that nothing in a shared server has yet. */
export const uniqueName = (of: string): string => `${of}_${process.pid}_${Date.now().toString(36)}_${made++}`

/** A server as a test looks at it, past the connector. */
export class Tester {
  readonly server: AvailableService
  readonly #pool: pg.Pool

  /** The `connection` option for it. */
  readonly connection: { readonly [field: string]: string }

  constructor(server: AvailableService) {
    this.server = server
    this.connection = connectionTo(server)
    this.#pool = new pg.Pool({ ...this.connection, port: Number(this.connection.port), max: 2, ssl: false })
    // A server that is killed takes idle connections with it; the next question gets a new one.
    this.#pool.on('error', () => undefined)
  }

  /** Rows of an answer, every value as PostgreSQL writes it. */
  async rows(text: string, values: unknown[] = []): Promise<{ readonly [column: string]: string | null }[]> {
    const asText = { getTypeParser: () => (value: string) => value }
    const { rows } = await this.#pool.query({ text, values, types: asText as unknown as pg.CustomTypesConfig })
    return rows
  }

  /** The values of a column. */
  async column(text: string): Promise<(string | null)[]> {
    return (await this.rows(text)).map(row => Object.values(row)[0] ?? null)
  }

  /** The one value of an answer. */
  async value(text: string): Promise<string | null> {
    return (await this.column(text))[0] ?? null
  }

  /** Makes a table of its own; returns its name. */
  async table(columns: string, more = ''): Promise<string> {
    const name = uniqueName('t')
    await this.rows(`CREATE TABLE ${name} (${columns}) ${more}`)
    return name
  }

  close(): Promise<void> {
    return this.#pool.end()
  }
}

/** The shared server, or why there is none. */
export const postgresql = await service('postgresql')

/** Where a record of a test stands. */
export const at = (entryId: number) => ({ ledgerId: 1n, entryId: BigInt(entryId), batchIndex: -1 })

/** Records of one partition, from position `from` on. */
export function rowsOf(values: readonly unknown[], from = 0, overrides: Partial<Record> = {}): Record[] {
  return records(values, { topic: TOPIC, position: at(from), ...overrides })
}

/** What the runtime gives a transactional sink to store with these records. */
export function checkpointOf(list: readonly Record[]): PartitionCheckpoint[] {
  const last = list.at(-1)
  return last ? [{ topic: last.topic, partition: last.partition, position: last.position }] : []
}

/** A sink that is connected, driven as the runtime drives it. */
export class OpenSink {
  readonly context: ReturnType<typeof createSinkContext>
  readonly sink = new TimescaleSink()

  private constructor(context: ReturnType<typeof createSinkContext>) {
    this.context = context
  }

  static async open(raw: Raw, overrides: ContextOverrides<SinkContext> = {}): Promise<OpenSink> {
    const opened = new OpenSink(createSinkContext({ inputTopics: [TOPIC], ...overrides }))
    try {
      await opened.sink.open(configOf(raw), opened.context)
    } catch (error) {
      await opened.sink.close()
      throw error
    }
    return opened
  }

  /** Under EFFECTIVELY_ONCE with the checkpoint of the records. */
  async write(list: readonly Record[], batch: Partial<BatchInfo> = {}): Promise<readonly Outcome[]> {
    const exactly = this.context.guarantee === 'EFFECTIVELY_ONCE'
    const checkpoint = exactly ? checkpointOf(list) : []
    const signal = new AbortController().signal
    return (await this.sink.write(list, { checkpoint, signal, ...batch })) ?? list.map(() => undefined)
  }

  /** Writes what has to go through. */
  async writeAll(list: readonly Record[]): Promise<void> {
    const failed = (await this.write(list)).find(outcome => outcome !== undefined)
    if (failed) throw failed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.sink.close()
  }
}

/** The codes of outcomes, `undefined` where the record is written. */
export const codes = (outcomes: readonly Outcome[]): (string | undefined)[] =>
  outcomes.map(outcome => (outcome as (Error & { code?: string }) | undefined)?.code)

/** What a promise is rejected with. */
export async function failure(promise: Promise<unknown>): Promise<Error & { code?: string; retry?: string }> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('expected a failure, but it succeeded')
}
