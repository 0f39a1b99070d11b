import { fullTopicName, type MessagingClient, type OutgoingMessage, type Producer } from '@pulsar-io/messaging'
import { type Codec, codecFor } from '@pulsar-io/schema'
import type { SchemaInfo, SourceRecord } from '@pulsar-io/sdk'
import { ConnectorError } from '@pulsar-io/sdk/core'
import { messageWithCauses, toError } from '../failure.ts'
import type { SourceInstanceSpec } from '../instance/spec.ts'
import { defer } from '../wait.ts'
import type { Checkpoints } from './checkpoints.ts'
import type { TaskServices } from './context.ts'
import { requireDeduplication } from './deduplication.ts'
import { explainRefusal } from './incompatible-schema.ts'
import { type Outgoing, Outlet } from './outlet.ts'
import { SourceDeadLetters, type SourceLetter } from './source-dead-letters.ts'
import { type Outcomes, outcomesOf } from './transforming.ts'

/** Bytes on their way to the topic, at most; a single larger record still goes. */
const MAX_PENDING_BYTES = 32 * 1024 * 1024

/** Producers kept open; a source with more partitions than this reopens them as they come round. */
const MAX_OUTLETS = 256

/** Publishes the records of a source in their order, bounds what is on its way, settles what is confirmed. */
export class Publisher {
  readonly #spec: SourceInstanceSpec
  readonly #client: MessagingClient
  readonly #services: TaskServices
  readonly #checkpoints: Checkpoints
  readonly #schema: SchemaInfo
  #codec: Codec | undefined
  readonly #outlets = new Map<string, Promise<Outlet>>()
  readonly #deadLetters: SourceDeadLetters
  #closing: Promise<void> = Promise.resolve()
  #turn: Promise<void> = Promise.resolve()
  #pendingRecords = 0
  #pendingBytes = 0
  #room: ReturnType<typeof defer<void>> | undefined

  constructor(
    spec: SourceInstanceSpec,
    schema: SchemaInfo,
    client: MessagingClient,
    services: TaskServices,
    checkpoints: Checkpoints,
  ) {
    this.#spec = spec
    this.#client = client
    this.#services = services
    this.#checkpoints = checkpoints
    this.#schema = schema
    this.#deadLetters = new SourceDeadLetters(client, spec.fqn)
  }

