import { setTimeout as sleep } from 'node:timers/promises'
import { ConnectionError, type ConnectorError, RecordError } from '@pulsar-io/sdk'
import type { Where } from '../connection.ts'
import { explain, noTopic, recordError } from '../errors.ts'
import { partitionOf } from '../partitioner.ts'
import { type Calls, type Client, type Connection, codeName } from './client.ts'
import { FENCED, OUT_OF_STEP, PASSING, REFUSED, TOO_LARGE } from './codes.ts'
import { answerIn, failureOf } from './failure.ts'
import { persist } from './persist.ts'
import { produceApi } from './produce.ts'
import { BATCH_BYTES, type BatchRecord, encodeBatch } from './record-batch.ts'
import type { Topics } from './topics.ts'

/** A record on its way to a topic. */
export interface OutgoingRecord extends BatchRecord {
  readonly topic: string
  /** Whose it is: the record's place in the batch of the runtime. */
  readonly index: number
  partition: number
}

/** Who writes, as the servers know it. */
export interface Identity {
  readonly producerId: bigint
  readonly epoch: number
  readonly transactionalId?: string
}

export interface ProducerOptions {
  readonly acks: number
  readonly compression: string
  readonly maxBytes: number
  readonly idempotent: boolean
  readonly requestTimeoutMs: number
  /** How long a batch is tried again here. */
  readonly retryWithinMs: number
  /** Records choose their topics, so that one that is not there is the record's fault. */
  readonly topicOfRecord: boolean
  readonly mayCreate: boolean
  readonly where: Where
}

/** Records of one partition that travel together. */
interface Chunk {
  readonly topic: string
  readonly partition: number
  readonly records: readonly OutgoingRecord[]
}

/** Errors by the place of a record in the batch of the runtime. */
export type Failures = Map<number, ConnectorError>

type ProduceApi = Awaited<ReturnType<Client['api']>> & { readonly answers?: Calls['Produce'] }

/**
 * Writes records, each partition's in their order and in one request at a time. With an identity every batch has a
 * sequence number, so that sending it again after a lost answer writes it once.
 */
export class Producer {
  readonly #client: Client
  readonly #topics: Topics
  readonly #options: ProducerOptions
  readonly #sequences = new Map<string, number>()
  #identity: Identity | undefined
  #turn = 0
  #api: ProduceApi | undefined
  /** Why the last request was not carried out, for the error in the end. */
  #lastFailure: unknown

  constructor(client: Client, topics: Topics, options: ProducerOptions, identity?: Identity) {
    this.#client = client
    this.#topics = topics
    this.#options = options
    this.#identity = identity
  }

