import { setTimeout as sleep } from 'node:timers/promises'
import type { Where } from '../connection.ts'
import { explain } from '../errors.ts'
import { type Calls, type Client, codeName, type FetchedPartition } from './client.ts'
import { PASSING } from './codes.ts'
import { answerIn } from './failure.ts'
import type { TopicPartition } from './group.ts'
import type { Topics } from './topics.ts'

export interface FetchOptions {
  readonly committedOnly: boolean
  readonly minBytes: number
  readonly maxWaitMs: number
  readonly maxBytes: number
  readonly maxPartitionBytes: number
  readonly rack: string
  /** How long failures are lived with before they count as a lost connection. */
  readonly retryWithinMs: number
  readonly where: Where
}

/** A partition that is read. */
export interface Reading extends TopicPartition {
  readonly topicId: string
  /** The offset to read next. */
  next: bigint
}

/** What was asked for and is there. */
export interface Fetched<R extends Reading = Reading> {
  readonly reading: R
  /** The offset that was asked for: a batch may begin before it. */
  readonly from: bigint
  readonly part: FetchedPartition
}

/** What the owner of a fetcher decides. */
export interface FetchEvents<R extends Reading> {
  /** The offset to go on at where the one asked for is not there; throws where there is no going on. */
  outOfRange(reading: R): Promise<bigint>
  /** Reading does not work at the moment, or works again. */
  trouble(reason: string | undefined): void
}

/**
 * Reads partitions: one request at a time to each server, and the next one only when what came is taken, so that no more
 * is held than one answer of each server.
 */
export class Fetcher<R extends Reading> {
  readonly #client: Client
  readonly #topics: Topics
  readonly #options: FetchOptions
  readonly #events: FetchEvents<R>
  readonly #busy = new Set<number>()
  readonly #ready: { readonly node: number; readonly fetched: Fetched<R>[] }[] = []
  #readings: readonly R[] = []
  /** Answers to what was asked before the last change are dropped. */
  #generation = 0
  #failingSince = 0
  #failure: Error | undefined
  #wake: (() => void) | undefined
  #closed = false

  constructor(client: Client, topics: Topics, options: FetchOptions, events: FetchEvents<R>) {
    this.#client = client
    this.#topics = topics
    this.#options = options
    this.#events = events
  }

  /** Reads these partitions from now on; what is there of others is dropped. */
  assign(readings: readonly R[]): void {
    this.#generation++
    this.#readings = readings
    this.#ready.length = 0
    this.#notify()
  }

  /** Ends every wait with this error. */
  fail(error: Error): void {
    this.#failure ??= error
    this.#notify()
  }

  close(): void {
    this.#closed = true
    this.assign([])
  }

  /** The next answer with something in it; undefined when the signal aborts. Rejects when reading has to end. */
  async next(signal: AbortSignal): Promise<readonly Fetched<R>[] | undefined> {
    while (!signal.aborted && !this.#closed) {
      if (this.#failure) throw this.#failure
      const ready = this.#ready.shift()
      this.#kick()
      if (ready) return ready.fetched
      await this.#wait(signal)
    }
    return undefined
  }

  #notify(): void {
    this.#wake?.()
  }

