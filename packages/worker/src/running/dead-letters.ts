import {
  defaultDeadLetterTopic,
  listDeadLetters,
  type Replayed,
  replayDeadLetters,
  type SinkConfig,
  type SourceConfig,
  type WaitingLetters,
} from '@pulsar-io/engine'
import { fullTopicName, type MessagingClient } from '@pulsar-io/messaging'
import { isConnectorError } from '@pulsar-io/sdk'
import * as z from 'zod'
import { fqnText } from '../kinds.ts'
import { ReplyError } from '../reply-error.ts'
import type { ConnectorRecord } from '../store/record.ts'
import { inputTopics, subscriptionOf } from './subscription.ts'

/** Milliseconds after which a request begins no more letters, and after which it does not wait for any either. */
const ENDING_MS = 10_000
const SIGNAL_MS = 30_000

const limit = z.coerce.number().int().min(1)
const flag = (description: string) =>
  z
    .stringbool()
    .default(false)
    .meta({ description, enum: ['true', 'false'] })

/** What `dead-letters` takes. */
export const deadLettersQuery = z.object({
  limit: limit.max(1_000).default(100).meta({ description: 'Letters at most; the oldest' }),
  showValues: flag('Show the beginning of keys and values'),
})

/** What `dead-letters/replay` takes. */
export const replayQuery = z.object({
  limit: limit.max(10_000).default(1_000).meta({ description: 'Letters at most; the oldest' }),
  before: z.coerce
    .number()
    .min(0)
    .optional()
    .meta({ description: 'Leave letters of this time (milliseconds since 1970) or later' }),
  dryRun: flag('Count what would be replayed, and do nothing'),
})

const text = (description: string) => z.string().optional().meta({ description })

/** The letters of a connector that wait. */
export const deadLettersAnswer = z.object({
  letters: z.array(
    z.looseObject({
      deadLetterTopic: z.string(),
      letterPosition: z.string().meta({ description: 'In the dead letter topic' }),
      topic: text('Where the record was'),
      position: text('Its position there'),
      code: text('Error code'),
      reason: text('What was wrong'),
      time: z.number().meta({ description: 'Milliseconds since 1970' }),
    }),
  ),
  more: z.boolean().meta({ description: 'There are more, or may be' }),
})

/** What became of the letters. */
export const replayAnswer = z.object({
  replayed: z.int().meta({ description: 'Published again and acknowledged; with dryRun: what would be' }),
  began: z.number().meta({ description: 'When, in milliseconds since 1970: before of a request that goes on with it' }),
  refused: z.int().meta({ description: 'Letters that cannot be replayed and stay' }),
  reasons: z.array(z.object({ topic: z.string(), position: z.string(), reason: z.string() })),
})

/** Looks at the dead letters of connectors, and replays them. */
export class DeadLetterService {
  readonly #client: MessagingClient
  readonly #stopping: AbortSignal

  constructor(client: MessagingClient, stopping: AbortSignal) {
    this.#client = client
    this.#stopping = stopping
  }

  /** Throws a ReplyError (409) while they are replayed. */
  list(record: ConnectorRecord, query: z.output<typeof deadLettersQuery>): Promise<WaitingLetters> {
    return refusingBusy(async () => {
      const topics = await this.#topics(record, await this.#inputs(record))
      const { signal } = this.#signals()
      return listDeadLetters(this.#client, { connector: fqnText(record), topics }, { ...query, signal })
    })
  }

  /** Throws a ReplyError: 400 for a source, 409 while somebody else replays or looks. */
  replay(record: ConnectorRecord, query: z.output<typeof replayQuery>): Promise<Replayed> {
    if (record.kind === 'source') {
      const reason = `the dead letters of a source are what its transforms could not handle: published again they would pass them by. Correct the transforms, and have ${record.name} read the records anew`
      throw new ReplyError(400, reason)
    }
    return refusingBusy(async () => {
      const inputs = await this.#inputs(record)
      const read = new Set(inputs)
      const options = { ...query, ...this.#signals(), reads: (topic: string) => read.has(topic) }
      const places = { connector: fqnText(record), topics: await this.#topics(record, inputs) }
      return replayDeadLetters(this.#client, places, options)
    })
  }

  async #inputs(record: ConnectorRecord): Promise<readonly string[]> {
    return record.kind === 'sink' ? inputTopics(this.#client, record.config) : []
  }

  async #topics(record: ConnectorRecord, inputs: readonly string[]): Promise<readonly string[]> {
    if (record.kind === 'source') {
      const { topicName }: SourceConfig = record.config
      return topicName === undefined ? [] : [defaultDeadLetterTopic(topicName, fqnText(record))]
    }
    const { deadLetterTopic }: SinkConfig = record.config
    if (deadLetterTopic !== undefined) return [fullTopicName(deadLetterTopic)]
    return inputs.map(topic => defaultDeadLetterTopic(topic, subscriptionOf(record)))
  }

  #signals(): { readonly ending: AbortSignal; readonly signal: AbortSignal } {
    return {
      ending: AbortSignal.any([this.#stopping, AbortSignal.timeout(ENDING_MS)]),
      signal: AbortSignal.timeout(SIGNAL_MS),
    }
  }
}

async function refusingBusy<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isConnectorError(error) || error.code !== 'PIO_CONSUMER_BUSY') throw error
    throw new ReplyError(409, error.message, { cause: error })
  }
}