  /** Finds the partition of each record; what has none is in the answer, and left out of `placed`. */
  async place(
    records: readonly OutgoingRecord[],
  ): Promise<{ readonly placed: OutgoingRecord[]; readonly failures: Failures }> {
    const { where, topicOfRecord, mayCreate, maxBytes } = this.#options
    const failures: Failures = new Map()
    const names = new Set<string>()
    for (const { topic } of records) names.add(topic)
    const known = [...names].every(name => this.#topics.known(name) !== undefined)
    const found = known ? undefined : await this.#find([...names])
    const placed: OutgoingRecord[] = []
    this.#turn++
    for (const record of records) {
      const { topic, key } = record
      const info = found ? found.topics.get(topic) : this.#topics.known(topic)
      if (record.bytes + BATCH_BYTES > maxBytes) {
        failures.set(
          record.index,
          new RecordError(`the record of ${record.bytes} bytes is larger than maxRequestSize, ${maxBytes}`, {
            code: 'PIO_KAFKA_TOO_LARGE',
          }),
        )
      } else if (info === undefined) {
        failures.set(record.index, missing(topic, found?.errors.get(topic), topicOfRecord, mayCreate, where))
      } else {
        // Without a key, as in Java, a batch stays together; the next one goes to another partition.
        record.partition = key === undefined ? this.#turn % info.leaders.length : partitionOf(key, info.leaders.length)
        placed.push(record)
      }
    }
    return { placed, failures }
  }

  /**
   * Writes records that have a partition. Resolves with the errors of those that are not written; rejects with a
   * ConnectionError when that is not known, or nothing could be sent.
   */
  async write(records: readonly OutgoingRecord[], signal: AbortSignal): Promise<Failures> {
    const failures: Failures = new Map()
    if (this.#options.idempotent && !this.#identity) this.#identity = await this.#identify(signal)
    let queue = this.#chunks(records)
    let deadline = 0
    while (queue.length > 0) {
      const [now, later] = firstOfEachPartition(queue)
      const { again, split } = await this.#round(now, failures)
      queue = [...again, ...split, ...later]
      if (again.length === 0) {
        deadline = 0
        continue
      }
      deadline ||= performance.now() + this.#options.retryWithinMs
      if (performance.now() > deadline || signal.aborted) throw this.#gaveUp(again)
      this.#topics.forget(again.map(({ topic }) => topic))
      await sleep(Math.min(500, 50 + Math.random() * 100))
    }
    return failures
  }

  #gaveUp(again: readonly Chunk[]): ConnectorError {
    const [first] = again
    const what = `write to topic ${first?.topic}`
    return this.#lastFailure instanceof Error
      ? explain(this.#lastFailure, what, this.#options.where)
      : new ConnectionError(`${this.#options.where.servers} cannot ${what} (${this.#lastFailure})`, {
          code: 'PIO_KAFKA_UNAVAILABLE',
        })
  }

  async #find(names: readonly string[]) {
    try {
      return await this.#topics.find(names)
    } catch (error) {
      throw explain(error, 'tell of its topics', this.#options.where)
    }
  }

  #chunks(records: readonly OutgoingRecord[]): Chunk[] {
    const open = new Map<string, OutgoingRecord[]>()
    const sizes = new Map<string, number>()
    const chunks: Chunk[] = []
    for (const record of records) {
      const { topic, partition, bytes } = record
      const key = sequenceKey(topic, partition)
      const size = sizes.get(key) ?? BATCH_BYTES
      let list = open.get(key)
      if (list === undefined || size + bytes > this.#options.maxBytes) {
        list = []
        open.set(key, list)
        chunks.push({ topic, partition, records: list })
        sizes.set(key, BATCH_BYTES + bytes)
      } else sizes.set(key, size + bytes)
      list.push(record)
    }
    return chunks
  }

  /** One request to each server that leads some of the partitions. */
  async #round(chunks: readonly Chunk[], failures: Failures): Promise<{ again: Chunk[]; split: Chunk[] }> {
    const outcome = { again: [] as Chunk[], split: [] as Chunk[] }
    const byLeader = new Map<number, Chunk[]>()
    const unknown = [...new Set(chunks.map(({ topic }) => topic))].filter(topic => !this.#topics.known(topic))
    if (unknown.length > 0) {
      try {
        await this.#topics.find(unknown)
      } catch (error) {
        this.#lastFailure = error
        outcome.again.push(...chunks)
        return outcome
      }
    }
    for (const chunk of chunks) {
      const leader = this.#topics.known(chunk.topic)?.leaders[chunk.partition] ?? -1
      const list = byLeader.get(leader)
      if (leader < 0) {
        this.#lastFailure = 'LEADER_NOT_AVAILABLE'
        outcome.again.push(chunk)
      } else if (list) list.push(chunk)
      else byLeader.set(leader, [chunk])
    }
    await Promise.all([...byLeader].map(([leader, list]) => this.#send(leader, list, failures, outcome)))
    return outcome
  }

  async #send(
    leader: number,
    chunks: readonly Chunk[],
    failures: Failures,
    outcome: { again: Chunk[]; split: Chunk[] },
  ): Promise<void> {
    let answer: Calls['Produce'] | undefined
    try {
      const connection = await this.#client.connection(leader)
      answer = await this.#produce(connection, chunks)
    } catch (error) {
      answer = answerIn<Calls['Produce']>(error)
      if (!answer?.responses) {
        this.#lastFailure = error
        const { login, codes } = failureOf(error)
        if (login || codes.length > 0) throw explain(error, 'take records', this.#options.where)
        // Without sequence numbers a request that got no answer must not be repeated here: it may have been carried out.
        if (!this.#identity) throw explain(error, 'take records', this.#options.where)
        outcome.again.push(...chunks)
        return
      }
    }
    if (this.#options.acks === 0) {
      for (const chunk of chunks) this.#count(chunk)
      return
    }
    const results = new Map<string, { code: string; said: string; bad: ReadonlySet<number> }>()
    for (const { name, partitionResponses } of answer.responses ?? [])
      for (const { index, errorCode, errorMessage, recordErrors } of partitionResponses)
        if (errorCode !== 0)
          results.set(sequenceKey(name, index), {
            code: codeName(errorCode),
            said: [errorMessage, ...(recordErrors ?? []).map(({ batchIndexErrorMessage }) => batchIndexErrorMessage)]
              .filter(text => text)
              .join('; '),
            bad: new Set((recordErrors ?? []).map(({ batchIndex }) => batchIndex)),
          })
    for (const chunk of chunks) {
      const result = results.get(sequenceKey(chunk.topic, chunk.partition))
      if (result === undefined || result.code === 'DUPLICATE_SEQUENCE_NUMBER') this.#count(chunk)
      else this.#judge(chunk, result, failures, outcome)
    }
  }

  #judge(
    chunk: Chunk,
    { code, said, bad }: { code: string; said: string; bad: ReadonlySet<number> },
    failures: Failures,
    outcome: { again: Chunk[]; split: Chunk[] },
  ): void {
    const { where } = this.#options
    const { records, topic } = chunk
    this.#lastFailure = said === '' ? code : `${code}, ${said}`
    if (FENCED.has(code)) throw fenced(this.#identity, code, where)
    if (PASSING.has(code)) outcome.again.push(chunk)
    else if (OUT_OF_STEP.has(code)) {
      if (this.#identity?.transactionalId !== undefined) throw fenced(this.#identity, code, where)
      // What the server may have taken of earlier ones is behind us; a new identity begins to count anew.
      this.#identity = undefined
      this.#sequences.clear()
      throw new ConnectionError(
        `${where.servers} lost count of the batches for topic ${topic} (${code}); beginning anew`,
        {
          code: 'PIO_KAFKA_UNAVAILABLE',
        },
      )
    } else if (records.length > 1 && (TOO_LARGE.has(code) || (REFUSED.has(code) && bad.size === 0))) {
      const half = records.length >> 1
      outcome.split.push({ ...chunk, records: records.slice(0, half) }, { ...chunk, records: records.slice(half) })
    } else if (REFUSED.has(code) && bad.size > 0 && bad.size < records.length) {
      records.forEach((record, i) => {
        if (bad.has(i)) failures.set(record.index, recordError(code, said, topic, record.bytes, where))
      })
      outcome.split.push({ ...chunk, records: records.filter((_, i) => !bad.has(i)) })
    } else for (const { index, bytes } of records) failures.set(index, recordError(code, said, topic, bytes, where))
  }

  async #produce(connection: Connection, chunks: readonly Chunk[]): Promise<Calls['Produce']> {
    const { acks, compression, requestTimeoutMs } = this.#options
    const { producerId = -1n, epoch = -1, transactionalId } = this.#identity ?? {}
    const topics = new Map<string, { readonly partition: number; readonly batch: Buffer }[]>()
    for (const { topic, partition, records } of chunks) {
      const batch = await encodeBatch(records, {
        compression,
        producerId,
        epoch,
        firstSequence: this.#identity ? (this.#sequences.get(sequenceKey(topic, partition)) ?? 0) : -1,
        transactional: transactionalId !== undefined,
      })
      const list = topics.get(topic)
      if (list) list.push({ partition, batch })
      else topics.set(topic, [{ partition, batch }])
    }
    this.#api ??= produceApi((await this.#client.api('Produce')).version) as ProduceApi
    return this.#client.send(connection, this.#api, { transactionalId, acks, timeoutMs: requestTimeoutMs, topics })
  }

  /** The server has the chunk: the next one of its partition counts on from it. */
  #count({ topic, partition, records }: Chunk): void {
    if (!this.#identity) return
    const key = sequenceKey(topic, partition)
    // A sequence number is a positive 32-bit integer that begins at 0 again.
    this.#sequences.set(key, ((this.#sequences.get(key) ?? 0) + records.length) % 2 ** 31)
  }

  async #identify(signal: AbortSignal): Promise<Identity> {
    const { where, retryWithinMs } = this.#options
    const ask = async () => {
      const connection = await this.#client.bootstrap()
      return this.#client.call(connection, 'InitProducerId', null, 60_000, -1n, -1)
    }
    const given = await persist(ask, retryWithinMs, signal, error => explain(error, 'give out a producer id', where))
    return { producerId: given.producerId, epoch: given.producerEpoch }
  }
}

export function fenced(identity: Identity | undefined, code: string, where: Where): ConnectorError {
  return new ConnectionError(
    `${where.servers} takes no more from ${identity?.transactionalId ?? 'this producer'} (${code}): another instance has taken over, or the transaction took too long; opening anew`,
    { code: 'PIO_KAFKA_FENCED' },
  )
}

function missing(
  topic: string,
  code: string | undefined,
  topicOfRecord: boolean,
  mayCreate: boolean,
  where: Where,
): ConnectorError {
  if (code === 'TOPIC_AUTHORIZATION_FAILED' || code === 'CLUSTER_AUTHORIZATION_FAILED')
    return recordError(code, '', topic, 0, where)
  const error = noTopic(topic, where, mayCreate)
  return topicOfRecord ? new RecordError(error.message, { code: error.code }) : error
}

/** The first chunk of each partition, and those that have to wait for them. */
function firstOfEachPartition(chunks: readonly Chunk[]): readonly [Chunk[], Chunk[]] {
  const seen = new Set<string>()
  const first: Chunk[] = []
  const later: Chunk[] = []
  for (const chunk of chunks) {
    const key = sequenceKey(chunk.topic, chunk.partition)
    if (seen.has(key)) later.push(chunk)
    else {
      seen.add(key)
      first.push(chunk)
    }
  }
  return [first, later]
}

/** As the driver names a partition where it asks for its sequence number. */
function sequenceKey(topic: string, partition: number): string {
  return `${topic}:${partition}`
}
