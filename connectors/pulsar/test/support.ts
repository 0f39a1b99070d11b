import type { Reader } from '@pulsar-io/messaging'
import { openPulsar, type PulsarClient } from '@pulsar-io/messaging-pulsar'
import type { BatchInfo, Outcome, Record, SourceRecord } from '@pulsar-io/sdk'
import { createSinkContext, createSourceContext } from '@pulsar-io/testkit'
import type { AvailableService } from '@pulsar-io/tooling/services'
import type { Connect } from '../src/client.ts'
import { PulsarSink, sink as sinkDefinition } from '../src/sink.ts'
import { PulsarSource, source as sourceDefinition } from '../src/source.ts'

/** What an operator writes. */
export type Raw = { readonly [option: string]: unknown }

/** Options that lead to a cluster. */
export function addressOf({ url, adminUrl = '' }: AvailableService, through = url): Raw {
  return { serviceUrl: through, adminUrl, operationTimeout: '3s' }
}

/** A client of a colleague of the connector. */
export function colleague({ url, adminUrl = '' }: AvailableService): Promise<PulsarClient> {
  return openPulsar({ serviceUrl: url, adminUrl })
}

/** Connects to brokers by the address of the service: theirs is not that of a proxy in front of them. */
const throughProxy: Connect = options => openPulsar({ ...options, mapAddress: () => new URL(options.serviceUrl).host })

/** The connectors as they are, but for what their connections go through. */
export const proxied = {
  sink: { ...sinkDefinition, create: () => new PulsarSink(throughProxy) },
  source: { ...sourceDefinition, create: () => new PulsarSource(throughProxy) },
}

const END = 'end-of-reading'

/** Everything that a topic without partitions holds now, in its order; waits for transactions that are under way. */
export async function readAll(client: PulsarClient, topic: string) {
  const producer = await client.createProducer({ topic, routing: 'Single' })
  await producer.send([{ payload: null, properties: { [END]: producer.name } }])
  const reader: Reader = await client.createReader({ topic, from: 'earliest' })
  try {
    const found = []
    for (;;) {
      const messages = await reader.read({ maxMessages: 1000, timeoutMs: 15_000 })
      if (messages.length === 0) throw new Error(`the end of ${topic} does not come`)
      for (const { payload, key, properties, eventTime, partition } of messages) {
        if (properties[END] === producer.name) return found
        if (END in properties) continue
        const text = payload === null ? null : Buffer.from(payload).toString()
        found.push({ text, key, properties, eventTime, partition })
      }
    }
  } finally {
    await reader.close()
    await producer.close()
  }
}

/** Everything that the partitions of a topic hold now. */
export async function readPartitions(client: PulsarClient, topic: string, partitions: number) {
  const each = await Promise.all(
    Array.from({ length: partitions }, async (_, i) => {
      const found = await readAll(client, `${topic}-partition-${i}`)
      return found.map(one => ({ ...one, partition: i }))
    }),
  )
  return each.flat()
}

/** A sink that is connected to a real cluster. */
export async function openSink(raw: Raw, overrides: Parameters<typeof createSinkContext>[0] = {}) {
  const sink = new PulsarSink()
  const context = createSinkContext({ inputTopics: [], ...overrides })
  await opened(sink, sink.open(checked(sinkDefinition, raw) as never, context))
  const write = async (records: readonly Record[], info: Partial<BatchInfo> = {}): Promise<readonly Outcome[]> =>
    (await sink.write(records, { checkpoint: [], signal: context.signal, ...info })) ?? []
  return {
    context,
    write,
    committed: () => sink.committed(),
    close: () => sink.close(),
    [Symbol.asyncDispose]: () => sink.close(),
  }
}

/** A source that is connected to a real cluster. */
export async function openSource(raw: Raw, overrides: Parameters<typeof createSourceContext>[0] = {}) {
  const source = new PulsarSource()
  const context = createSourceContext(overrides)
  await opened(source, source.open(checked(sourceDefinition, raw) as never, context))
  const take = async (count: number): Promise<SourceRecord[]> => {
    const taken: SourceRecord[] = []
    while (taken.length < count) taken.push(...(await source.read()))
    return taken
  }
  const close = async (): Promise<void> => {
    context.stop()
    await source.close()
  }
  return { context, read: () => source.read(), take, close, [Symbol.asyncDispose]: close }
}

/** The configuration that the runtime would hand over. */
export function checked(definition: typeof sinkDefinition | typeof sourceDefinition, raw: Raw): unknown {
  const result = definition.parse(raw)
  if (!result.ok) throw new Error(JSON.stringify(result.problems))
  return result.config
}

async function opened(connector: { close(): Promise<void> }, opening: Promise<void>): Promise<void> {
  try {
    await opening
  } catch (error) {
    await connector.close()
    throw error
  }
}

/** What a promise is rejected with. */
export async function failure(promise: Promise<unknown>): Promise<Error & { code?: string; retry?: string }> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('expected a failure, but it succeeded')
}
