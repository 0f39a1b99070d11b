import type { BatchInfo, Outcome, Record, SourceRecord } from '@pulsar-io/sdk'
import { createSinkContext, createSourceContext, records } from '@pulsar-io/testkit'
import type { AvailableService, DedicatedService } from '@pulsar-io/tooling/services'
import { type Channel, type ChannelModel, connect, type GetMessage } from 'amqplib'
import { sink as sinkDefinition } from '../src/sink.ts'
import { source as sourceDefinition } from '../src/source.ts'

export const TOPIC = 'persistent://public/default/orders'

/** What an operator writes. */
export type Raw = { readonly [option: string]: unknown }

/** Options that lead to a server. */
export function addressOf(server: AvailableService | DedicatedService, url = server.url): Raw {
  const { hostname, port } = new URL(url)
  return { host: hostname, port: Number(port), ...server.credentials }
}

let names = 0

/** A name that nobody used before. */
export const fresh = (label = 'q'): string => `${label}-${process.pid}-${Date.now().toString(36)}-${names++}`

/** Records of one partition. */
export function values(list: readonly unknown[], overrides: Partial<Record> = {}): Record[] {
  return records(list, { topic: TOPIC, ...overrides })
}

/** A sink that is connected to a real server. */
export async function openSink(raw: Raw, overrides: Parameters<typeof createSinkContext>[0] = {}) {
  const sink = sinkDefinition.create()
  const context = createSinkContext({ inputTopics: [TOPIC], ...overrides })
  await opened(sink, sink.open(checked(sinkDefinition, raw), context))
  const write = async (written: readonly Record[], info: Partial<BatchInfo> = {}): Promise<readonly Outcome[]> => {
    const outcomes = await (
      sink as { write(r: readonly Record[], b: BatchInfo): Promise<readonly Outcome[] | void> }
    ).write(written, { checkpoint: [], signal: context.signal, ...info })
    return outcomes ?? []
  }
  return { context, write, close: () => sink.close(), [Symbol.asyncDispose]: async () => sink.close() }
}

/** A source that is connected to a real server. */
export async function openSource(raw: Raw, overrides: Parameters<typeof createSourceContext>[0] = {}) {
  const source = sourceDefinition.create()
  const context = createSourceContext(overrides)
  await opened(
    source,
    source.open(checked(sourceDefinition, raw), context, async () => undefined),
  )
  const read = async (): Promise<readonly SourceRecord<Buffer>[]> => {
    const answer = await (source as { read(): Promise<unknown> }).read()
    return answer as readonly SourceRecord<Buffer>[]
  }
  const take = async (count: number): Promise<SourceRecord<Buffer>[]> => {
    const taken: SourceRecord<Buffer>[] = []
    while (taken.length < count) taken.push(...(await read()))
    return taken
  }
  const close = async (): Promise<void> => {
    context.stop()
    await source.close()
  }
  return { context, read, take, close, [Symbol.asyncDispose]: close }
}

function checked(definition: typeof sinkDefinition | typeof sourceDefinition, raw: Raw): unknown {
  const result = definition.parse(raw)
  if (!result.ok) throw new Error(JSON.stringify(result.problems))
  return result.config
}

async function opened(connector: { close(): void | Promise<void> }, opening: void | Promise<void>): Promise<void> {
  try {
    await opening
  } catch (error) {
    await connector.close()
    throw error
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

/** The client of a colleague of the connector: puts in and takes out what the tests want. */
export class Broker {
  readonly model: ChannelModel
  readonly channel: Channel

  private constructor(model: ChannelModel, channel: Channel) {
    this.model = model
    this.channel = channel
  }

  static async open(server: AvailableService | DedicatedService): Promise<Broker> {
    const { username = 'guest', password = 'guest' } = server.credentials ?? {}
    const { hostname, port } = new URL(server.url)
    const model = await connect({ hostname, port: Number(port), username, password })
    // A server that is restarted ends it, which the tests know.
    model.on('error', () => undefined)
    const channel = await model.createChannel()
    channel.on('error', () => undefined)
    return new Broker(model, channel)
  }

  /** Publishes to a queue and waits until the server has it. */
  async put(queue: string, bodies: readonly (string | Buffer)[], options: object = {}): Promise<void> {
    const channel = await this.model.createConfirmChannel()
    for (const body of bodies) channel.sendToQueue(queue, Buffer.from(body as string), { persistent: true, ...options })
    await channel.waitForConfirms()
    await channel.close()
  }

  /** Takes everything that is in a queue. */
  async drain(queue: string): Promise<GetMessage[]> {
    const taken: GetMessage[] = []
    for (;;) {
      const message = await this.channel.get(queue, { noAck: true })
      if (!message) return taken
      taken.push(message)
    }
  }

  async texts(queue: string): Promise<string[]> {
    return (await this.drain(queue)).map(({ content }) => content.toString())
  }

  /** Messages that wait in a queue, but for those that are out with a consumer. */
  async ready(queue: string): Promise<number> {
    return (await this.channel.checkQueue(queue)).messageCount
  }

  async close(): Promise<void> {
    await this.model.close().catch(() => undefined) // the server may have closed it
  }
}
