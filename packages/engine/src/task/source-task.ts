import { setImmediate } from 'node:timers/promises'
import type { MessagingClient } from '@pulsar-io/messaging'
import type {
  BatchSource,
  PushSource,
  SchemaInfo,
  Source,
  SourceContext,
  SourceDefinition,
  SourceRecord,
} from '@pulsar-io/sdk'
import { messageWithCauses, retryMeaning, toError } from '../failure.ts'
import type { SourceInstanceSpec } from '../instance/spec.ts'
import type { Liveness } from '../stuck-watch.ts'
import { type Deferred, defer, settlesWithin, sleep } from '../wait.ts'
import { runBatchSource } from './batch-source.ts'
import { Checkpoints } from './checkpoints.ts'
import { connectorContext, type TaskServices } from './context.ts'
import { Publisher } from './publisher.ts'
import { ReconnectDelays } from './reconnect-delays.ts'

/** Milliseconds between checkpoints; what a crash repeats is bounded by it, and dropped again where the topic deduplicates. */
const CHECKPOINT_EVERY_MS = 1_000

/**
 * Milliseconds that reading goes on without a turn of the event loop. A source that always has records at hand would else
 * keep receipts, timers and the word to stop waiting until its batches fill up.
 */
const TURN_MS = 10

/** How a source came to its end. */
export type SourceEnd = 'stopped' | 'finished'

/** The loop of one source instance: read, encode, publish, settle, checkpoint. */
export class SourceTask {
  readonly #spec: SourceInstanceSpec
  readonly #definition: SourceDefinition
  readonly #config: unknown
  readonly #client: MessagingClient
  readonly #services: TaskServices
  readonly #checkpoints: Checkpoints
  readonly #publisher: Publisher
  readonly #stopReading = new AbortController()
  readonly #delays = new ReconnectDelays()
  readonly #failed: Deferred<never> = defer<never>()
  #source: Source | PushSource | BatchSource | undefined
  #timer: NodeJS.Timeout | undefined

  private constructor(
    spec: SourceInstanceSpec,
    definition: SourceDefinition,
    config: unknown,
    client: MessagingClient,
    services: TaskServices,
    checkpoints: Checkpoints,
  ) {
    this.#spec = spec
    this.#definition = definition
    this.#config = config
    this.#client = client
    this.#services = services
    this.#checkpoints = checkpoints
    this.#publisher = new Publisher(spec, schemaOf(spec, definition, config), client, services, checkpoints)
    // Whoever waits sees the error; without this line it would count as unhandled while nobody does.
    this.#failed.promise.catch(() => undefined)
  }

