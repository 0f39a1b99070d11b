import type { PulsarClient } from '@pulsar-io/messaging-pulsar'
import type { BatchInfo, Outcome, Record, SinkContext } from '@pulsar-io/sdk'
import { SharedProducers } from './shared-producers.ts'
import type { SinkConfig } from './sink-options.ts'
import type { TopicTemplate } from './topic-template.ts'
import { orAborted } from './wait.ts'
import { allSettled, byTarget, encode, type Writer } from './writer.ts'

/** Publishes without numbers: what comes again is published again. */
export class PlainWriter implements Writer {
  readonly #producers: SharedProducers
  readonly #targets: TopicTemplate

  constructor(client: PulsarClient, config: SinkConfig, context: SinkContext, targets: TopicTemplate) {
    this.#producers = new SharedProducers(client, config, context)
    this.#targets = targets
  }

  async prepare(target: string): Promise<void> {
    await this.#producers.get(target)
  }

  async write(records: readonly Record[], { signal }: BatchInfo): Promise<readonly Outcome[] | void> {
    const encoded = encode(records, () => undefined)
    const groups = [...byTarget(encoded, this.#targets)]
    const sending = groups.map(async ([target, messages]) => (await this.#producers.get(target)).send(messages))
    await orAborted(allSettled(sending), signal)
    return encoded.outcomes
  }

  close(): void {
    // Producers are closed with the client.
  }
}
