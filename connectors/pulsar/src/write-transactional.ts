import type { PulsarClient, Transaction } from '@pulsar-io/messaging-pulsar'
import {
  type BatchInfo,
  ConnectionError,
  isConnectorError,
  type Outcome,
  type PartitionCheckpoint,
  type Record,
  type SinkContext,
} from '@pulsar-io/sdk'
import { Positions } from './positions.ts'
import { SharedProducers } from './shared-producers.ts'
import type { SinkConfig } from './sink-options.ts'
import type { TopicTemplate } from './topic-template.ts'
import { orAborted } from './wait.ts'
import { allSettled, byTarget, type Encoded, encode, type Writer } from './writer.ts'

/** Publishes each batch, and how far it goes, in one transaction of the target's cluster. */
export class TransactionalWriter implements Writer {
  readonly #client: PulsarClient
  readonly #config: SinkConfig
  readonly #context: SinkContext
  readonly #targets: TopicTemplate
  readonly #producers: SharedProducers
  readonly #positions: Positions
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(
    client: PulsarClient,
    config: SinkConfig,
    context: SinkContext,
    targets: TopicTemplate,
    positions: Positions,
  ) {
    this.#client = client
    this.#config = config
    this.#context = context
    this.#targets = targets
    this.#producers = new SharedProducers(client, config, context)
    this.#positions = positions
  }

  /** Rejects with `PIO_PULSAR_TRANSACTIONS` where the cluster has none. */
  static async open(
    client: PulsarClient,
    config: SinkConfig,
    context: SinkContext,
    targets: TopicTemplate,
  ): Promise<TransactionalWriter> {
    const probe = await orAborted(client.beginTransaction(config.transactionTimeout), context.signal)
    await orAborted(probe.abort(), context.signal)
    const positions = await Positions.takeOver(client, config, context)
    return new TransactionalWriter(client, config, context, targets, positions)
  }

  async prepare(target: string): Promise<void> {
    await this.#producers.get(target)
  }

  committed(): readonly PartitionCheckpoint[] {
    return this.#positions.all
  }

  /** One transaction after the other: the positions of a later one must not be in without those before. */
  write(records: readonly Record[], batch: BatchInfo): Promise<readonly Outcome[] | void> {
    const writing = this.#turn.then(() => this.#write(records, batch))
    // Who asked hears of the failure; the next in turn has nothing to do with it.
    this.#turn = writing.catch(() => undefined)
    return writing
  }

  close(): void {
    // Producers are closed with the client.
  }

  async #write(records: readonly Record[], { checkpoint, signal }: BatchInfo): Promise<readonly Outcome[] | void> {
    const encoded = encode(records, () => undefined)
    // All or nothing: what is wrong is named first, and the rest comes again without it.
    if (encoded.outcomes) return encoded.outcomes
    const transaction = await orAborted(this.#client.beginTransaction(this.#config.transactionTimeout), signal)
    try {
      await orAborted(this.#send(encoded, checkpoint, transaction), signal)
    } catch (error) {
      await this.#abort(transaction, signal)
      throw error
    }
    try {
      await orAborted(transaction.commit(), signal)
    } catch (error) {
      throw unknownOutcome(error)
    }
    await this.#positions.note(checkpoint)
    return undefined
  }

  async #send(encoded: Encoded, checkpoint: readonly PartitionCheckpoint[], transaction: Transaction): Promise<void> {
    const sending = [...byTarget(encoded, this.#targets)].map(async ([target, messages]) =>
      (await this.#producers.get(target)).send(messages, transaction),
    )
    await allSettled([...sending, this.#positions.send(checkpoint, transaction)])
  }

  async #abort(transaction: Transaction, signal: AbortSignal): Promise<void> {
    try {
      await orAborted(transaction.abort(), signal)
    } catch (error) {
      // The coordinator does it by itself, when the timeout is over.
      this.#context.logger.debug(`aborting a transaction: ${(error as Error).message}`)
    }
  }
}

/** Whether it is in has to be read from the positions before anything is written again: only a new start does that. */
function unknownOutcome(error: unknown): ConnectionError {
  const code = isConnectorError(error) ? error.code : 'PIO_CONNECTION'
  return new ConnectionError(`whether a transaction was committed is not known: ${(error as Error).message}`, {
    code,
    cause: error,
  })
}