  /** Opens the destination, then the connector, so that nothing is taken in that cannot be passed on. Throws what either throws. */
  static async open(
    spec: SourceInstanceSpec,
    definition: SourceDefinition,
    config: unknown,
    client: MessagingClient,
    services: TaskServices,
  ): Promise<SourceTask> {
    const store = services.store()
    const checkpoints = new Checkpoints(store, () => services.lease?.over() ?? false)
    const task = new SourceTask(spec, definition, config, client, services, checkpoints)
    try {
      // Neither waits for the other: a source has its first record out as soon as both are there.
      await Promise.all([store, task.#publisher.open()])
      await task.#openSource('first')
    } catch (error) {
      await task.close()
      throw error
    }
    task.#timer = setInterval(() => task.#flush(), CHECKPOINT_EVERY_MS)
    return task
  }

  /** Moves records until {@link stop} or the end of the source. Rejects with the error that ends the instance. */
  async run(): Promise<SourceEnd> {
    const end = await Promise.race([this.#move(), this.#failed.promise])
    await Promise.race([this.#publisher.drained(), this.#failed.promise])
    await this.#checkpoints.flush()
    return end
  }

  /** Stops reading and waits until what was read is published. Returns how many records were not; the source will bring them again if it can. */
  async stop(drainTimeoutMs: number, running: Promise<unknown>): Promise<number> {
    this.#stopReading.abort()
    // What was handed over goes out.
    this.#services.hold.set(false)
    // Push sources answer their clients from what is in flight, so they close before the drain ends.
    if (this.#definition.style === 'push') await this.#closeSource()
    await settlesWithin(running, drainTimeoutMs)
    return this.#services.stats.inFlight
  }

  /** Whether it should get on and what it waits for. A read that does not end has nothing to read, as far as anybody can tell. */
  liveness(): Liveness {
    const { stats } = this.#services
    const { progress, inFlight } = stats
    const inHand = inFlight > 0
    const waitsFor =
      inHand && stats.shouldMove && !this.#services.hold.active
        ? `${inFlight} records in flight are not confirmed by the topic`
        : undefined
    return { progress, inHand, waitsFor }
  }

  /** Gives everything back. */
  async close(): Promise<void> {
    this.#stopReading.abort()
    this.#services.hold.set(false)
    clearInterval(this.#timer)
    await this.#closeSource()
    const closed = await Promise.allSettled([this.#publisher.close(), this.#checkpoints.flush()])
    for (const result of closed) if (result.status === 'rejected') this.#services.stats.systemError(result.reason)
  }

  async #openSource(which: 'first' | 'again'): Promise<void> {
    const offsets = await this.#checkpoints.load()
    // Whoever expects everything once more has to hear that the name of the connector stands for how far it got.
    if (which === 'first' && offsets.size > 0) {
      this.#services.log('info', `goes on where ${this.#spec.fqn} stopped; another --name begins anew`, {
        checkpoints: offsets.size,
      })
    }
    const context: SourceContext = {
      ...connectorContext(this.#spec, this.#services),
      signal: AbortSignal.any([this.#services.signal, this.#stopReading.signal]),
      destinationTopic: this.#spec.destinationTopic,
      offsets,
      release: partitionId => this.#publisher.release(partitionId),
    }
    const source = this.#definition.create()
    // Closed also when `open` fails: it may hold half a connection.
    this.#source = source
    await source.open(this.#config, context, records => this.#emit(records))
  }

  async #move(): Promise<SourceEnd> {
    const stopped = new Promise<SourceEnd>(resolve =>
      this.#stopReading.signal.addEventListener('abort', () => resolve('stopped'), { once: true }),
    )
    if (this.#definition.style === 'push') return stopped
    if (this.#definition.style === 'batch') {
      return runBatchSource(
        this.#source as BatchSource,
        this.#spec,
        this.#client,
        { ...this.#services, signal: this.#stopReading.signal },
        this.#publisher,
      )
    }
    return Promise.race([this.#pull(), stopped])
  }

  async #pull(): Promise<SourceEnd> {
    const { signal } = this.#stopReading
    let turnAt = performance.now()
    while (!signal.aborted) {
      let records: SourceRecord | readonly SourceRecord[] | null
      try {
        records = await (this.#source as Source).read()
      } catch (thrown) {
        if (signal.aborted) break
        await this.#recover(toError(thrown))
        continue
      }
      if (records === null) return 'finished'
      const some = asArray(records)
      if (some.length > 0) this.#delays.gotThrough()
      await this.#publisher.publish(some)
      if (performance.now() - turnAt < TURN_MS) continue
      await setImmediate()
      turnAt = performance.now()
    }
    return 'stopped'
  }

  /** After `read` failed: opens a new source behind the last published record, as often as it takes. Throws what waiting cannot cure. */
  async #recover(cause: Error): Promise<void> {
    const { stats, log } = this.#services
    const { signal } = this.#stopReading
    for (let error = cause; !signal.aborted; ) {
      const meaning = retryMeaning(error)
      stats.connectorError(error)
      if (meaning !== 'reconnect' && meaning !== 'block' && meaning !== 'retry') throw error
      stats.become(meaning === 'block' ? 'blocked' : 'reconnecting', messageWithCauses(error))
      const wait = this.#delays.next(meaning === 'block' ? 'block' : 'reconnect')
      log('warn', 'reading failed; trying again', { reason: messageWithCauses(error), retryInMs: wait })
      // The new source starts behind what is published, so that has to be settled and noted first.
      await this.#publisher.drained()
      await this.#checkpoints.flush()
      await this.#closeSource()
      await sleep(wait, signal)
      if (signal.aborted) return
      try {
        await this.#openSource('again')
        stats.become('running')
        log('info', 'connected again')
        return
      } catch (thrown) {
        error = toError(thrown)
      }
    }
  }

  async #emit(records: SourceRecord | readonly SourceRecord[]): Promise<void> {
    if (this.#services.signal.aborted) throw toError(this.#services.signal.reason)
    try {
      await this.#publisher.publish(asArray(records))
    } catch (thrown) {
      this.#failed.reject(toError(thrown))
      throw thrown
    }
  }

  async #closeSource(): Promise<void> {
    const source = this.#source
    this.#source = undefined
    try {
      await source?.close()
    } catch (error) {
      this.#services.stats.connectorError(error)
      this.#services.log('warn', 'closing the connector failed', { reason: messageWithCauses(toError(error)) })
    }
  }

  #flush(): void {
    this.#checkpoints.flush().catch(error => {
      this.#services.stats.systemError(error)
      this.#services.log('error', 'the checkpoint cannot be written; a restart would read some records again', {
        reason: messageWithCauses(toError(error)),
      })
    })
  }
}

function asArray(records: SourceRecord | readonly SourceRecord[]): readonly SourceRecord[] {
  return Array.isArray(records) ? records : [records as SourceRecord]
}

/** What the operator says, else what the source declares: its own definition where both name the same type. */
function schemaOf(spec: SourceInstanceSpec, definition: SourceDefinition, config: unknown): SchemaInfo {
  const declared = definition.schema(config)
  if (spec.schema === undefined) return declared
  return spec.schema.type === declared.type && spec.schema.definition === undefined ? declared : spec.schema
}
