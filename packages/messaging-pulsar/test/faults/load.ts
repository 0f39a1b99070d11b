import { setTimeout as sleep } from 'node:timers/promises'
import type { Consumer, Message, MessagingClient } from '@pulsar-io/messaging'

/** Who writes, reads and checks; writer and reader go through what is broken. */
export interface LoadOptions {
  readonly writer: MessagingClient
  readonly reader: MessagingClient
  readonly checker: MessagingClient
  readonly topic: string
  /** At least so many messages, and until `hurt` is over. */
  readonly messages: number
  hurt(): Promise<void>
}

/** What became of numbered messages. */
export interface Verdict {
  /** Confirmed to the writer. */
  readonly written: number
  /** Times that the writer had to send again because a call rejected. */
  readonly sentAgain: number
  /** Confirmed, and not in the topic. */
  readonly lost: number
  /** In the topic at a second place. */
  readonly twice: number
  /** In the topic behind a later one of the same key. */
  readonly reordered: number
  /** Confirmed, and never handed to the reader, which read all the while. */
  readonly unread: number
  /** First handed to the reader behind a later one of the same key. */
  readonly readReordered: number
  /** Handed to the reader again: not yet acknowledged, or the acknowledgement died with the broker. */
  readonly readAgain: number
}

const PER_SEND = 20
const IN_FLIGHT = 5
const KEYS = 7
/** A broker that fails to read waits 15 s before it tries again. */
const PATIENCE_MS = 60_000

const keyOf = (number: number): string => `k${number % KEYS}`
const numberOf = ({ payload }: Message): number => Number(Buffer.from(payload ?? []).toString())

/** Writes numbered messages with their numbers as sequence ids, reads them, hurts meanwhile, and counts. */
export async function underLoad(options: LoadOptions): Promise<Verdict> {
  const { reader, topic } = options
  const consumer = await reader.subscribe({
    topics: [topic],
    subscription: 'reader',
    type: 'Failover',
    initialPosition: 'Earliest',
  })
  const hurting = { over: false }
  const hurt = options.hurt().finally(() => {
    hurting.over = true
  })
  const progress = { written: Number.POSITIVE_INFINITY }
  const reading = readAll(consumer, progress)
  const { written, sentAgain } = await writeAll(options, hurting)
  progress.written = written
  const [read] = await Promise.all([reading, hurt])
  const stored = await storedNumbers(options, written)
  const seen = new Set(stored)
  return {
    written,
    sentAgain,
    lost: missing(written, seen),
    twice: stored.length - seen.size,
    reordered: outOfOrder(stored),
    unread: missing(written, new Set(read.numbers)),
    readReordered: outOfOrder(read.numbers),
    readAgain: read.again,
  }
}

/** What it costs to keep the order: after a rejection everything from the first rejected message on is sent again. */
async function writeAll(options: LoadOptions, hurting: { readonly over: boolean }) {
  const { writer, topic } = options
  const producer = await writer.createProducer({ topic, name: 'numbers' })
  let confirmed = 0
  let sentAgain = 0
  while (!hurting.over || confirmed < options.messages) {
    const calls = Array.from({ length: IN_FLIGHT }, (_, call) => {
      const first = confirmed + call * PER_SEND
      return producer.send(
        Array.from({ length: PER_SEND }, (_each, i) => ({
          payload: Buffer.from(`${first + i}`),
          key: keyOf(first + i),
          sequenceId: BigInt(first + i),
        })),
      )
    })
    const results = await Promise.allSettled(calls)
    const rejected = results.findIndex(({ status }) => status === 'rejected')
    confirmed += PER_SEND * (rejected < 0 ? IN_FLIGHT : rejected)
    if (rejected >= 0) {
      sentAgain += 1
      const result = results[rejected]
      const error = result?.status === 'rejected' ? result.reason : undefined
      // Anything else would not be tried again by whoever uses a producer.
      if (!['reconnect', 'retry'].includes(error?.retry)) throw error
      await sleep(200)
    }
    await sleep(5)
  }
  await producer.close()
  return { written: confirmed, sentAgain }
}

async function readAll(consumer: Consumer, progress: { readonly written: number }) {
  const numbers = new Set<number>()
  let again = 0
  let quietSince = Date.now()
  // A minute of silence after everything was written is a loss.
  while (numbers.size < progress.written && Date.now() - quietSince < PATIENCE_MS) {
    const messages = await consumer.receive({ maxMessages: 500, timeoutMs: 500 })
    for (const message of messages) {
      const number = numberOf(message)
      if (numbers.has(number)) again += 1
      numbers.add(number)
    }
    await consumer.acknowledge(messages)
    // Only now: an acknowledgement waits for as long as there is no broker.
    if (messages.length > 0 || progress.written === Number.POSITIVE_INFINITY) quietSince = Date.now()
  }
  await consumer.close()
  return { numbers: [...numbers], again }
}

/** All that the topic holds, place by place. */
async function storedNumbers({ checker, topic }: LoadOptions, written: number): Promise<readonly number[]> {
  const reader = await checker.createReader({ topic })
  const numbers: number[] = []
  for (;;) {
    const messages = await reader.read({ maxMessages: 1000, timeoutMs: numbers.length < written ? PATIENCE_MS : 1_000 })
    if (messages.length === 0) break
    numbers.push(...messages.map(numberOf))
  }
  await reader.close()
  return numbers
}

const missing = (count: number, numbers: ReadonlySet<number>): number =>
  Array.from({ length: count }, (_, number) => number).filter(number => !numbers.has(number)).length

function outOfOrder(numbers: readonly number[]): number {
  const last = new Map<string, number>()
  let count = 0
  for (const number of numbers) {
    const key = keyOf(number)
    const before = last.get(key) ?? -1
    if (number < before) count += 1
    last.set(key, Math.max(before, number))
  }
  return count
}
