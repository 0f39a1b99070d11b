import { formatPosition } from '@pulsar-io/sdk/core'
import type { ClientContext } from '../context.ts'
import { openProducer } from '../producer/open-producer.ts'
import type { PulsarOutgoingMessage } from '../producer/outgoing.ts'
import type { PulsarProducer } from '../producer/producer.ts'
import type { PulsarMessage } from './message.ts'
import type { DeadLetterPolicy } from './options.ts'

/** What a consumer does with messages that it is handed too often. */
export interface DeadLetterActions {
  acknowledge(messages: readonly PulsarMessage[]): Promise<void>
  refuse(messages: readonly PulsarMessage[]): void
  report(error: unknown): void
}

/** Publishes messages that were handed out too often to a topic of dead letters, as Java's clients do. */
export class DeadLetters {
  private readonly context: ClientContext
  private readonly policy: DeadLetterPolicy
  private readonly subscription: string
  private readonly producers = new Map<string, Promise<PulsarProducer>>()

  constructor(context: ClientContext, policy: DeadLetterPolicy, subscription: string) {
    this.context = context
    this.policy = policy
    this.subscription = subscription
  }

  /**
   * The messages that may still be handed out. The others are acknowledged once they are published; where that fails they
   * are refused, so that they come again.
   */
  async sift(messages: readonly PulsarMessage[], actions: DeadLetterActions): Promise<readonly PulsarMessage[]> {
    const { maxRedeliverCount } = this.policy
    const spent = messages.filter(({ redeliveryCount }) => redeliveryCount >= maxRedeliverCount)
    if (spent.length === 0) return messages
    for (const [topic, own] of Map.groupBy(spent, message => message.topic)) {
      try {
        await (await this.producer(topic)).send(own.map(deadLetter(this.subscription)))
        await actions.acknowledge(own)
      } catch (error) {
        actions.report(error)
        actions.refuse(own)
      }
    }
    return messages.filter(({ redeliveryCount }) => redeliveryCount < maxRedeliverCount)
  }

  async close(): Promise<void> {
    const producers = await Promise.allSettled(this.producers.values())
    await Promise.all(producers.map(each => (each.status === 'fulfilled' ? each.value.close() : undefined)))
  }

  private producer(topic: string): Promise<PulsarProducer> {
    const { policy, subscription } = this
    const known = this.producers.get(topic)
    if (known) return known
    const made = openProducer(
      this.context,
      { topic: policy.topic ?? `${topic}-${subscription}-DLQ`, initialSubscription: policy.initialSubscription },
      {},
      () => undefined,
    )
    this.producers.set(topic, made)
    // A failed one is made anew for the next message; who awaits it sees the error.
    made.catch(() => this.producers.delete(topic))
    return made
  }
}

/** With the properties that Java's clients give. */
function deadLetter(subscription: string): (message: PulsarMessage) => PulsarOutgoingMessage {
  return message => ({
    payload: message.payload,
    key: message.key,
    keyIsBase64: message.keyIsBase64,
    orderingKey: message.orderingKey,
    eventTime: message.eventTime,
    properties: {
      ...message.properties,
      REAL_TOPIC: message.topic,
      REAL_SUBSCRIPTION: subscription,
      ORIGIN_MESSAGE_ID: formatPosition(message.position),
    },
  })
}
