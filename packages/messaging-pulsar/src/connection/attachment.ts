import { setTimeout as sleep } from 'node:timers/promises'
import { type ConnectorError, isConnectorError } from '@pulsar-io/sdk/core'
import { type ClientContext, connectionTo } from '../context.ts'
import { isPassing } from '../errors.ts'
import { Backoff } from './backoff.ts'
import type { Connection } from './connection.ts'

/** What is to be kept on the broker that serves a topic. */
export interface AttachmentSettings {
  readonly context: ClientContext
  readonly topic: string
  /** Registers with the broker; rejects with a named error. */
  readonly attach: (connection: Connection, reopening: boolean, signal: AbortSignal) => Promise<void>
  /** It cannot be kept: the error is one that no retry mends. */
  readonly onFatal: (error: Error) => void
}

/** Keeps a producer or consumer registered with whoever serves its topic, through failures and moves. */
export class Attachment {
  private readonly settings: AttachmentSettings
  private readonly closed = new AbortController()
  private readonly backoff = new Backoff()
  private working = false
  private lostMeanwhile = false
  private reattaching: Promise<void> = Promise.resolve()

  constructor(settings: AttachmentSettings) {
    this.settings = settings
  }

  /** Registers for the first time; tries again for a while when the broker says that it will pass. */
  async open(signal?: AbortSignal): Promise<void> {
    const either = signal === undefined ? this.closed.signal : AbortSignal.any([signal, this.closed.signal])
    const deadline = performance.now() + this.settings.context.operationTimeoutMs
    this.working = true
    try {
      for (;;) {
        either.throwIfAborted()
        try {
          await this.attachOnce(false, either)
          if (!this.lostMeanwhile) return
        } catch (error) {
          // Nobody listens there: whoever opens decides about waiting.
          const refused = isConnectorError(error) && error.code === 'PIO_PULSAR_UNREACHABLE'
          if (refused || !isPassing(error) || performance.now() > deadline) throw error
        }
        await this.backoff.wait(either)
      }
    } finally {
      this.working = false
      this.backoff.reset()
    }
  }

  /** The registration is gone: makes it again, however long it takes. */
  lost(): void {
    if (this.closed.signal.aborted) return
    this.lostMeanwhile = true
    if (this.working) return
    this.working = true
    this.reattaching = this.reattach().finally(() => {
      this.working = false
      this.backoff.reset()
    })
  }

  /** Resolves when the registration stands again or cannot, at the latest after the time that operations have. */
  async settled(): Promise<void> {
    const timeout = new AbortController()
    const late = sleep(this.settings.context.operationTimeoutMs, undefined, { signal: timeout.signal })
    // Aborted when it is not needed any more.
    await Promise.race([this.reattaching, late.catch(() => undefined)])
    timeout.abort()
  }

  close(): void {
    this.closed.abort(new Error('closed'))
  }

  private async reattach(): Promise<void> {
    const { signal } = this.closed
    while (!signal.aborted) {
      try {
        await this.attachOnce(true, signal)
        if (!this.lostMeanwhile) return
      } catch (error) {
        if (signal.aborted) return
        if (isFatal(error)) {
          this.settings.onFatal(error)
          return
        }
        this.settings.context.report(error)
      }
      // Rejects when it was closed meanwhile; then the loop ends.
      await this.backoff.wait(signal).catch(() => undefined)
    }
  }

  private async attachOnce(reopening: boolean, signal: AbortSignal): Promise<void> {
    const { context, topic, attach } = this.settings
    this.lostMeanwhile = false
    const connection = await connectionTo(context, topic)
    signal.throwIfAborted()
    await attach(connection, reopening, signal)
  }
}

/** Whether no retry can mend it. Refused credentials may be granted again: nothing is given up for them. */
function isFatal(error: unknown): error is ConnectorError {
  if (!isConnectorError(error)) return false
  return error.retry === 'stop' || error.retry === 'reject' || error.code === 'PIO_TOPIC_DELETED'
}