  /**
   * Opens the producer of the destination, so that a topic which cannot be written to is known at once. Throws a
   * ConfigError for a schema that cannot be used.
   */
  async open(): Promise<void> {
    this.#codec = await codecFor(this.#schema)
    if (this.#spec.guarantee !== 'EFFECTIVELY_ONCE') await this.#outlet(this.#spec.destinationTopic, undefined)
    else {
      // Makes the topic and shows whether it may be written to; the producers proper come with their partitions.
      await (await this.#producer(this.#spec.destinationTopic, undefined)).close()
      await requireDeduplication(this.#client, this.#spec.destinationTopic, this.#services)
    }
  }

  /**
   * Takes records over, behind the end of a hold. Resolves when there is room for more; `ack` and `fail` of a record tell what became of it.
   * Throws what ends the instance.
   */
  async publish(records: readonly SourceRecord[]): Promise<void> {
    const { stats, hold, signal } = this.#services
    if (hold.active) {
      await hold.over()
      if (signal.aborted) throw toError(signal.reason)
    }
    stats.received += records.length
    stats.inFlight += records.length
    stats.lastReceivedTime = Date.now()
    stats.active()
    const { transforms } = this.#services
    if (transforms === undefined) await this.#send(records, undefined)
    else {
      // One call after the other: an expression that waits must not let later records overtake.
      const turn = this.#turn.then(async () =>
        this.#send(records, await outcomesOf(records, transforms, this.#spec.destinationTopic)),
      )
      this.#turn = turn.catch(() => undefined)
      await turn
    }
    while (this.#pendingRecords >= this.#spec.maxPending || this.#pendingBytes >= MAX_PENDING_BYTES) {
      this.#room ??= defer<void>()
      await this.#room.promise
    }
  }

  async #send(records: readonly SourceRecord[], outcomes: Outcomes | undefined): Promise<void> {
    for (const [key, group] of this.#groups(records)) {
      const outlet = await this.#outlet(group.topic, group.partitionId, key)
      const { batch, bytes } = this.#encode(group.records, outlet, group.topic, outcomes)
      if (batch.records.length === 0) continue
      this.#pendingRecords += batch.records.length
      this.#pendingBytes += bytes
      this.#services.stats.bytesReceived += bytes
      outlet.send(batch).finally(() => this.#sent(batch.records.length, bytes))
    }
  }

  /** Resolves when nothing is on its way any more. */
  async drained(): Promise<void> {
    while (this.#pendingRecords > 0) {
      this.#room ??= defer<void>()
      await this.#room.promise
    }
  }

  /** Closes the producers of a partition that another instance reads from now on. */
  async release(partitionId: string): Promise<void> {
    const leaving: Promise<Outlet>[] = []
    for (const [key, outlet] of this.#outlets) {
      if (!key.endsWith(` ${partitionId}`)) continue
      this.#outlets.delete(key)
      leaving.push(outlet)
    }
    if (leaving.length > 0) await this.#giveBack(leaving)
  }

  async close(): Promise<void> {
    const outlets = [...this.#outlets.values()]
    this.#outlets.clear()
    await Promise.allSettled(outlets.map(async outlet => (await outlet).close()))
    await this.#deadLetters.close()
  }

  #sent(records: number, bytes: number): void {
    this.#pendingRecords -= records
    this.#pendingBytes -= bytes
    this.#room?.resolve()
    this.#room = undefined
  }

  /** Runs of records by the producer that they go through. Mostly there is one. */
  #groups(
    records: readonly SourceRecord[],
  ): Map<string, { topic: string; partitionId: string | undefined; records: SourceRecord[] }> {
    const once = this.#spec.guarantee === 'EFFECTIVELY_ONCE'
    const groups = new Map<string, { topic: string; partitionId: string | undefined; records: SourceRecord[] }>()
    for (const record of records) {
      if (once && (record.partitionId === undefined || record.sequence === undefined)) {
        throw new ConnectorError(
          'PIO_SOURCE_NO_SEQUENCE',
          'stop',
          `${this.#spec.fqn}: a record without partitionId and sequence cannot be published EFFECTIVELY_ONCE; run it with ATLEAST_ONCE`,
        )
      }
      const topic = record.destinationTopic ?? this.#spec.destinationTopic
      const partitionId = once ? record.partitionId : undefined
      const key = outletKey(topic, partitionId)
      const group = groups.get(key)
      if (group) group.records.push(record)
      else groups.set(key, { topic, partitionId, records: [record] })
    }
    return groups
  }

  #outlet(topic: string, partitionId: string | undefined, key = outletKey(topic, partitionId)): Promise<Outlet> {
    let outlet = this.#outlets.get(key)
    if (outlet) return outlet
    this.#makeRoom()
    // An evicted producer has to be gone before one of its name is opened again.
    outlet = this.#closing.then(() => this.#openOutlet(topic, partitionId))
    this.#outlets.set(key, outlet)
    // A failed one is made anew at the next try; who awaits it sees the error.
    outlet.catch(() => this.#outlets.delete(key))
    return outlet
  }

  async #openOutlet(topic: string, partitionId: string | undefined): Promise<Outlet> {
    const producer = await this.#producer(topic, partitionId)
    return new Outlet(producer, this.#deadLetters, this.#services, this.#checkpoints, this.#spec.guarantee)
  }

  async #producer(topic: string, partitionId: string | undefined): Promise<Producer> {
    const full = fullTopicName(topic)
    try {
      return await this.#client.createProducer({
        topic: full,
        ...(partitionId === undefined ? {} : { name: `${this.#spec.fqn}-${partitionId}` }),
        schema: this.#schema,
        ...this.#spec.packing,
        // The properties that Pulsar's own instances set.
        properties: { application: 'pulsar-source', id: this.#spec.fqn, instance_id: String(this.#spec.instanceId) },
        signal: this.#services.signal,
      })
    } catch (error) {
      throw await explainRefusal(error, full, this.#schema, this.#client, this.#services)
    }
  }

