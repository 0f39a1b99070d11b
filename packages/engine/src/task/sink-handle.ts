import type {
  BatchSink,
  Outcome,
  PartitionCheckpoint,
  Position,
  Sink,
  SinkContext,
  SinkDefinition,
} from '@pulsar-io/sdk'
import { ConfigError, comparePositions } from '@pulsar-io/sdk/core'
import { messageWithCauses, retryMeaning, toError } from '../failure.ts'
import { defer, sleep } from '../wait.ts'
import type { TaskServices } from './context.ts'
import { ReconnectDelays } from './reconnect-delays.ts'
import { partitionKey, type TaskRecord } from './task-record.ts'

/**
 * Holds the connector's sink: opens it, and opens a new one when the connection is lost, while everybody who writes waits.
 */
export class SinkHandle {
  readonly #definition: SinkDefinition
  readonly #config: unknown
  readonly #context: Omit<SinkContext, 'lost'>
  readonly #services: TaskServices
  readonly #writing = new Set<Promise<unknown>>()
  readonly #delays = new ReconnectDelays()
  #sink: Sink | BatchSink | undefined
  #committed: ReadonlyMap<string, Position> = new Map()
  #recovering: Promise<void> | undefined

  constructor(definition: SinkDefinition, config: unknown, context: Omit<SinkContext, 'lost'>, services: TaskServices) {
    this.#definition = definition
    this.#config = config
    this.#context = context
    this.#services = services
  }

  /** Opens the sink. Throws what its `open` throws, after having closed it. */
  async open(): Promise<void> {
    const sink = this.#definition.create()
    try {
      await sink.open(this.#config, { ...this.#context, lost: error => this.#lost(sink, error) })
      // Where several consumers share a partition, what is behind the last stored position need not be stored.
      if (this.#context.guarantee === 'EFFECTIVELY_ONCE')
        this.#committed = await committedPositions(this.#definition, sink)
    } catch (error) {
      await this.#close(sink)
      throw error
    }
    this.#sink = sink
  }

  /** True while the external system is away or refuses us. */
  get away(): boolean {
    return this.#recovering !== undefined
  }

  /** True while the connector has not ended a write. */
  get writing(): boolean {
    return this.#writing.size > 0
  }

  /** Whether a transactional sink has stored this record already. */
  holds(record: TaskRecord): boolean {
    const committed = this.#committed.size === 0 ? undefined : this.#committed.get(partitionKey(record))
    return committed !== undefined && comparePositions(record.position, committed) <= 0
  }

  /** One outcome per record. Throws what the connector throws for the batch as a whole. */
  async write(records: readonly TaskRecord[], checkpoint: readonly PartitionCheckpoint[]): Promise<readonly Outcome[]> {
    await this.#recovering
    const sink = this.#sink
    if (!sink) throw new Error('write on a sink that is not open')
    const writing = this.#writeTo(sink, records, checkpoint)
    this.#writing.add(writing)
    try {
      const outcomes = await writing
      if (outcomes === ALL_WRITTEN || outcomes.includes(undefined)) this.#delays.gotThrough()
      return outcomes
    } finally {
      this.#writing.delete(writing)
    }
  }

  /**
   * After an error that means `reconnect` or `block`: closes the sink and opens a new one, as often as it takes.
   * Callers share one recovery. Returns when the sink is open again or the signal aborts; throws an error that waiting cannot cure.
   */
  recover(cause: Error): Promise<void> {
    this.#recovering ??= this.#reopen(cause).finally(() => {
      this.#recovering = undefined
    })
    return this.#recovering
  }

  /** The connection of a sink broke while nobody may be writing. A sink that is being replaced has nothing to tell. */
  #lost(sink: Sink | BatchSink, error: Error): void {
    const { stats, signal, fatal } = this.#services
    if (sink !== this.#sink || this.away || signal.aborted) return
    stats.connectorError(error)
    const meaning = retryMeaning(error)
    if (meaning === 'reconnect' || meaning === 'block') this.recover(error).catch(fatal)
    else fatal(error)
  }

  async close(): Promise<void> {
    const sink = this.#sink
    this.#sink = undefined
    if (sink) await this.#close(sink)
  }

  async #reopen(cause: Error): Promise<void> {
    const { stats, log, signal } = this.#services
    let error = cause
    const old = this.#sink
    // Other batches on the old connection fail by themselves; closing under them would turn a clear error into an odd one.
    await Promise.allSettled(this.#writing)
    this.#sink = undefined
    if (old) await this.#close(old)
    while (!signal.aborted) {
      const blocked = retryMeaning(error) === 'block'
      stats.become(blocked ? 'blocked' : 'reconnecting', messageWithCauses(error))
      const wait = this.#delays.next(blocked ? 'block' : 'reconnect')
      log(
        'warn',
        blocked
          ? 'the external system refuses us; nothing is lost, trying again'
          : 'connection lost; nothing is lost, reconnecting',
        {
          reason: messageWithCauses(error),
          retryInMs: wait,
        },
      )
      await sleep(wait, signal)
      if (signal.aborted) return
      try {
        await this.open()
        stats.become('running')
        log('info', 'connected again')
        return
      } catch (thrown) {
        error = toError(thrown)
        const meaning = retryMeaning(error)
        if (meaning !== 'reconnect' && meaning !== 'block') throw error
        stats.connectorError(error)
      }
    }
  }

