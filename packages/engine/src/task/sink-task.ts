import type { Consumer, ConsumerOptions, Message, MessagingClient } from '@pulsar-io/messaging'
import type { BatchPolicy, PartitionCheckpoint, SinkContext, SinkDefinition } from '@pulsar-io/sdk'
import { toError } from '../failure.ts'
import type { SinkInstanceSpec } from '../instance/spec.ts'
import type { Liveness } from '../stuck-watch.ts'
import { type Deferred, defer, settlesWithin } from '../wait.ts'
import { Acknowledger, lastOfEachPartition } from './acknowledger.ts'
import { connectorContext, type TaskServices } from './context.ts'
import { DeadLetters } from './dead-letters.ts'
import { Decoder, type Rejected } from './decoder.ts'
import { settleBatch } from './settle-batch.ts'
import { SinkHandle } from './sink-handle.ts'
import type { TaskRecord } from './task-record.ts'
import { transformAll } from './transforming.ts'

/** What a connector does not say about batches. */
const DEFAULT_BATCH: BatchPolicy = { maxRecords: 1000, maxBytes: 5 * 1024 * 1024, maxDelayMs: 10, maxInFlight: 1 }

/** A batch that was decoded and transformed, and what came of each message. */
interface PreparedBatch {
  readonly messages: readonly Message[]
  readonly records: readonly TaskRecord[]
  /** Kept back by a transform. */
  readonly filtered: readonly TaskRecord[]
  readonly rejected: readonly Rejected[]
}

/** The loop of one sink instance: receive a batch, decode, write, settle. */
export class SinkTask {
  readonly #spec: SinkInstanceSpec
  readonly #services: TaskServices
  readonly #consumer: Consumer
  readonly #handle: SinkHandle
  readonly #deadLetters: DeadLetters
  readonly #decoder: Decoder
  readonly #acks: Acknowledger
  readonly #policy: BatchPolicy
  readonly #transactional: boolean
  /** A batch with an error in it is not stored at all. */
  readonly #atomic: boolean
  readonly #inFlight = new Set<Promise<void>>()
  readonly #stopPulling = new AbortController()
  /** Aborts when the task stops, or a hold begins. */
  #pulling: { readonly began: AbortSignal; readonly signal: AbortSignal } | undefined
  readonly #failed: Deferred<never> = defer<never>()
  #paused: Deferred<void> | undefined

