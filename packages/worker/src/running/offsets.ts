import type { KeyValueStore, MessagingClient, SeekTarget } from '@pulsar-io/messaging'
import { formatPosition, isConnectorError, parseJson, parsePosition, stringifyJson } from '@pulsar-io/sdk'
import * as z from 'zod'
import { fqnText } from '../kinds.ts'
import { ReplyError } from '../reply-error.ts'
import type { ConnectorRecord } from '../store/record.ts'
import { inputTopics, subscriptionOf } from './subscription.ts'

/** Where the engine keeps how far a source got. */
const CHECKPOINT = 'offset/'

/** How far a connector got. */
export const offsetsAnswer = z.union([
  z.object({
    subscription: z.string(),
    topics: z.array(
      z.object({
        topic: z.string(),
        backlog: z.int().meta({ description: 'Messages that are not acknowledged' }),
        acknowledged: z.string().nullable().meta({ description: 'Everything up to this position is' }),
        last: z.string().nullable().meta({ description: 'Position of the last message' }),
      }),
    ),
  }),
  z.object({ partitions: z.record(z.string(), z.unknown()).meta({ description: 'Partition of the source → offset' }) }),
])

/** Where a stopped connector is to go on. */
export const offsetsGiven = z.union([
  z.strictObject({
    to: z.union([z.string(), z.number()]).meta({
      description: 'Sinks: earliest, latest, a time (ISO 8601, or milliseconds since 1970), or ledger:entry[:batch]',
    }),
    topic: z.string().optional().meta({ description: 'One topic of several' }),
  }),
  z.strictObject({
    partitions: z
      .record(z.string(), z.record(z.string(), z.unknown()))
      .meta({ description: 'Sources: all there are from now on' }),
  }),
])

/** Looks at how far connectors got, and moves them. */
export class Offsets {
  readonly #client: MessagingClient

  constructor(client: MessagingClient) {
    this.#client = client
  }

  async read(record: ConnectorRecord): Promise<z.output<typeof offsetsAnswer>> {
    if (record.kind === 'source') return { partitions: await this.#withStore(record, checkpoints) }
    const subscription = subscriptionOf(record)
    const topics = await Promise.all(
      (await inputTopics(this.#client, record.config)).map(async topic => {
        const stats = (await this.#client.topics.exists(topic)) ? await this.#client.topics.stats(topic) : undefined
        const found = stats?.subscriptions.find(({ name }) => name === subscription)
        return {
          topic,
          backlog: found?.backlog ?? 0,
          acknowledged: found?.markDelete === undefined ? null : formatPosition(found.markDelete),
          last: stats?.last === undefined ? null : formatPosition(stats.last),
        }
      }),
    )
    return { subscription, topics }
  }

  /** Moves a connector that nobody runs. Throws a ReplyError (400, 409). */
  async move(record: ConnectorRecord, given: unknown): Promise<void> {
    const parsed = offsetsGiven.safeParse(given)
    if (!parsed.success) throw new ReplyError(400, `the body must be ${BODY[record.kind]}`)
    const { data } = parsed
    if (record.kind === 'source' && 'partitions' in data) {
      return this.#withStore(record, store => replaceCheckpoints(store, data.partitions))
    }
    if (record.kind === 'sink' && 'to' in data) return this.#seek(record, seekTarget(data.to), data.topic)
    throw new ReplyError(400, `the body must be ${BODY[record.kind]}`)
  }

  /** Back to where a new connector of this configuration would begin. */
  async reset(record: ConnectorRecord): Promise<void> {
    if (record.kind === 'source') return this.#withStore(record, store => replaceCheckpoints(store, {}))
    const { sourceSubscriptionPosition } = record.config as { readonly sourceSubscriptionPosition?: string }
    return this.#seek(record, sourceSubscriptionPosition === 'Earliest' ? 'earliest' : 'latest', undefined)
  }

  /** The subscription itself moves: deleting it and making it anew could lose what only it kept. */
  async #seek(record: ConnectorRecord, to: SeekTarget, only: string | undefined): Promise<void> {
    const topics = await inputTopics(this.#client, record.config)
    const chosen = only === undefined ? topics : topics.filter(topic => topic === only || topic.endsWith(`/${only}`))
    if (chosen.length === 0) throw new ReplyError(400, `topic: the sink reads ${topics.join(', ')}, not ${only}`)
    const subscription = subscriptionOf(record)
    for (const topic of chosen) {
      try {
        // Exclusive: an instance that is still stopping has to be gone.
        const consumer = await this.#client.subscribe({
          topics: [topic],
          subscription,
          type: 'Exclusive',
          initialPosition: 'Earliest',
        })
        await consumer.seek(to, topic).finally(() => consumer.close())
      } catch (error) {
        if (!isConnectorError(error) || error.code !== 'PIO_CONSUMER_BUSY') throw error
        throw new ReplyError(
          409,
          `${subscription} of ${topic} is still in use; try again when all instances have stopped`,
          { cause: error },
        )
      }
    }
  }

  async #withStore<T>(record: ConnectorRecord, use: (store: KeyValueStore) => Promise<T>): Promise<T> {
    const store = await this.#client.openStore(fqnText(record))
    try {
      return await use(store)
    } finally {
      await store.close()
    }
  }
}

const BODY = {
  sink: '{"to": "earliest", "latest", a time, or "ledger:entry"}, and "topic" for one of several',
  source: '{"partitions": {"<partition>": {…}}}',
} as const

async function checkpoints(store: KeyValueStore): Promise<{ readonly [partition: string]: unknown }> {
  const entries = await store.entries(CHECKPOINT)
  return Object.fromEntries(
    entries.map(([key, value]) => [key.slice(CHECKPOINT.length), parseJson(Buffer.from(value).toString())]),
  )
}

async function replaceCheckpoints(
  store: KeyValueStore,
  wanted: { readonly [partition: string]: unknown },
): Promise<void> {
  for (const [key] of await store.entries(CHECKPOINT)) {
    if (!Object.hasOwn(wanted, key.slice(CHECKPOINT.length))) await store.delete(key)
  }
  const pairs = Object.entries(wanted).map(
    ([id, offset]) => [CHECKPOINT + id, Buffer.from(stringifyJson(offset))] as const,
  )
  if (pairs.length > 0) await store.putAll(pairs)
}

function seekTarget(to: string | number): SeekTarget {
  if (typeof to === 'number') return { time: to }
  const text = to.toLowerCase()
  if (text === 'earliest' || text === 'latest') return text
  if (/^\d+:\d+(:-?\d+)?$/.test(to)) return { position: parsePosition(to) }
  const time = Date.parse(to)
  if (!Number.isNaN(time)) return { time }
  throw new ReplyError(
    400,
    `to: must be earliest, latest, a time such as 2026-01-31T12:00:00Z, or ledger:entry, got ${JSON.stringify(to)}`,
  )
}
