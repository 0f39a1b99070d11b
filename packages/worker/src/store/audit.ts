import type { LogLevel } from '@pulsar-io/engine'
import type { MessagingClient, Producer } from '@pulsar-io/messaging'
import { type LogFields, stringifyJson } from '@pulsar-io/sdk'

/** A change, and who made it. */
export interface AuditEntry {
  /** Role of who asked; `anonymous` where nobody has to say who they are. */
  readonly who: string
  readonly action:
    | 'create'
    | 'update'
    | 'delete'
    | 'start'
    | 'stop'
    | 'restart'
    | 'pause'
    | 'resume'
    | 'offsets'
    | 'replay'
  readonly kind: 'sink' | 'source'
  /** `tenant/namespace/name`. */
  readonly fqn: string
  readonly instance?: number
  /** The version that the change made. */
  readonly version?: number
  /** What was given, secrets hidden. */
  readonly config?: unknown
  readonly requestId: string
}

/** Everything that was changed, as messages in a topic: key `tenant/namespace/name`, value JSON. */
export class AuditTrail {
  readonly #client: MessagingClient
  readonly #topic: string
  readonly #workerId: string
  readonly #log: (level: LogLevel, message: string, fields?: LogFields) => void
  #producer: Promise<Producer> | undefined

  constructor(
    client: MessagingClient,
    topic: string,
    workerId: string,
    log: (level: LogLevel, message: string, fields?: LogFields) => void,
  ) {
    this.#client = client
    this.#topic = topic
    this.#workerId = workerId
    this.#log = log
  }

  async add(entry: AuditEntry): Promise<void> {
    const payload = stringifyJson({ time: new Date().toISOString(), worker: this.#workerId, ...entry })
    const producer = await this.#opened()
    await producer.send([{ key: entry.fqn, payload: Buffer.from(payload) }])
  }

  async close(): Promise<void> {
    // One that failed to open has nothing to close, and its error was told to whoever asked.
    const producer = await this.#producer?.catch(() => undefined)
    await producer?.close()
  }

  #opened(): Promise<Producer> {
    this.#producer ??= this.#open().catch(error => {
      this.#producer = undefined
      throw error
    })
    return this.#producer
  }

  async #open(): Promise<Producer> {
    await this.#client.topics.create(this.#topic)
    try {
      // Without it a cluster would forget at once what nobody has subscribed to.
      await this.#client.topics.setRetention(this.#topic, { sizeBytes: -1, timeMs: -1 })
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.#log('warn', 'the audit trail is kept only as long as the cluster keeps messages', {
        topic: this.#topic,
        reason,
      })
    }
    return this.#client.createProducer({ topic: this.#topic })
  }
}
