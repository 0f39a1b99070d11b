import {
  type BatchInfo,
  type BatchSink,
  comparePositions,
  isConnectorError,
  type Outcome,
  type PartitionCheckpoint,
  type Record,
  type Sink,
  type SinkContext,
} from '@pulsar-io/sdk'
import { expect } from 'vitest'
import { type ContextLog, createSinkContext } from '../context.ts'
import { record as makeRecord } from '../record.ts'
import type { Clause } from './clause.ts'
import type { ConfigChange } from './config.ts'
import { type Item, type StoredItem, shown } from './item.ts'
import { asHarness } from './resources.ts'
import { Run } from './run.ts'
import { effectOf, type RecordContent, type SinkConformanceOptions, type SinkPlace } from './sink-options.ts'

export type SinkClause = Clause<SinkConformanceOptions, SinkRun>

const TOPIC = 'persistent://public/default/conformance'

/** How an instance is opened. */
export interface OpenOptions {
  readonly config?: ConfigChange | boolean | undefined
  readonly instance?: Partial<SinkContext>
}

/** One test of a sink. */
export class SinkRun extends Run<SinkPlace> {
  readonly options: SinkConformanceOptions
  #entry = 0n

  constructor(place: SinkPlace, options: SinkConformanceOptions) {
    super(place, options.definition, options)
    this.options = options
  }

  /** Records of a partition, each behind the ones that were made before. */
  records(items: readonly Item[], of: (item: Item) => RecordContent = item => this.#content(item)): Record[] {
    return items.map(item => {
      const { value, ...rest } = of(item)
      const position = { ledgerId: 1n, entryId: this.#entry++, batchIndex: -1 }
      return makeRecord(value, { topic: TOPIC, publishTime: Date.UTC(2026, 0, 1), ...rest, position })
    })
  }

  #content(item: Item): RecordContent {
    return this.options.record?.(item) ?? { key: item.id, value: { id: item.id, text: item.text } }
  }

  /** An instance that was made and not opened. */
  create(options: OpenOptions = {}): SinkInstance {
    const exactly = effectOf(this.options) === 'transactional'
    const context = createSinkContext({
      inputTopics: [TOPIC],
      guarantee: this.options.guarantee ?? (exactly ? 'EFFECTIVELY_ONCE' : 'ATLEAST_ONCE'),
      subscriptionType: exactly ? 'Failover' : 'Shared',
      ...options.instance,
    })
    const instance = new SinkInstance(this, context, options)
    this.keep(context, () => instance.close())
    return instance
  }

  /** An open instance. One that cannot be opened is closed, as the runtime does. */
  async open(options: OpenOptions = {}): Promise<SinkInstance> {
    const instance = this.create(options)
    await this.within(instance.open(), 'open')
    return instance
  }

  /** Opens again as often as it takes for the system to be back. */
  reopen(options: OpenOptions = {}): Promise<SinkInstance> {
    return this.insist(() => this.open(options))
  }

  async stored(): Promise<readonly StoredItem[]> {
    return this.within(
      asHarness(() => this.place.read()),
      'read of what is stored',
    )
  }

  /** Expects exactly these items to be stored, in this order where the sink claims order. */
  async expectStored(items: readonly Item[]): Promise<void> {
    const { ordered } = this.options.capabilities
    expect(shown(await this.stored(), ordered)).toEqual(shown(items, ordered))
  }

  /** Expects each item to be stored: none lost, and none twice unless that may happen. */
  async expectKept(items: readonly Item[]): Promise<void> {
    const { capabilities } = this.options
    const twice = capabilities.duplicatesAfterOutage ?? effectOf(this.options) === 'at-least-once'
    const stored = shown(await this.stored(), false)
    expect(twice ? [...new Set(stored)] : stored).toEqual(shown(items, false))
  }
}

/** An instance, driven as the runtime drives it. */
export class SinkInstance {
  readonly context: SinkContext & ContextLog
  readonly #run: SinkRun
  readonly #config: unknown
  readonly #sink: Sink | BatchSink
  #covered: readonly PartitionCheckpoint[] = []
  #closing: Promise<void> | undefined

  constructor(run: SinkRun, context: SinkContext & ContextLog, options: OpenOptions) {
    this.#run = run
    this.context = context
    this.#config = run.config(options.config)
    this.#sink = run.options.definition.create()
  }

