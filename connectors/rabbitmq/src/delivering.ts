import { ConnectionError, type ConnectorError, RecordError, TransientError } from '@pulsar-io/sdk'
import { brokerProblem, type Where } from './errors.ts'
import { type Broker, BrokerError, type Fate, type OutgoingMessage, type Publisher } from './port.ts'
import type { SinkConfig } from './sink-options.ts'

/** One result per message, in their order: undefined where it is delivered. */
export type Results = (ConnectorError | undefined)[]

const PRECONDITION_FAILED = 406

/** Delivers batches over a connection, each over a channel of its own. */
export class Delivering {
  readonly #broker: Broker
  readonly #where: Where
  readonly #config: Pick<SinkConfig, 'exchangeName' | 'confirmTimeout'>
  readonly #idle: Publisher[] = []
  #blocked: PromiseWithResolvers<void> | undefined
  /** Bytes of a message that the server takes, once it has said so. */
  #maxBytes = Number.POSITIVE_INFINITY

  constructor(broker: Broker, where: Where, config: Pick<SinkConfig, 'exchangeName' | 'confirmTimeout'>) {
    this.#broker = broker
    this.#where = where
    this.#config = config
  }

  /** The server takes nothing until {@link unblock}. */
  block(): void {
    this.#blocked ??= Promise.withResolvers<void>()
  }

  unblock(): void {
    this.#blocked?.resolve()
    this.#blocked = undefined
  }

