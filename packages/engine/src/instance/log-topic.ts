import type { MessagingClient, Producer } from '@pulsar-io/messaging'
import type { LogLine } from '../log.ts'

/** Lines that wait for the topic at most; older ones give way, and how many did is said. */
const MAX_WAITING = 1_000

/** Publishes the log lines of an instance to a topic, without ever holding the instance up. */
export class LogTopic {
  readonly #client: MessagingClient
  readonly #topic: string
  readonly #waiting: LogLine[] = []
  #dropped = 0
  #producer: Producer | undefined
  #sending: Promise<void> | undefined
  #closed = false

  constructor(client: MessagingClient, topic: string) {
    this.#client = client
    this.#topic = topic
  }

  add(line: LogLine): void {
    if (this.#closed) return
    this.#waiting.push(line)
    if (this.#waiting.length > MAX_WAITING) {
      this.#waiting.shift()
      this.#dropped++
    }
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#sending
    await this.#producer?.close()
  }

  async #send(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines: object[] = this.#waiting.splice(0)
      if (this.#dropped > 0)
        lines.unshift({ level: 'warn', time: Date.now(), message: `${this.#dropped} log lines were dropped` })
      this.#dropped = 0
      try {
        this.#producer ??= await this.#client.createProducer({ topic: this.#topic, schema: { type: 'JSON' } })
        await this.#producer.send(lines.map(line => ({ payload: Buffer.from(JSON.stringify(line)) })))
      } catch {
        // The lines are on the runtime's own log as well; a topic that is away must not hold the connector up.
        this.#dropped += lines.length
        return
      }
    }
  }
}