  async #close(sink: Sink | BatchSink): Promise<void> {
    try {
      await sink.close()
    } catch (error) {
      this.#services.stats.connectorError(error)
      this.#services.log('warn', 'closing the connector failed', { reason: messageWithCauses(toError(error)) })
    }
  }

  async #writeTo(
    sink: Sink | BatchSink,
    records: readonly TaskRecord[],
    checkpoint: readonly PartitionCheckpoint[],
  ): Promise<readonly Outcome[]> {
    if (this.#definition.settles === 'record')
      return settledByRecord(sink, this.#definition.batched, records, this.#services)
    if (!this.#definition.batched) return writeOneByOne(sink as Sink, records, this.#services)
    const outcomes = await (sink as BatchSink).write(records, { checkpoint, signal: this.#services.signal })
    if (outcomes === undefined) return ALL_WRITTEN
    if (outcomes.length !== records.length)
      throw new Error(`${this.#definition.name} returned ${outcomes.length} outcomes for ${records.length} records`)
    return outcomes
  }
}

/** An outcome that is not there means written, so nothing has to be made for a good batch. */
const ALL_WRITTEN: readonly Outcome[] = []

async function committedPositions(
  definition: SinkDefinition,
  sink: Sink | BatchSink,
): Promise<ReadonlyMap<string, Position>> {
  if (definition.delivery !== 'transactional') return new Map()
  if (!('committed' in sink) || !sink.committed) {
    throw new ConfigError(
      [{ path: '', message: `${definition.name} declares transactional delivery but has no committed()` }],
      { code: 'PIO_CONNECTOR_CONTRACT' },
    )
  }
  return new Map((await sink.committed()).map(checkpoint => [partitionKey(checkpoint), checkpoint.position]))
}

/** In order; the first record that fails ends the batch for those behind it, which are tried again. */
async function writeOneByOne(
  sink: Sink,
  records: readonly TaskRecord[],
  { stats }: TaskServices,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  for (const record of records) {
    try {
      const writing = sink.write(record)
      // Sinks that answer at once should not pay for a turn of the event loop per record.
      if (writing) await writing
      outcomes.push(undefined)
      // A batch of slow records takes long, and is not stuck.
      stats.progress++
    } catch (error) {
      const meaning = retryMeaning(error)
      if (meaning === undefined || meaning === 'stop') throw error
      outcomes.push(toError(error))
      if (meaning === 'reconnect' || meaning === 'block') break
    }
  }
  const last = outcomes.at(-1)
  while (outcomes.length < records.length) outcomes.push(last)
  return outcomes
}

/** Waits until the sink has called `ack` or `fail` of every record. */
async function settledByRecord(
  sink: Sink | BatchSink,
  batched: boolean,
  records: readonly TaskRecord[],
  services: TaskServices,
): Promise<readonly Outcome[]> {
  const { signal, stats } = services
  const outcomes = new Map<TaskRecord, Outcome>()
  const all = defer<void>()
  const abort = () => all.reject(toError(signal.reason))
  for (const record of records) {
    record.onSettled = (settled, error) => {
      settled.onSettled = undefined
      stats.progress++
      outcomes.set(settled, error)
      if (outcomes.size === records.length) all.resolve()
    }
  }
  signal.addEventListener('abort', abort, { once: true })
  try {
    const writing = batched
      ? (sink as BatchSink).write(records, { checkpoint: [], signal })
      : writeOneByOne(sink as Sink, records, services)
    const thrown = await Promise.race([writing.then(failedOutcomes(records)), all.promise.then(() => undefined)])
    for (const [record, error] of thrown ?? []) record.fail(error)
    await all.promise
  } finally {
    signal.removeEventListener('abort', abort)
    for (const record of records) record.onSettled = undefined
  }
  return records.map(record => outcomes.get(record))
}

/** A record whose `write` already failed will not be settled by anybody else. */
function failedOutcomes(records: readonly TaskRecord[]) {
  return (outcomes: readonly Outcome[] | void): readonly (readonly [TaskRecord, Error])[] =>
    records.flatMap((record, i) => {
      const outcome = outcomes?.[i]
      return outcome ? [[record, outcome] as const] : []
    })
}
