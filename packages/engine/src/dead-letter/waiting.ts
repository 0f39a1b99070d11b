import type { Consumer, Message, MessagingClient } from '@pulsar-io/messaging'
import { ConnectionError, isConnectorError } from '@pulsar-io/sdk/core'
import { settlesWithin, sleep } from '../wait.ts'

/**
 * The subscription of every dead letter topic that says which of its letters still wait. All connectors whose letters
 * are in a topic share it, and each acknowledges its own: what one replays is not lost for another.
 */
const REPLAY_SUBSCRIPTION = 'pulsar-io-replay'
/** Letters of a topic that are looked at in one go at most, those of other connectors included. */
export const MAX_SEEN = 10_000
const BATCH = 100
const BATCH_BYTES = 4 * 1024 * 1024
/** Milliseconds without a letter where more were counted: some systems count entries, which hold one letter or several. */
const SILENCE_MS = 2_000
/** Milliseconds that another look or replay may hold the topic before it is told. */
const BUSY_MS = 5_000
const BUSY_AGAIN_MS = 100
/** Milliseconds that closing may take when the messaging system does not answer. */
const CLOSE_MS = 2_000

/** How an error begins that tells of a signal. */
export const NOT_IN_TIME = 'the messaging system did not answer in time'

/** What waits in a dead letter topic. */
export interface Waiting {
  /** The next of them in their order; empty at the end, when the signal aborts, and behind {@link MAX_SEEN}. */
  next(signal: AbortSignal): Promise<readonly Message[]>
  /** Resolves when none of them waits any more. */
  acknowledge(messages: readonly Message[]): Promise<void>
  /** What is not acknowledged goes on waiting. */
  close(): Promise<void>
}

/**
 * Opens what waits in a topic that is there, to replay it. From now on the topic keeps what is not replayed.
 *
 * @throws ConnectionError (`PIO_CONSUMER_BUSY`) while somebody else looks at or replays the letters of the topic.
 */
export function openWaiting(client: MessagingClient, topic: string, signal: AbortSignal): Promise<Waiting> {
  // What comes in meanwhile, perhaps because a replayed record was refused again, is for another time.
  return consuming(client, topic, signal, false)
}

async function consuming(
  client: MessagingClient,
  topic: string,
  signal: AbortSignal,
  beyondCount: boolean,
): Promise<Waiting> {
  const consumer = await subscribe(client, topic, signal)
  let count: number
  try {
    count = await consumer.backlog()
  } catch (error) {
    await closed(consumer)
    throw error
  }
  let seen = 0
  return {
    next: async ending => {
      const expected = count - seen
      const most = Math.min(BATCH, MAX_SEEN - seen, beyondCount ? BATCH : expected)
      if (most <= 0 || ending.aborted) return []
      const messages = await consumer.receive({
        maxMessages: most,
        maxBytes: BATCH_BYTES,
        timeoutMs: expected > 0 ? SILENCE_MS : 0,
        signal: ending,
      })
      seen += messages.length
      return messages
    },
    acknowledge: messages => consumer.acknowledge(messages),
    close: () => closed(consumer),
  }
}

/** Opens what waits in a topic that is there, to look at it only. Throws as {@link openWaiting}. */
export async function lookAtWaiting(client: MessagingClient, topic: string, signal: AbortSignal): Promise<Waiting> {
  const { subscriptions } = await client.topics.stats(topic)
  // Which letters have been replayed only the subscription knows; where there is none, none has, and none is made.
  if (subscriptions.some(({ name }) => name === REPLAY_SUBSCRIPTION)) return consuming(client, topic, signal, true)
  const reader = await client.createReader({ topic })
  let seen = 0
  return {
    next: async ending => {
      if (seen >= MAX_SEEN || ending.aborted || !(await reader.hasNext())) return []
      const messages = await reader.read({
        maxMessages: Math.min(BATCH, MAX_SEEN - seen),
        maxBytes: BATCH_BYTES,
        timeoutMs: SILENCE_MS,
        signal: ending,
      })
      seen += messages.length
      return messages
    },
    acknowledge: async () => {
      throw new Error('a look acknowledges nothing')
    },
    close: () => closed(reader),
  }
}

async function subscribe(client: MessagingClient, topic: string, signal: AbortSignal): Promise<Consumer> {
  const deadline = performance.now() + BUSY_MS
  for (;;) {
    try {
      // Exclusive: two replays at once would publish the same letters twice.
      return await client.subscribe({
        topics: [topic],
        subscription: REPLAY_SUBSCRIPTION,
        type: 'Exclusive',
        initialPosition: 'Earliest',
        maxUnsettled: MAX_SEEN + BATCH,
        signal,
      })
    } catch (error) {
      if (!isConnectorError(error) || error.code !== 'PIO_CONSUMER_BUSY') throw error
      if (signal.aborted || performance.now() > deadline) throw busy(topic, error)
      await sleep(BUSY_AGAIN_MS, signal)
    }
  }
}

function busy(topic: string, cause: Error): ConnectionError {
  const message = `somebody else looks at or replays the dead letters of ${topic}; try again when they are done`
  return new ConnectionError(message, { code: 'PIO_CONSUMER_BUSY', cause })
}

async function closed(open: { close(): Promise<void> }): Promise<void> {
  // Whoever asked has the letters, or an error that says more than one of closing.
  await settlesWithin(open.close(), CLOSE_MS)
}
