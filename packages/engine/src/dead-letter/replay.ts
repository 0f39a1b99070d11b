import type { Message, MessagingClient } from '@pulsar-io/messaging'
import { ConnectionError, formatPosition } from '@pulsar-io/sdk/core'
import { settlesWithin } from '../wait.ts'
import { deadLetterFacts, withoutDeadLetterProperties } from './format.ts'
import { belongsTo, type DeadLetterPlaces } from './list.ts'
import { type Addressed, TopicProducers } from './topic-producers.ts'
import { lookAtWaiting, NOT_IN_TIME, openWaiting, type Waiting } from './waiting.ts'

/** Letters that stay are told one by one up to here. */
const MAX_REFUSED = 20
/** Milliseconds that closing may take when the messaging system does not answer. */
const CLOSE_MS = 2_000

/** How to replay. */
export interface ReplayOptions {
  /** Letters at most. */
  readonly limit: number
  /** Letters of this time (milliseconds since 1970) or later are left: those that came of what was replayed before. */
  readonly before?: number | undefined
  /** Counts what would be published, and does nothing. */
  readonly dryRun: boolean
  /** Whether the connector reads a topic: a letter that names any other one stays, whoever wrote it. */
  readonly reads: (topic: string) => boolean
  /** No letter is begun any more. */
  readonly ending: AbortSignal
  /** Waiting for the messaging system ends with an error. */
  readonly signal: AbortSignal
}

/** What became of the letters. */
export interface Replayed {
  /** Published again and acknowledged, or what would be. */
  readonly replayed: number
  /** When it began, in milliseconds since 1970: `before` of what goes on with it. */
  readonly began: number
  /** Letters of the connector that cannot be replayed and stay. */
  readonly refused: number
  /** The first of them. */
  readonly reasons: readonly { readonly topic: string; readonly position: string; readonly reason: string }[]
}

/**
 * Publishes dead letters again to where they came from, each as it was, and acknowledges those whose publish was
 * confirmed. One that is interrupted repeats what was published and not acknowledged yet, 100 letters at most.
 *
 * @throws ConnectionError (`PIO_CONSUMER_BUSY`) while somebody else does, (`PIO_DEAD_LETTERS_LATE`) when the signal
 * aborts while the messaging system is waited for, and the messaging system's errors.
 */
export async function replayDeadLetters(
  client: MessagingClient,
  places: DeadLetterPlaces,
  options: ReplayOptions,
): Promise<Replayed> {
  const replay = new Replay(client, places, options)
  try {
    for (const topic of places.topics) await replay.topic(topic)
    return replay.result()
  } catch (error) {
    throw replay.failure(error)
  } finally {
    await replay.close()
  }
}

class Replay {
  readonly #client: MessagingClient
  readonly #connector: string
  readonly #options: ReplayOptions
  readonly #producers: TopicProducers
  readonly #reasons: Replayed['reasons'][number][] = []
  readonly #began = Date.now()
  #replayed = 0
  #refused = 0

  constructor(client: MessagingClient, { connector }: DeadLetterPlaces, options: ReplayOptions) {
    this.#client = client
    this.#connector = connector
    this.#options = options
    this.#producers = new TopicProducers(client)
  }

  async topic(topic: string): Promise<void> {
    const { ending, signal, dryRun } = this.#options
    if (ending.aborted || this.#left === 0) return
    const client = this.#client
    if (!(await client.topics.exists(topic))) return
    const waiting = await (dryRun ? lookAtWaiting(client, topic, signal) : openWaiting(client, topic, signal))
    try {
      await this.#letters(topic, waiting)
    } finally {
      await waiting.close()
    }
  }

  result(): Replayed {
    return { replayed: this.#replayed, began: this.#began, refused: this.#refused, reasons: this.#reasons }
  }

  async close(): Promise<void> {
    await settlesWithin(this.#producers.close(), CLOSE_MS)
  }

  get #left(): number {
    return this.#options.limit - this.#replayed
  }

  async #letters(topic: string, waiting: Waiting): Promise<void> {
    const { ending, dryRun } = this.#options
    while (this.#left > 0) {
      const messages = await waiting.next(ending)
      if (messages.length === 0) break
      const ours = messages.flatMap(message => this.#addressed(topic, message) ?? []).slice(0, this.#left)
      if (!dryRun && ours.length > 0) await this.#inTime(() => this.#send(waiting, ours))
      this.#replayed += ours.length
    }
  }

  async #send(waiting: Waiting, ours: readonly AddressedLetter[]): Promise<void> {
    await this.#producers.send(ours)
    await waiting.acknowledge(ours.map(({ letter }) => letter))
  }

  /** Undefined for a letter of another connector, and for one that cannot be sent. */
  #addressed(deadLetterTopic: string, letter: Message): AddressedLetter | undefined {
    const facts = deadLetterFacts(letter.properties)
    if (!belongsTo(facts, this.#connector)) return undefined
    if (letter.publishTime >= (this.#options.before ?? Number.POSITIVE_INFINITY)) return undefined
    const { topic } = facts
    if (topic !== undefined && this.#options.reads(topic)) {
      const { payload, key, keyIsBase64, orderingKey, eventTime, schema } = letter
      const properties = withoutDeadLetterProperties(letter.properties)
      return { topic, schema, message: { payload, key, keyIsBase64, orderingKey, eventTime, properties }, letter }
    }
    this.#refused += 1
    if (this.#reasons.length < MAX_REFUSED) {
      const reason = topic === undefined ? 'it does not say where it came from' : `the sink does not read ${topic}`
      this.#reasons.push({ topic: deadLetterTopic, position: formatPosition(letter.position), reason })
    }
    return undefined
  }

  /** A topic that takes nothing must not hold whoever asked for ever. */
  #inTime(work: () => Promise<void>): Promise<void> {
    const { signal } = this.#options
    return new Promise((resolve, reject) => {
      const late = () => reject(signal.reason)
      if (signal.aborted) return late()
      signal.addEventListener('abort', late, { once: true })
      work()
        .then(resolve, reject)
        .finally(() => signal.removeEventListener('abort', late))
    })
  }

  /** What an error means, and how far it got. */
  failure(error: unknown): unknown {
    if (!this.#options.signal.aborted) return error
    const message = `${NOT_IN_TIME}: ${this.#replayed} dead letters were replayed, the others wait on; the last ones may have been published, too, and come twice when they are replayed again`
    return new ConnectionError(message, { code: 'PIO_DEAD_LETTERS_LATE', cause: error })
  }
}

interface AddressedLetter extends Addressed {
  readonly letter: Message
}