  /** Publishes and waits for the confirms. Rejects only with what concerns the batch as a whole. */
  async deliver(messages: readonly OutgoingMessage[], signal: AbortSignal): Promise<Results> {
    const results = messages.map(({ body }) => (body.length > this.#maxBytes ? this.#tooLarge(body.length) : undefined))
    const fitting = indices(results, result => result === undefined)
    if (fitting.length === 0) return results
    await this.#unblocked(signal)
    const chosen = pick(messages, fitting)
    const limit = this.#patience(signal)
    const publisher = await this.#publisher(limit.signal)
    const fates: readonly Fate[] = publisher
      ? await publisher.publish(chosen, limit.signal)
      : chosen.map(() => 'unknown')
    const timedOut = limit.end()
    const unknown = indices(fates, fate => fate === 'unknown')
    fates.forEach((fate, at) => {
      results[fitting[at] ?? 0] = this.#result(fate, chosen[at])
    })
    if (publisher && unknown.length === 0) {
      this.#idle.push(publisher)
      return results
    }
    // A server that leaves us without an answer is not asked again over the same connection.
    const settled = await this.#unsettled(pick(chosen, unknown), publisher?.failure, timedOut, signal)
    unknown.forEach((at, i) => {
      results[fitting[at] ?? 0] = settled[i]
    })
    return results
  }

  /** What to say of messages of which nobody knows what became of them. */
  async #unsettled(
    messages: readonly OutgoingMessage[],
    failure: BrokerError | undefined,
    timedOut: boolean,
    signal: AbortSignal,
  ): Promise<Results> {
    const all = (error: ConnectorError): Results => messages.map(() => error)
    if (!failure) return all(timedOut ? this.#tooSlow() : this.#stopping())
    if (failure.scope !== 'channel' || failure.replyCode !== PRECONDITION_FAILED) {
      const fix = failure.replyCode === 404 ? 'create the exchange again' : ''
      return all(brokerProblem(failure, `publish to exchange '${this.#config.exchangeName}'`, this.#where, fix))
    }
    // One of them is at fault, and took the channel with it, and so all the others.
    const limit = /message size \d+ is larger than (?:configured )?max size (\d+)/.exec(failure.message)?.[1]
    if (limit !== undefined) {
      this.#maxBytes = Math.min(this.#maxBytes, Number(limit))
      if (messages.some(({ body }) => body.length > this.#maxBytes)) return this.deliver(messages, signal)
    }
    if (messages.length === 1)
      return all(
        new RecordError(`${this.#where.url} refuses the message (${failure.message})`, {
          code: 'PIO_RABBITMQ_REJECTED',
        }),
      )
    // Halves find it, and let the others through.
    const middle = messages.length >> 1
    const first = await this.deliver(messages.slice(0, middle), signal)
    return [...first, ...(await this.#settled(messages.slice(middle), signal))]
  }

  /** As {@link deliver}, but a failure as a whole becomes the result of each: the other half has succeeded. */
  async #settled(messages: readonly OutgoingMessage[], signal: AbortSignal): Promise<Results> {
    try {
      return await this.deliver(messages, signal)
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error
      return messages.map(() => error)
    }
  }

  #result(fate: Fate, message: OutgoingMessage | undefined): ConnectorError | undefined {
    if (fate === 'confirmed' || fate === 'unknown') return undefined
    const exchange = `exchange '${this.#config.exchangeName}'`
    if (fate === 'nacked')
      return new TransientError(
        `${this.#where.url} did not take the message (basic.nack): a queue behind ${exchange} is full, with x-overflow=reject-publish, or has failed`,
        { code: 'PIO_RABBITMQ_NACKED' },
      )
    if ('returned' in fate)
      return new RecordError(
        `${exchange} at ${this.#where.url} has no queue for the routing key ${JSON.stringify(message?.routingKey ?? '')} (${fate.returned}); bind a queue for it, or set mandatory: false`,
        { code: 'PIO_RABBITMQ_UNROUTABLE' },
      )
    return new RecordError(`the record does not fit into an AMQP message: ${fate.unfit}`, {
      code: 'PIO_RABBITMQ_MESSAGE',
    })
  }

  /** A channel to publish over; undefined when the signal aborts before there is one. */
  async #publisher(signal: AbortSignal): Promise<Publisher | undefined> {
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) if (!idle.failure) return idle
    try {
      return await unlessAborted(this.#broker.publisher(), signal)
    } catch (error) {
      throw error instanceof BrokerError ? brokerProblem(error, 'open a channel', this.#where) : error
    }
  }

  /** Resolves when the server takes messages. Rejects when the signal aborts first. */
  async #unblocked(signal: AbortSignal): Promise<void> {
    while (this.#blocked) {
      if (signal.aborted) throw this.#stopping()
      await unlessAborted(this.#blocked.promise, signal)
    }
  }

  /** A signal that aborts with `signal`, or when the server has been free to confirm for long enough. */
  #patience(signal: AbortSignal): { readonly signal: AbortSignal; end(): boolean } {
    const { confirmTimeout } = this.#config
    if (confirmTimeout === 0) return { signal, end: () => false }
    const timeout = new AbortController()
    let timer: NodeJS.Timeout
    const look = (): void => {
      if (this.#blocked) timer = setTimeout(look, confirmTimeout)
      else timeout.abort()
    }
    timer = setTimeout(look, confirmTimeout)
    return {
      signal: AbortSignal.any([signal, timeout.signal]),
      end: () => {
        clearTimeout(timer)
        return timeout.signal.aborted
      },
    }
  }

  #tooLarge(bytes: number): RecordError {
    return new RecordError(
      `the message has ${bytes} bytes, and ${this.#where.url} takes ${this.#maxBytes}; see max_message_size there`,
      { code: 'PIO_RABBITMQ_TOO_LARGE' },
    )
  }

  #tooSlow(): ConnectionError {
    return new ConnectionError(
      `${this.#where.url} did not confirm messages within ${this.#config.confirmTimeout} ms; is a quorum queue without its majority, or the server overloaded? See confirmTimeout`,
      { code: 'PIO_RABBITMQ_TIMEOUT' },
    )
  }

  #stopping(): ConnectionError {
    return new ConnectionError('stopped while waiting for confirms', { code: 'PIO_RABBITMQ_LOST' })
  }
}

/** Waits for a promise as long as the signal lets it. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const aborted = Promise.withResolvers<undefined>()
  const abort = (): void => aborted.resolve(undefined)
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

function indices<T>(items: readonly T[], wanted: (item: T) => boolean): number[] {
  const found: number[] = []
  for (const [i, item] of items.entries()) if (wanted(item)) found.push(i)
  return found
}

function pick<T>(items: readonly T[], at: readonly number[]): readonly T[] {
  if (at.length === items.length) return items
  return at.flatMap(i => {
    const item = items[i]
    return item === undefined ? [] : [item]
  })
}
