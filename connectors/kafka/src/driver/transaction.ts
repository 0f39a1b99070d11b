import { addPartitionsToTxnV3 } from '@platformatic/kafka'
import { explain } from '../errors.ts'
import type { Client, Connection } from './client.ts'
import { FENCED } from './codes.ts'
import { failureOf } from './failure.ts'
import { persist } from './persist.ts'
import {
  type Failures,
  fenced,
  type Identity,
  type OutgoingRecord,
  Producer,
  type ProducerOptions,
} from './producer.ts'
import type { Topics } from './topics.ts'

/** How long to wait for what an earlier holder of the name left open. */
const OPEN_WITHIN_MS = 70_000

/**
 * A producer whose batches are there as a whole or not at all. Opening one under a name shuts out whoever had the name,
 * and ends what it left open.
 */
export class TransactionalProducer {
  readonly #client: Client
  readonly #options: ProducerOptions
  readonly #identity: Identity & { readonly transactionalId: string }
  readonly #producer: Producer
  #coordinator: Connection | undefined

  private constructor(
    client: Client,
    topics: Topics,
    options: ProducerOptions,
    identity: Identity & { readonly transactionalId: string },
  ) {
    this.#client = client
    this.#options = options
    this.#identity = identity
    this.#producer = new Producer(client, topics, options, identity)
  }

  /** Throws a ConnectionError or an AuthError. */
  static async open(
    client: Client,
    topics: Topics,
    options: ProducerOptions,
    transactionalId: string,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<TransactionalProducer> {
    const init = async () => {
      const connection = await client.coordinator('transaction', transactionalId)
      return client.call(connection, 'InitProducerId', transactionalId, timeoutMs, -1n, -1)
    }
    const what = `begin transactions as ${transactionalId}`
    const { producerId, producerEpoch } = await persist(init, OPEN_WITHIN_MS, signal, error =>
      explain(error, what, options.where),
    )
    return new TransactionalProducer(client, topics, options, { transactionalId, producerId, epoch: producerEpoch })
  }

  /**
   * Writes records and, last, `position` in one transaction. Resolves with the errors of records that can never be
   * written, and then nothing is; rejects with a ConnectionError when it is not known what is.
   */
  async write(records: readonly OutgoingRecord[], position: OutgoingRecord, signal: AbortSignal): Promise<Failures> {
    const { placed, failures } = await this.#producer.place(records)
    if (failures.size > 0) return failures
    placed.push(position)
    await this.#add(placed, signal)
    let refused: Failures
    try {
      refused = await this.#producer.write(placed, signal)
    } catch (error) {
      // Opening the name anew ends the transaction; what is told is why it could not go on.
      await this.#end(false, signal).catch(() => undefined)
      throw error
    }
    const own = refused.get(position.index)
    await this.#end(refused.size === 0, signal)
    if (own) throw own
    return refused
  }

  async #add(records: readonly OutgoingRecord[], signal: AbortSignal): Promise<void> {
    const byTopic = new Map<string, Set<number>>()
    for (const { topic, partition } of records) {
      const partitions = byTopic.get(topic)
      if (partitions) partitions.add(partition)
      else byTopic.set(topic, new Set([partition]))
    }
    const { transactionalId, producerId, epoch } = this.#identity
    const topics = [...byTopic].map(([name, partitions]) => ({ name, partitions: [...partitions] }))
    // Version 3 is the last that clients may use: later ones are for servers among themselves.
    await this.#coordinated('begin a transaction', signal, connection =>
      this.#client.send(connection, addPartitionsToTxnV3.api as never, [
        { transactionalId, producerId, producerEpoch: epoch, topics, verifyOnly: false },
      ]),
    )
  }

  async #end(commit: boolean, signal: AbortSignal): Promise<void> {
    const { transactionalId, producerId, epoch } = this.#identity
    await this.#coordinated(commit ? 'commit a transaction' : 'give up a transaction', signal, connection =>
      this.#client.call(connection, 'EndTxn', transactionalId, producerId, epoch, commit),
    )
  }

  async #coordinated(
    what: string,
    signal: AbortSignal,
    work: (connection: Connection) => Promise<unknown>,
  ): Promise<void> {
    const { where, retryWithinMs } = this.#options
    const attempt = async () => {
      try {
        this.#coordinator ??= await this.#client.coordinator('transaction', this.#identity.transactionalId)
        await work(this.#coordinator)
      } catch (error) {
        if (!failureOf(error).codes.includes('CONCURRENT_TRANSACTIONS')) this.#coordinator = undefined
        throw error
      }
    }
    await persist(attempt, retryWithinMs, signal, error => {
      const code = failureOf(error).codes.find(each => FENCED.has(each) || each === 'INVALID_PRODUCER_ID_MAPPING')
      return code === undefined ? explain(error, what, where) : fenced(this.#identity, code, where)
    })
  }
}