  private constructor(
    spec: SinkInstanceSpec,
    definition: SinkDefinition,
    config: unknown,
    services: TaskServices,
    client: MessagingClient,
    handle: SinkHandle,
    consumer: Consumer,
  ) {
    this.#spec = spec
    this.#services = services
    this.#consumer = consumer
    this.#handle = handle
    this.#deadLetters = new DeadLetters(client, {
      connector: spec.fqn,
      subscription: spec.subscription,
      topic: spec.deadLetterTopic,
    })
    this.#acks = new Acknowledger(consumer, isCumulative(spec), services.stats, error => this.#fail(error))
    this.#decoder = new Decoder(spec.inputSchemas)
    this.#policy = batchPolicy(spec, definition, config)
    // Whoever runs the task sees the error; without this line it would count as unhandled while nobody does.
    this.#failed.promise.catch(() => undefined)
    this.#transactional = definition.delivery === 'transactional'
    this.#atomic =
      this.#transactional && (definition.atomic !== 'effectively-once' || spec.guarantee === 'EFFECTIVELY_ONCE')
  }

  /**
   * Opens the connector, then the subscription: a connector that cannot open must not take messages from others.
   * Throws what either of them throws, with everything closed again.
   */
  static async open(
    spec: SinkInstanceSpec,
    definition: SinkDefinition,
    config: unknown,
    client: MessagingClient,
    services: TaskServices,
  ): Promise<SinkTask> {
    let task: SinkTask | undefined
    const context: Omit<SinkContext, 'lost'> = {
      ...connectorContext(spec, services),
      inputTopics: spec.inputs,
      subscriptionName: spec.subscription,
      subscriptionType: spec.subscriptionType,
      pause: () => task?.pause(),
      resume: () => task?.resume(),
      seek: async (topic, to) => task?.seek(topic, to),
    }
    const handle = new SinkHandle(definition, config, context, services)
    await handle.open()
    try {
      await tellOfSkipped(spec, client, services)
      const consumer = await client.subscribe(consumerOptions(spec, services.signal))
      task = new SinkTask(spec, definition, config, services, client, handle, consumer)
      return task
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  pause(): void {
    this.#paused ??= defer<void>()
  }

  resume(): void {
    this.#paused?.resolve()
    this.#paused = undefined
  }

  async seek(topic: string, to: Parameters<SinkContext['seek']>[1]): Promise<void> {
    await this.#consumer.seek(typeof to === 'number' ? { time: to } : { position: to }, topic)
  }

  /** Moves records until {@link stop}. Rejects with the error that ends the instance. */
  run(): Promise<void> {
    // The one race against `#failed`: a race in the loop would leave a reaction on it, and with it a batch, each time.
    return Promise.race([this.#loop(), this.#failed.promise])
  }

  /** Stops pulling and waits for what is in flight. Returns how many records did not settle; they will be handed out again. */
  async stop(drainTimeoutMs: number, running: Promise<unknown>): Promise<number> {
    this.#stopPulling.abort()
    this.resume()
    this.#services.hold.set(false)
    // While the other side is away nothing can settle, so there is nothing to wait for.
    if (!this.#handle.away) await settlesWithin(running, drainTimeoutMs)
    return this.#services.stats.inFlight
  }

  /** Gives everything back. */
  async close(): Promise<void> {
    this.#stopPulling.abort()
    this.resume()
    this.#services.hold.set(false)
    const closed = await Promise.allSettled([this.#handle.close(), this.#deadLetters.close(), this.#consumer.close()])
    for (const result of closed) if (result.status === 'rejected') this.#services.stats.systemError(result.reason)
  }

  /** Whether it should get on and what it waits for; see `StuckWatch`. */
  liveness(): Liveness {
    const { stats } = this.#services
    const { progress, inFlight } = stats
    const inHand = inFlight > 0
    if (!stats.shouldMove || this.#paused || this.#services.hold.active)
      return { progress, inHand, waitsFor: undefined }
    if (!inHand) return { progress, inHand, waitsFor: this.#missing() }
    const waitsFor = this.#handle.writing
      ? `the connector has not ended a write (${inFlight} records in flight)`
      : `transforms, dead letters or acknowledgements of ${inFlight} records in flight are not done`
    return { progress, inHand, waitsFor }
  }

  /** Messages that should have come. Where there are several instances, those of another may be what the backlog is made of. */
  #missing(): string | undefined {
    const { waitingMessages } = this.#services.stats
    if (waitingMessages === 0 || this.#spec.numInstances > 1) return undefined
    return `${waitingMessages} messages wait in the topics and none of them comes`
  }

  /** Messages that wait in the topics. */
  lag(): Promise<number> {
    return this.#consumer.backlog()
  }

  async #loop(): Promise<void> {
    while (!this.#stopPulling.signal.aborted) {
      const batch = await this.#gather()
      if (batch.length === 0) continue
      // Made ready while the batches before it are under way.
      const prepared = await this.#prepare(batch)
      while (this.#inFlight.size >= this.#policy.maxInFlight) await Promise.race(this.#inFlight)
      const settling: Promise<void> = this.#settle(prepared)
        .catch(error => this.#fail(toError(error)))
        .finally(() => this.#inFlight.delete(settling))
      this.#inFlight.add(settling)
    }
    await Promise.all(this.#inFlight)
    await this.#acks.drained()
  }

  #fail(error: Error): void {
    this.#stopPulling.abort()
    this.#failed.reject(error)
  }

  async #gather(): Promise<Message[]> {
    const { maxRecords, maxBytes, maxDelayMs } = this.#policy
    await this.#paused?.promise
    const { hold } = this.#services
    await hold.over()
    const signal = this.#whilePulling(hold.began)
    if (signal.aborted) return []
    const batch = [...(await this.#consumer.receive({ maxMessages: maxRecords, maxBytes, signal }))]
    let bytes = this.#arrived(batch)
    const deadline = performance.now() + maxDelayMs
    while (batch.length > 0 && batch.length < maxRecords && bytes < maxBytes && !signal.aborted) {
      const timeoutMs = deadline - performance.now()
      if (timeoutMs <= 0) break
      const more = await this.#consumer.receive({
        maxMessages: maxRecords - batch.length,
        maxBytes: maxBytes - bytes,
        timeoutMs,
        signal,
      })
      if (more.length === 0) break
      bytes += this.#arrived(more)
      for (const message of more) batch.push(message)
    }
    return batch
  }

  #whilePulling(began: AbortSignal): AbortSignal {
    if (this.#pulling?.began !== began)
      this.#pulling = { began, signal: AbortSignal.any([this.#stopPulling.signal, began]) }
    return this.#pulling.signal
  }

  /** Counts what came in; returns its bytes. */
  #arrived(messages: readonly Message[]): number {
    if (messages.length === 0) return 0
    const { stats } = this.#services
    let bytes = 0
    for (const message of messages) bytes += message.size
    stats.received += messages.length
    stats.inFlight += messages.length
    stats.bytesReceived += bytes
    stats.lastReceivedTime = Date.now()
    stats.active()
    return bytes
  }

  async #prepare(messages: readonly Message[]): Promise<PreparedBatch> {
    const decoded = await this.#decoder.decode(messages)
    const { records, filtered, ...refused } = await transformAll(decoded.records, this.#services.transforms)
    return { messages, records, filtered, rejected: [...decoded.rejected, ...refused.rejected] }
  }

  async #settle({ messages, records, filtered, rejected }: PreparedBatch): Promise<void> {
    const { stats, signal } = this.#services
    const once = this.#spec.guarantee === 'ATMOST_ONCE'
    if (once) await this.#acks.acknowledge(messages)
    for (const { error } of rejected) stats.systemError(error)
    const started = performance.now()
    await settleBatch(records, rejected, {
      handle: this.#handle,
      deadLetters: this.#deadLetters,
      services: this.#services,
      checkpoint: this.#transactional && this.#spec.guarantee === 'EFFECTIVELY_ONCE' ? checkpointOf(messages) : [],
      transactional: this.#atomic,
      ordered: this.#spec.ordered,
      maxRetries: this.#spec.maxRetries,
      once,
      // A cumulative acknowledgement covers the batch as a whole, once all of it is settled.
      settled: async settled => {
        if (!once && !isCumulative(this.#spec)) await this.#acks.begin(settled.map(record => record.message))
      },
    })
    // Settled behind the rest: what is counted as kept back is done with.
    if (filtered.length > 0 && !signal.aborted) {
      stats.filtered += filtered.length
      if (!once && !isCumulative(this.#spec)) await this.#acks.begin(filtered.map(record => record.message))
    }
    if (signal.aborted) return
    stats.latency.observe(performance.now() - started)
    stats.batchSize.observe(messages.length)
    if (once) stats.inFlight -= messages.length
    else if (isCumulative(this.#spec)) await this.#acks.begin(messages)
    stats.active()
  }
}

function isCumulative({ subscriptionType }: SinkInstanceSpec): boolean {
  return subscriptionType === 'Failover' || subscriptionType === 'Exclusive'
}

/** A new subscription begins behind what is there already, as in Pulsar. Whoever filled the topic first should hear of it. */
async function tellOfSkipped(
  spec: SinkInstanceSpec,
  client: MessagingClient,
  { log, stats }: TaskServices,
): Promise<void> {
  if (spec.initialPosition !== 'Latest') return
  for (const topic of spec.inputs) {
    try {
      if (!(await client.topics.exists(topic))) continue
      const { messages, subscriptions } = await client.topics.stats(topic)
      if (messages === 0 || subscriptions.some(({ name }) => name === spec.subscription)) continue
      log(
        'warn',
        `the subscription is new and begins behind what ${topic} already holds; --subs-position Earliest reads it`,
        {
          topic,
          subscription: spec.subscription,
          skipped: messages,
        },
      )
    } catch (error) {
      // Only a hint is lost; subscribing will tell if the topic cannot be used.
      stats.systemError(error)
    }
  }
}

function batchPolicy(spec: SinkInstanceSpec, definition: SinkDefinition, config: unknown): BatchPolicy {
  const policy = { ...DEFAULT_BATCH, ...definition.batchPolicy(config), ...spec.batch }
  // Two batches at once can overtake each other; a cumulative acknowledgement needs their order, too.
  const inOrder = spec.ordered || isCumulative(spec)
  return inOrder ? { ...policy, maxInFlight: 1 } : policy
}

function consumerOptions(spec: SinkInstanceSpec, signal: AbortSignal): ConsumerOptions {
  return {
    ...(spec.topicsPattern === undefined ? { topics: spec.inputs } : { topicsPattern: spec.topicsPattern }),
    subscription: spec.subscription,
    type: spec.subscriptionType,
    initialPosition: spec.initialPosition,
    name: `${spec.fqn}-${spec.instanceId}`,
    // The properties that Pulsar's own instances set.
    properties: { application: 'pulsar-sink', id: spec.fqn, instance_id: String(spec.instanceId) },
    ackTimeoutMs: spec.ackTimeoutMs,
    ...(spec.nackDelayMs === undefined ? {} : { nackDelayMs: spec.nackDelayMs }),
    ...(spec.maxUnsettled === undefined ? {} : { maxUnsettled: spec.maxUnsettled }),
    signal,
  }
}

function checkpointOf(messages: readonly Message[]): readonly PartitionCheckpoint[] {
  return lastOfEachPartition(messages).map(({ topic, partition, position }) => ({ topic, partition, position }))
}