  async open(): Promise<void> {
    try {
      await this.#sink.open(this.#config, this.context)
      // As the runtime, which asks for it where it rests on the answer.
      if (this.context.guarantee === 'EFFECTIVELY_ONCE') this.#covered = await this.committed()
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /** What the sink says is in the system; empty for one that keeps no account. */
  async committed(): Promise<readonly PartitionCheckpoint[]> {
    const sink = this.#sink as BatchSink
    return (await sink.committed?.()) ?? []
  }

  /**
   * One outcome per record. Rejects where the sink throws for the batch as a whole. What a transactional sink has
   * committed before is left out, as the runtime does.
   */
  async write(records: readonly Record[], batch: Partial<BatchInfo> = {}): Promise<readonly Outcome[]> {
    const outcomes = new Array<Outcome>(records.length).fill(undefined)
    const todo = records.flatMap((record, at) => (this.#isCovered(record) ? [] : [{ record, at }]))
    if (todo.length === 0) return outcomes
    const results = await this.#hand(
      todo.map(({ record }) => record),
      {
        checkpoint: this.#checkpoint(batch.checkpoint ?? checkpointOf(records)),
        signal: batch.signal ?? this.context.signal,
      },
    )
    todo.forEach(({ at }, i) => {
      outcomes[at] = results[i]
      if (results[i]) this.#run.note(results[i])
    })
    return outcomes
  }

  /** As {@link write}, and expects every record to be written. */
  async writeAll(records: readonly Record[], batch: Partial<BatchInfo> = {}): Promise<void> {
    const outcomes = await this.#run.within(this.write(records, batch), 'write')
    expect(outcomes.filter(outcome => outcome !== undefined)).toEqual([])
  }

  close(): Promise<void> {
    this.context.stop()
    this.#closing ??= (async () => this.#sink.close())()
    return this.#closing
  }

  async #hand(records: readonly Record[], batch: BatchInfo): Promise<readonly Outcome[]> {
    const { batched, settles } = this.#run.options.definition
    const settled = settles === 'record' ? records.map(settling) : undefined
    const given = settled?.map(({ record }) => record) ?? records
    const outcomes = batched
      ? await (this.#sink as BatchSink).write(given, batch)
      : await this.#oneByOne(this.#sink as Sink, given)
    if (outcomes && outcomes.length !== records.length)
      throw new Error(`write answered ${outcomes.length} outcomes to ${records.length} records`)
    if (outcomes?.some(outcome => outcome !== undefined) || !settled) return outcomes ?? records.map(() => undefined)
    return Promise.all(settled.map(({ outcome }) => outcome))
  }

  /** A failure that is not about the record itself ends the batch, as in the runtime. */
  async #oneByOne(sink: Sink, records: readonly Record[]): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = []
    for (const record of records) {
      try {
        await sink.write(record)
        outcomes.push(undefined)
      } catch (error) {
        if (!isConnectorError(error) || error.retry !== 'reject') throw error
        outcomes.push(error)
      }
    }
    return outcomes
  }

  /** As the runtime, which has positions stored only where it rests on them. */
  #checkpoint(checkpoint: readonly PartitionCheckpoint[]): readonly PartitionCheckpoint[] {
    return this.context.guarantee === 'EFFECTIVELY_ONCE' ? checkpoint : []
  }

  #isCovered(record: Record): boolean {
    return this.#covered.some(
      ({ topic, partition, position }) =>
        topic === record.topic && partition === record.partition && comparePositions(record.position, position) <= 0,
    )
  }
}

/** What the runtime gives a transactional sink to store with these records. */
export function checkpointOf(records: readonly Record[]): PartitionCheckpoint[] {
  const last = new Map<string, PartitionCheckpoint>()
  for (const { topic, partition, position } of records)
    last.set(`${topic}-${partition}`, { topic, partition, position })
  return [...last.values()]
}

function settling(record: Record): { record: Record; outcome: Promise<Outcome> } {
  const { promise: outcome, resolve } = Promise.withResolvers<Outcome>()
  return { record: { ...record, ack: () => resolve(undefined), fail: error => resolve(error) }, outcome }
}