  async #wait(signal: AbortSignal): Promise<void> {
    await new Promise<void>(resolve => {
      const done = () => {
        signal.removeEventListener('abort', done)
        this.#wake = undefined
        resolve()
      }
      this.#wake = done
      signal.addEventListener('abort', done, { once: true })
    })
  }

  /** Asks every server that is not being asked and of which nothing waits to be taken. */
  #kick(): void {
    const byNode = new Map<number, R[]>()
    for (const reading of this.#readings) {
      const node = this.#topics.known(reading.topic)?.leaders[reading.partition] ?? -1
      if (this.#busy.has(node) || this.#ready.some(ready => ready.node === node)) continue
      const list = byNode.get(node)
      if (list) list.push(reading)
      else byNode.set(node, [reading])
    }
    for (const [node, readings] of byNode) {
      this.#busy.add(node)
      const asked = node < 0 ? this.#locate(readings) : this.#ask(node, readings)
      void asked
        .catch(error => this.fail(error instanceof Error ? error : new Error(String(error))))
        .finally(() => {
          this.#busy.delete(node)
          this.#notify()
        })
    }
  }

  /** Finds out where partitions are whose server is not known, or not known any more. */
  async #locate(readings: readonly R[]): Promise<void> {
    const topics = [...new Set(readings.map(({ topic }) => topic))]
    this.#topics.forget(topics)
    try {
      const found = (await this.#topics.find(topics, 1)).topics
      const lost = readings.find(({ topic, partition }) => (found.get(topic)?.leaders[partition] ?? -1) < 0)
      if (lost) await this.#trouble(new Error(`partition ${lost.partition} of topic ${lost.topic} has no leader`))
    } catch (error) {
      await this.#trouble(error)
    }
  }

  async #ask(node: number, readings: readonly R[]): Promise<void> {
    const generation = this.#generation
    const asked = readings.map(reading => ({ reading, from: reading.next }))
    let answer: Calls['Fetch']
    let names = false
    try {
      const connection = await this.#client.connection(node)
      const api = await this.#client.api('Fetch')
      // Up to version 12 a topic is asked for by its name.
      names = api.version <= 12
      answer = await this.#client.send(connection, api, ...this.#request(asked, names))
    } catch (error) {
      const partial = answerIn<Calls['Fetch']>(error)
      if (generation !== this.#generation) return
      if (!partial?.responses?.length) {
        this.#topics.forget(new Set(readings.map(({ topic }) => topic)))
        await this.#trouble(error)
        return
      }
      answer = partial
    }
    if (generation !== this.#generation) return
    const fetched: Fetched<R>[] = []
    const byKey = new Map(
      asked.map(each => [`${names ? each.reading.topic : each.reading.topicId} ${each.reading.partition}`, each]),
    )
    let failed: string | undefined
    for (const { topicId, partitions } of answer.responses) {
      for (const part of partitions) {
        const found = byKey.get(`${topicId} ${part.partitionIndex}`)
        if (!found) continue
        const code = part.errorCode === 0 ? '' : codeName(part.errorCode)
        if (code === 'OFFSET_OUT_OF_RANGE') found.reading.next = await this.#events.outOfRange(found.reading)
        else if (code !== '') {
          failed = await this.#partitionFailed(code, found.reading)
        } else if (part.records?.length) {
          const last = part.records.at(-1)
          if (last) found.reading.next = last.firstOffset + BigInt(last.lastOffsetDelta) + 1n
          fetched.push({ ...found, part })
        }
      }
    }
    if (generation !== this.#generation) return
    if (failed !== undefined) await this.#trouble(new Error(failed))
    else if (this.#failingSince !== 0) {
      this.#failingSince = 0
      this.#events.trouble(undefined)
    }
    if (fetched.length > 0 && generation === this.#generation) this.#ready.push({ node, fetched })
  }

  #request(asked: readonly { readonly reading: R; readonly from: bigint }[], names: boolean): readonly unknown[] {
    const { committedOnly, minBytes, maxWaitMs, maxBytes, maxPartitionBytes, rack } = this.#options
    const topics = new Map<string, object[]>()
    for (const { reading, from } of asked) {
      const topicId = names ? reading.topic : reading.topicId
      const partition = {
        partition: reading.partition,
        currentLeaderEpoch: -1,
        fetchOffset: from,
        lastFetchedEpoch: -1,
        partitionMaxBytes: maxPartitionBytes,
      }
      const list = topics.get(topicId)
      if (list) list.push(partition)
      else topics.set(topicId, [partition])
    }
    const wanted = [...topics].map(([topicId, partitions]) => ({ topicId, partitions }))
    // Epoch -1: no session, each request says all that it wants.
    return [maxWaitMs, minBytes, maxBytes, committedOnly ? 1 : 0, 0, -1, wanted, [], rack]
  }

  async #partitionFailed(code: string, { topic, partition }: R): Promise<string> {
    const what = `read partition ${partition} of topic ${topic}`
    const passing =
      PASSING.has(code) ||
      code === 'UNKNOWN_TOPIC_ID' ||
      code === 'INCONSISTENT_TOPIC_ID' ||
      code === 'UNKNOWN_LEADER_EPOCH'
    if (!passing) throw explain(Object.assign(new Error(code), { apiId: code }), what, this.#options.where)
    this.#topics.forget([topic])
    return `cannot ${what}: ${code}`
  }

  /** Lives with a failure for a while. */
  async #trouble(error: unknown): Promise<void> {
    if (this.#closed) return
    this.#failingSince ||= performance.now()
    const said = explain(error, 'be read from', this.#options.where)
    if (said.retry !== 'reconnect' || performance.now() - this.#failingSince > this.#options.retryWithinMs) throw said
    this.#events.trouble(said.message)
    await sleep(100 + Math.random() * 200)
  }
}
