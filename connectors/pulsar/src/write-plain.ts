import type { PulsarClient, PulsarOutgoingMessage, PulsarProducer } from '@pulsar-io/messaging-pulsar'
import type { Outcome, Record, SinkContext } from '@pulsar-io/sdk'
import { openProducer } from './producers.ts'
import type { SinkConfig } from './sink-options.ts'
import type { TopicTemplate } from './topic-template.ts'
import { orAborted } from './wait.ts'
import { encode, type Writer } from './writer.ts'

/** Publishes without numbers: what comes again is published again. */
export class PlainWriter implements Writer {
  readonly #client: PulsarClient
  readonly #config: SinkConfig
  readonly #context: SinkContext
  readonly #targets: TopicTemplate
  readonly #producers = new Map<string, Promise<PulsarProducer>>()

  constructor(client: PulsarClient, config: SinkConfig, context: SinkContext, targets: TopicTemplate) {
    this.#client = client
    this.#config = config
    this.#context = context
    this.#targets = targets
  }

  async prepare(target: string): Promise<void> {
    await this.#producer(target)
  }

  async write(records: readonly Record[], signal: AbortSignal): Promise<readonly Outcome[] | void> {
    const { messages, outcomes } = encode(records, () => undefined)
    const groups = new Map<string, PulsarOutgoingMessage[]>()
    for (const { record, message } of messages) {
      const target = this.#targets.targetOf(record.topic)
      const group = groups.get(target)
      if (group) group.push(message)
      else groups.set(target, [message])
    }
    const sending = [...groups].map(async ([target, group]) => (await this.#producer(target)).send(group))
    await orAborted(allSettled(sending), signal)
    return outcomes
  }

  close(): void {
    this.#producers.clear()
  }

  #producer(target: string): Promise<PulsarProducer> {
    let producer = this.#producers.get(target)
    if (producer) return producer
    const { producerName } = this.#config
    producer = openProducer(this.#client, this.#config, this.#context, {
      topic: target,
      // Two producers of one name exclude each other.
      ...(producerName === '' ? {} : { name: `${producerName}-${this.#context.instanceId}` }),
    })
    this.#producers.set(target, producer)
    // A failed one is made anew at the next try; who awaits it sees the error.
    producer.catch(() => this.#producers.delete(target))
    return producer
  }
}

/** Waits for all of them, so that nothing is on its way when one has failed; rejects with the first error. */
export async function allSettled(promises: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(promises)) if (result.status === 'rejected') throw result.reason
}
