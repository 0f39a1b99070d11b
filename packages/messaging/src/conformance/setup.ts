import { randomBytes } from 'node:crypto'
import type { Position } from '@pulsar-io/sdk'
import type { Capabilities, Consumer, ConsumerOptions, MessagingClient } from '../client.ts'
import type { Message, OutgoingMessage } from '../message.ts'
import type { ConformanceOptions } from './index.ts'

/** What all clauses share: two clients of the same system, names nobody else uses, bounded waiting. */
export class Setup {
  readonly capabilities: Capabilities
  readonly quietMs: number
  private readonly patienceMs: number
  private readonly make: () => Promise<MessagingClient>
  private clients: MessagingClient[] = []
  private readonly run = randomBytes(4).toString('hex')
  private count = 0

  constructor(options: ConformanceOptions) {
    this.capabilities = options.capabilities
    this.patienceMs = options.patienceMs ?? 15_000
    this.quietMs = options.quietMs ?? 250
    this.make = options.makeClient
  }

  async open(): Promise<void> {
    this.clients = [await this.make(), await this.make()]
  }

  async close(): Promise<void> {
    for (const client of this.clients) await client.close()
  }

  get client(): MessagingClient {
    return this.clients[0] as MessagingClient
  }

  /** A second client, for what has to hold between two of them. */
  get other(): MessagingClient {
    return this.clients[1] as MessagingClient
  }

  /** A topic name that is used for the first time. */
  topic(): string {
    this.count += 1
    return `persistent://public/default/conformance-${this.run}-${this.count}`
  }

  subscribe(topic: string, options: Partial<ConsumerOptions> = {}, client = this.client): Promise<Consumer> {
    return client.subscribe({
      ...(options.topicsPattern === undefined ? { topics: [topic] } : {}),
      subscription: 'sub',
      type: 'Exclusive',
      initialPosition: 'Earliest',
      ...options,
    })
  }

  /** Publishes texts with a producer of its own. */
  async publish(topic: string, ...payloads: string[]): Promise<readonly (Position | null)[]> {
    return this.send(
      topic,
      payloads.map(payload => ({ payload: Buffer.from(payload) })),
    )
  }

  async send(topic: string, messages: readonly OutgoingMessage[]): Promise<readonly (Position | null)[]> {
    const producer = await this.client.createProducer({ topic })
    try {
      return await producer.send(messages)
    } finally {
      await producer.close()
    }
  }

  /** Receives until `count` messages came, or patience ends. */
  async take(consumer: Consumer, count: number): Promise<Message[]> {
    const messages: Message[] = []
    const until = performance.now() + this.patienceMs
    while (messages.length < count && performance.now() < until) {
      messages.push(
        ...(await consumer.receive({
          maxMessages: count - messages.length,
          timeoutMs: Math.max(1, until - performance.now()),
        })),
      )
    }
    return messages
  }

  /** What comes although nothing should. */
  async unexpected(consumer: Consumer): Promise<readonly string[]> {
    return texts(await consumer.receive({ maxMessages: 100, timeoutMs: this.quietMs }))
  }

  /** Asks over and over until the answer passes, or patience ends; returns the last answer. */
  async until<T>(ask: () => T | Promise<T>, passes: (answer: T) => boolean): Promise<T> {
    const until = performance.now() + this.patienceMs
    for (;;) {
      const answer = await ask()
      if (passes(answer) || performance.now() > until) return answer
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }
}

/** Payload of a message as text. */
export function text(message: Message | undefined): string {
  return Buffer.from(message?.payload ?? new Uint8Array()).toString()
}

export function texts(messages: readonly Message[]): string[] {
  return messages.map(text)
}

/** Texts `prefix0`, `prefix1`, … */
export function numbered(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${i}`)
}

export function outgoing(...payloads: string[]): OutgoingMessage[] {
  return payloads.map(payload => ({ payload: Buffer.from(payload) }))
}