  /** Closes the producer that was opened first, once it is idle. */
  #makeRoom(): void {
    if (this.#outlets.size < MAX_OUTLETS) return
    const [oldest] = this.#outlets
    if (!oldest) return
    this.#outlets.delete(oldest[0])
    void this.#giveBack([oldest[1]])
  }

  /** Closes outlets when they are idle. One of the same name is opened only behind that. */
  #giveBack(outlets: readonly Promise<Outlet>[]): Promise<void> {
    this.#closing = Promise.all([
      Promise.allSettled(outlets.map(async outlet => (await outlet).close())),
      this.#closing,
    ]).then(([results]) => {
      for (const result of results) if (result.status === 'rejected') this.#services.stats.systemError(result.reason)
    })
    return this.#closing
  }

  #encode(
    records: readonly SourceRecord[],
    outlet: Outlet,
    topic: string,
    outcomes: Outcomes | undefined,
  ): { batch: Outgoing; bytes: number } {
    const codec = this.#codec
    if (!codec) throw new Error('publish before open')
    const { stats } = this.#services
    const messages: OutgoingMessage[] = []
    const kept: SourceRecord[] = []
    const letters: SourceLetter[] = []
    let bytes = 0
    for (const record of records) {
      if (outlet.knows(record)) {
        // Published by an earlier run that did not get to note its offset.
        outlet.settleKnown(record)
        continue
      }
      const outcome = outcomes?.get(record) ?? record
      // Nothing is published of these, but their offsets wait for the records before them like all others.
      if (outcome === 'filtered' || outcome instanceof Error) {
        if (outcome === 'filtered') stats.filtered++
        else letters.push({ record, topic, error: outcome })
        kept.push(record)
        continue
      }
      let body: Body
      try {
        body = bodyOf(outcome, codec)
      } catch (thrown) {
        this.#refuse(record, toError(thrown))
        continue
      }
      bytes += body.payload?.byteLength ?? 0
      messages.push({
        ...body,
        properties: record.properties,
        eventTime: record.eventTime,
        ...(outlet.sequenced ? { sequenceId: record.sequence } : {}),
      })
      kept.push(record)
    }
    if (letters.length > 0) this.#tellOf(letters)
    return { batch: { messages, records: kept, letters }, bytes }
  }

  #tellOf(letters: readonly SourceLetter[]): void {
    const { stats, log } = this.#services
    const [first] = letters
    for (const { error } of letters) stats.systemError(error)
    if (first === undefined) return
    log('warn', 'records became dead letters', {
      count: letters.length,
      topic: this.#deadLetters.topicFor(first.topic),
      reason: messageWithCauses(first.error),
    })
  }

  /** A value that does not fit the schema goes back to the source; one that nobody takes back ends the instance, for it must not vanish. */
  #refuse(record: SourceRecord, error: Error): void {
    const { stats } = this.#services
    stats.connectorError(error)
    stats.inFlight--
    if (!record.fail) throw error
    Promise.resolve(record.fail(error)).catch(failure => stats.connectorError(failure))
  }
}

type Body = Pick<OutgoingMessage, 'payload' | 'key' | 'keyIsBase64'>

function bodyOf(record: Pick<SourceRecord, 'value' | 'key' | 'keyValue'>, { encode, keyValue }: Codec): Body {
  const value = record.value ?? null
  if (!keyValue) return { payload: value === null ? null : encode(value), key: record.key }
  const { payload, key } = keyValue.encode({ key: record.keyValue ?? record.key, value })
  // The key of a separated schema is bytes, which a message carries as base64 (as Pulsar's Java client sends them).
  return key === undefined
    ? { payload, key: record.key }
    : { payload, key: Buffer.from(key).toString('base64'), keyIsBase64: true }
}

function outletKey(topic: string, partitionId: string | undefined): string {
  return partitionId === undefined ? topic : `${topic} ${partitionId}`
}
