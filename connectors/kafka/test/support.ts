import { randomBytes } from 'node:crypto'
import { Admin, Producer } from '@platformatic/kafka'
import type { BatchInfo, ProcessingGuarantee, Record, SinkContext, SourceContext, SourceRecord } from '@pulsar-io/sdk'
import { createSinkContext, createSourceContext, records } from '@pulsar-io/testkit'
import { connectionSettings } from '../src/connection.ts'
import { Client } from '../src/driver/client.ts'
import { type SinkConfig, type SourceConfig, sinkOptions, sourceOptions } from '../src/options.ts'
import { KafkaSink } from '../src/sink.ts'
import { KafkaSource } from '../src/source.ts'

export const TOPIC = 'persistent://public/default/orders'

const sinkConfig = (raw: { readonly [field: string]: unknown } = {}): SinkConfig =>
  sinkOptions.parse({ bootstrapServers: 'localhost:9092', topic: 'out', ...raw })

const sourceConfig = (raw: { readonly [field: string]: unknown } = {}): SourceConfig =>
  sourceOptions.parse({
    bootstrapServers: 'localhost:9092',
    groupId: 'group',
    ...(raw.topicsPattern === undefined ? { topic: 'in' } : {}),
    ...raw,
  })

/** A name that no earlier run used: a server may outlive a run. */
export const unique = (of: string): string => `${of}-${randomBytes(6).toString('hex')}`

/** `host:port` of a service's address. */
export const serversOf = ({ url }: { readonly url: string }): string => new URL(url).host

const batchInfo = (overrides: Partial<BatchInfo> = {}): BatchInfo => ({
  checkpoint: [],
  signal: new AbortController().signal,
  ...overrides,
})

/** Records of one partition with these values. */
export function recordsOf(values: readonly unknown[], overrides: Partial<Record> = {}): Record[] {
  return records(values, { topic: TOPIC, ...overrides } as Partial<Record>)
}

export interface OpenSinkOptions {
  readonly guarantee?: ProcessingGuarantee
  readonly context?: Partial<SinkContext>
}

/** A sink that is connected to a real server. */
export async function openSink(
  raw: { readonly [field: string]: unknown },
  { guarantee, context: more }: OpenSinkOptions = {},
) {
  const sink = new KafkaSink()
  const { logger: _, ...overrides } = more ?? {}
  const context = createSinkContext({ inputTopics: [TOPIC], guarantee: guarantee ?? 'ATLEAST_ONCE', ...overrides })
  await sink.open(sinkConfig(raw), context).catch(async error => {
    await sink.close()
    throw error
  })
  const positionOf = (list: readonly Record[]) => {
    const last = list.at(-1)
    return last ? [{ topic: last.topic, partition: last.partition, position: last.position }] : []
  }
  return {
    sink,
    context,
    write: (list: readonly Record[]) =>
      sink.write(list, batchInfo({ checkpoint: guarantee === 'EFFECTIVELY_ONCE' ? positionOf(list) : [] })),
    committed: () => sink.committed(),
    close: () => sink.close(),
    [Symbol.asyncDispose]: () => sink.close(),
  }
}

/** A record in a topic. */
export interface Found {
  readonly key: string | undefined
  readonly value: string | null
  readonly headers: readonly (readonly [string, string])[]
  readonly partition: number
  readonly offset: bigint
  readonly timestamp: bigint
}

const bytesOf = (headers: { readonly [name: string]: string }): Map<Buffer, Buffer> =>
  new Map(Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)]))

/** A real server, seen by the bare driver. */
export class Cluster {
  readonly servers: string
  readonly #admin: Admin

  constructor(servers: string) {
    this.servers = servers
    this.#admin = new Admin({ clientId: 'test', bootstrapBrokers: [servers], retries: 5, retryDelay: 100 })
  }

  get admin(): Admin {
    return this.#admin
  }

