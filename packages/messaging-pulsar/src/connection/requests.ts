import { ServerFailure, timeoutError } from '../errors.ts'
import type { Command } from '../wire/commands.ts'

interface Waiting {
  readonly resolve: (command: Command) => void
  readonly reject: (error: unknown) => void
  /** Milliseconds since the process began; Infinity: the broker may take its time. */
  deadline: number
  readonly action: string
}

const SWEEP_MS = 250

/** Requests of one connection that wait for their answers. */
export class Requests {
  private readonly waiting = new Map<number, Waiting>()
  private readonly timeoutMs: number
  private readonly broker: string
  private next = 0
  private timer: NodeJS.Timeout | undefined

  constructor(broker: string, timeoutMs: number) {
    this.broker = broker
    this.timeoutMs = timeoutMs
  }

  /** A new request id and its answer. Rejects with a {@link ServerFailure} or `PIO_PULSAR_TIMEOUT`. */
  open(action: string): { readonly id: number; readonly answer: Promise<Command> } {
    const id = this.next++
    const answer = new Promise<Command>((resolve, reject) => {
      this.waiting.set(id, { resolve, reject, deadline: performance.now() + this.timeoutMs, action })
    })
    this.timer ??= setInterval(() => this.sweep(), SWEEP_MS).unref()
    return { id, answer }
  }

  /** The answer to a request came. */
  settle(id: number, command: Command): void {
    const request = this.take(id)
    if (request === undefined) return
    if (command.name === 'error') request.reject(new ServerFailure(command.body.error, command.body.message))
    else request.resolve(command)
  }

  /** An answer said that the real one will take its time. */
  extend(id: number): void {
    const request = this.waiting.get(id)
    if (request !== undefined) request.deadline = Number.POSITIVE_INFINITY
  }

  /** Nobody waits for the answer any more. */
  forget(id: number, error: unknown): void {
    this.take(id)?.reject(error)
  }

  /** No answer will come. */
  fail(error: unknown): void {
    const all = [...this.waiting.values()]
    this.waiting.clear()
    this.stop()
    for (const request of all) request.reject(error)
  }

  private take(id: number): Waiting | undefined {
    const request = this.waiting.get(id)
    if (request === undefined) return undefined
    this.waiting.delete(id)
    if (this.waiting.size === 0) this.stop()
    return request
  }

  private stop(): void {
    clearInterval(this.timer)
    this.timer = undefined
  }

  private sweep(): void {
    const now = performance.now()
    for (const [id, request] of this.waiting) {
      if (request.deadline > now) continue
      this.take(id)
      request.reject(timeoutError(request.action, this.broker, this.timeoutMs))
    }
  }
}
