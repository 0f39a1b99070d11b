import { randomUUID } from 'node:crypto'
import { fullTopicName, parseTopicName } from '@pulsar-io/messaging'
import type { PulsarClient, PulsarOutgoingMessage, PulsarProducer, Transaction } from '@pulsar-io/messaging-pulsar'
import {
  ConnectionError,
  comparePositions,
  formatPosition,
  type Logger,
  type PartitionCheckpoint,
  type Position,
  parsePosition,
  type SinkContext,
} from '@pulsar-io/sdk'
import type { SinkConfig } from './sink-options.ts'
import { orAborted } from './wait.ts'

/** Keeps what it stands before from being deleted, without a policy of the namespace. */
const SUBSCRIPTION = 'positions'
/** Transactions after which what is older is let go. */
const TRIM_EVERY = 1_000
const MAX_READ = 1_000

/** What a message says: how far the target got, or nothing but that a new holder has come. */
interface Entry {
  readonly holder?: string
  readonly positions?: readonly { readonly topic: string; readonly partition: number; readonly position: string }[]
}

/** The topic of positions of a configuration: beside the target. */
function positionsTopicOf({ positionsTopic, topic }: SinkConfig, context: SinkContext): string {
  if (positionsTopic !== '') return fullTopicName(positionsTopic)
  const { tenant, namespace } = parseTopicName(topic.replaceAll('{topic}', 'topic'))
  return `persistent://${tenant}/${namespace}/${context.tenant}-${context.namespace}-${context.name}-positions`
}

/**
 * How far the target got, in a topic that one holder at a time can write. Each transaction puts its positions there, so
 * that none of an earlier holder can take effect once its writer is gone and what it left open is decided.
 */
export class Positions {
  readonly topic: string
  readonly #client: PulsarClient
  readonly #producer: PulsarProducer
  readonly #signal: AbortSignal
  readonly #logger: Logger
  readonly #all = new Map<string, PartitionCheckpoint>()
  #sinceTrim = 0

  private constructor(client: PulsarClient, producer: PulsarProducer, { signal, logger }: SinkContext) {
    this.topic = producer.topic
    this.#client = client
    this.#producer = producer
    this.#signal = signal
    this.#logger = logger
  }

  /** Takes the topic over: from then on nobody else can write it, and {@link all} stands still but for {@link note}. */
  static async takeOver(client: PulsarClient, config: SinkConfig, context: SinkContext): Promise<Positions> {
    const { signal } = context
    const topic = positionsTopicOf(config, context)
    await holdBack(client, topic, signal)
    const opening = client.createProducer({ topic, access: 'ExclusiveWithFencing', sendTimeoutMs: config.sendTimeout })
    const producer = await orAborted(opening, signal, late => late.close())
    const positions = new Positions(client, producer, context)
    await positions.#catchUp(config.transactionTimeout + config.operationTimeout)
    await positions.#trim()
    return positions
  }

  get all(): readonly PartitionCheckpoint[] {
    return [...this.#all.values()]
  }

  /** Puts positions into a transaction. Rejects with `PIO_PRODUCER_FENCED` when another holder has come. */
  async send(checkpoint: readonly PartitionCheckpoint[], transaction: Transaction): Promise<void> {
    await this.#producer.send([messageOf({ positions: checkpoint.map(written) })], transaction)
  }

  /** Notes what a transaction has committed; lets go what is older than all of it from time to time. */
  async note(checkpoint: readonly PartitionCheckpoint[]): Promise<void> {
    for (const each of checkpoint) this.#note(each)
    if (++this.#sinceTrim < TRIM_EVERY) return
    try {
      await this.#trim()
    } catch (error) {
      // The records are in. What is old stays until the next time; who has lost the topic hears of it with the next batch.
      this.#logger.warn(`${this.topic}: older positions could not be let go: ${(error as Error).message}`)
    }
  }

  #note(checkpoint: PartitionCheckpoint): void {
    const key = `${checkpoint.topic} ${checkpoint.partition}`
    const known = this.#all.get(key)
    if (!known || comparePositions(known.position, checkpoint.position) < 0) this.#all.set(key, checkpoint)
  }

  /**
   * Reads up to a message of our own. A reader gets no message behind one of an open transaction, so with it every
   * transaction of earlier holders is committed or aborted, at the latest by its timeout.
   */
  async #catchUp(withinMs: number): Promise<void> {
    const holder = randomUUID()
    await orAborted(this.#producer.send([messageOf({ holder })]), this.#signal)
    const opening = this.#client.createReader({ topic: this.topic, from: 'earliest' })
    const reader = await orAborted(opening, this.#signal, late => late.close())
    try {
      const until = performance.now() + withinMs
      for (;;) {
        const timeoutMs = Math.max(0, Math.ceil(until - performance.now()))
        const messages = await reader.read({ maxMessages: MAX_READ, timeoutMs, signal: this.#signal })
        if (messages.length === 0) throw undecided(this.topic, withinMs)
        for (const { payload } of messages) {
          const entry = JSON.parse(Buffer.from(payload ?? []).toString()) as Entry
          if (entry.holder === holder) return
          for (const { topic, partition, position } of entry.positions ?? [])
            this.#note({ topic, partition, position: parsePosition(position) })
        }
      }
    } finally {
      await reader.close()
    }
  }

  /** Says everything once more, and gives up what is older. */
  async #trim(): Promise<void> {
    this.#sinceTrim = 0
    const [position] = await orAborted(
      this.#producer.send([messageOf({ positions: this.all.map(written) })]),
      this.#signal,
    )
    if (position) await holdBack(this.#client, this.topic, this.#signal, position)
  }
}

/** Moves the subscription that keeps messages, or makes it. Nothing is read with it. */
async function holdBack(client: PulsarClient, topic: string, signal: AbortSignal, position?: Position): Promise<void> {
  const opening = client.subscribe({
    topics: [topic],
    subscription: SUBSCRIPTION,
    type: 'Shared',
    initialPosition: 'Earliest',
    receiverQueueMessages: 1,
  })
  const consumer = await orAborted(opening, signal, late => late.close())
  try {
    if (position) await orAborted(consumer.seek({ position }), signal)
  } finally {
    await consumer.close()
  }
}

function messageOf(entry: Entry): PulsarOutgoingMessage {
  return { payload: Buffer.from(JSON.stringify(entry)) }
}

function written({ topic, partition, position }: PartitionCheckpoint) {
  return { topic, partition, position: formatPosition(position) }
}

function undecided(topic: string, ms: number): ConnectionError {
  return new ConnectionError(
    `what earlier transactions left in ${topic} was not decided within ${ms} ms; the transaction coordinator of the cluster decides it, by transactionTimeout at the latest`,
    { code: 'PIO_PULSAR_TIMEOUT' },
  )
}