  async create(topic: string, partitions = 1, configs: { readonly [name: string]: string } = {}): Promise<string> {
    await this.#admin.createTopics({
      topics: [topic],
      partitions,
      replicas: 1,
      configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
    })
    return topic
  }

  /** Records by the bare driver; a value of null is a tombstone. */
  async produce(
    topic: string,
    messages: readonly {
      readonly key?: string
      readonly value: string | Buffer | null
      readonly partition?: number
      readonly timestamp?: bigint
      readonly headers?: { readonly [name: string]: string }
    }[],
  ): Promise<void> {
    // Idempotent: a try that failed in part is repeated as a whole.
    const options = { clientId: 'test', bootstrapBrokers: [this.servers], retries: 50, retryDelay: 100 }
    const producer = new Producer({ ...options, idempotent: true })
    try {
      // A few at a time, so that a batch is not larger than the topic takes.
      for (let from = 0; from < messages.length; from += 1000)
        await producer.send({
          acks: -1,
          messages: messages.slice(from, from + 1000).map(({ key, value, headers, ...rest }) => ({
            topic,
            ...rest,
            ...(key === undefined ? {} : { key: Buffer.from(key) }),
            value: value === null ? (null as unknown as Buffer) : Buffer.from(value),
            ...(headers ? { headers: bytesOf(headers) } : {}),
          })),
        })
    } finally {
      await producer.close()
    }
  }

  /** What is in a topic now, partition by partition; with `committed`, without what was given up. */
  async read(topic: string, committed = true): Promise<Found[]> {
    const client = new Client(await connectionSettings(sinkConfig({ bootstrapServers: this.servers }), {}, 'test'))
    try {
      const info = (await client.refresh([topic], false)).topics.get(topic)
      const found: Found[] = []
      for (const [partition, leader] of (info?.leaders ?? []).entries()) {
        const connection = await client.connection(leader)
        const offset = async (isolation: number) => {
          const ask = {
            name: topic,
            partitions: [{ partitionIndex: partition, currentLeaderEpoch: -1, timestamp: -1n }],
          }
          const { topics } = await client.call(connection, 'ListOffsets', -1, isolation, [ask])
          return topics[0]?.partitions[0]?.offset ?? 0n
        }
        const end = await offset(0)
        // The end of a transaction is written a moment after it was confirmed.
        if (committed) await until(async () => (await offset(1)) >= end, 'the end of transactions')
        const aborted = new Set<bigint>()
        for (let next = 0n; next < end; ) {
          const at = {
            partition,
            currentLeaderEpoch: -1,
            fetchOffset: next,
            lastFetchedEpoch: -1,
            partitionMaxBytes: 1 << 24,
          }
          const wanted = [{ topicId: info?.id, partitions: [at] }]
          const answer = await client.call(
            connection,
            'Fetch',
            500,
            1,
            1 << 24,
            committed ? 1 : 0,
            0,
            -1,
            wanted,
            [],
            '',
          )
          const part = answer.responses[0]?.partitions[0]
          for (const batch of part?.records ?? []) {
            const last = batch.firstOffset + BigInt(batch.lastOffsetDelta)
            for (const { producerId, firstOffset } of part?.abortedTransactions ?? [])
              if (firstOffset <= last && firstOffset >= next) aborted.add(producerId)
            if (last < next) continue
            next = last + 1n
            if (batch.attributes & 32) aborted.delete(batch.producerId)
            else if (!(batch.attributes & 16 && aborted.has(batch.producerId)))
              for (const { key, value, headers, offsetDelta, timestampDelta } of batch.records)
                found.push({
                  key: key?.toString(),
                  value: value?.toString() ?? null,
                  headers: headers.map(([name, text]) => [String(name), String(text)] as const),
                  partition,
                  offset: batch.firstOffset + BigInt(offsetDelta),
                  timestamp: batch.firstTimestamp + timestampDelta,
                })
          }
        }
      }
      return found
    } finally {
      await client.close()
    }
  }

  async values(topic: string, committed = true): Promise<(string | null)[]> {
    return (await this.read(topic, committed)).map(({ value }) => value)
  }

  close(): Promise<void> {
    return this.#admin.close()
  }
}

/** The codes of outcomes, `undefined` where the record is written. */
export const codes = (outcomes: readonly (Error | undefined)[] | void): (string | undefined)[] =>
  (outcomes ?? []).map(outcome => (outcome as (Error & { code?: string }) | undefined)?.code)

/** What a promise is rejected with. */
export async function failure(promise: Promise<unknown>): Promise<Error & { code?: string; retry?: string }> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('expected a failure, but it succeeded')
}

/** A source that is connected to a real server, with a runtime around it that publishes into `published`. */
export async function openSource(
  raw: { readonly [field: string]: unknown },
  { context: more }: { readonly context?: Partial<SourceContext> } = {},
) {
  const source = new KafkaSource()
  const { logger: _, ...overrides } = more ?? {}
  const context = createSourceContext(overrides)
  const config = sourceConfig({ autoCommitIntervalMs: 100, ...raw })
  await source.open(config, context).catch(async error => {
    await source.close()
    throw error
  })
  const published: SourceRecord[] = []
  let open = true
  return {
    source,
    context,
    published,
    /** Reads until so many records have come in all, and publishes each. */
    async take(count: number, withinMs = 20_000): Promise<SourceRecord[]> {
      const deadline = setTimeout(() => context.stop(), withinMs)
      try {
        while (published.length < count && !context.signal.aborted) {
          const records = await source.read()
          for (const record of records) {
            published.push(record)
            record.ack?.()
          }
        }
      } finally {
        clearTimeout(deadline)
      }
      if (published.length < count) throw new Error(`${published.length} of ${count} records came in time`)
      return published
    },
    /** Reads and publishes until it is stopped. */
    async run(): Promise<void> {
      while (!context.signal.aborted) {
        for (const record of await source.read()) {
          published.push(record)
          record.ack?.()
        }
      }
    },
    async close(): Promise<void> {
      if (!open) return
      open = false
      context.stop()
      await source.close()
    },
    async [Symbol.asyncDispose]() {
      await this.close()
    },
  }
}

/** Values as text. */
export const texts = (list: readonly SourceRecord[]): (string | null)[] =>
  list.map(({ value }) => (value === null ? null : String(value)))

/** Waits until something holds. */
export async function until(holds: () => boolean | Promise<boolean>, what: string, withinMs = 20_000): Promise<void> {
  const deadline = Date.now() + withinMs
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`)
    await new Promise(done => setTimeout(done, 20))
  }
}

/** Where the server's listener for proxies is, and where it tells clients that it is. */
export async function proxiedListener(cluster: Cluster): Promise<{ readonly target: string; readonly port: number }> {
  const [found] = await cluster.admin.describeConfigs({
    resources: [{ resourceType: 4, resourceName: '1', configurationKeys: ['listeners', 'advertised.listeners'] }],
  } as never)
  const addressIn = (name: string): string => {
    const { configs } = found as unknown as {
      configs: readonly { readonly name: string; readonly value: string | null }[]
    }
    const value = configs.find(config => config.name === name)?.value ?? ''
    const listener = value.split(',').find(each => each.startsWith('PROXIED://'))
    if (listener === undefined) throw new Error(`the server has no listener for proxies: ${name}=${value}`)
    return listener.slice('PROXIED://'.length)
  }
  return { target: addressIn('listeners'), port: Number(addressIn('advertised.listeners').split(':').at(-1)) }
}
