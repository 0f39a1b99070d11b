/** How much a consumer lets the broker send ahead. */
export interface PermitLimits {
  /** Messages. */
  readonly messages: number
  /** Bytes; the number of messages that fit is estimated from those that came. */
  readonly bytes: number
}

/** Weight of the newest entry in the average size of a message. */
const SMOOTHING = 1 / 16
/** Before any message came. */
const FIRST_MESSAGES = 1_000

/** Counts what the broker may still send, and what to allow next. */
export class Permits {
  limits: PermitLimits
  /** Allowed and not received; below 0 when a batch was larger than what was left. */
  outstanding = 0
  private averageBytes = 0

  constructor(limits: PermitLimits) {
    this.limits = limits
  }

  /** A new subscription at the broker begins with none. */
  reset(): void {
    this.outstanding = 0
  }

  received(messages: number, bytes: number): void {
    this.outstanding -= messages
    const each = bytes / messages
    this.averageBytes = this.averageBytes === 0 ? each : this.averageBytes + (each - this.averageBytes) * SMOOTHING
  }

  /** Messages to allow now, where so many wait here and so many may still be handed out; 0: not worth a command. */
  grant(waiting: number, room: number): number {
    const window = Math.min(this.window(), room)
    const missing = window - waiting - this.outstanding
    if (missing <= 0 || (missing < window / 2 && this.outstanding > 0)) return 0
    this.outstanding += missing
    return missing
  }

  private window(): number {
    const { messages, bytes } = this.limits
    if (this.averageBytes === 0) return Math.min(messages, FIRST_MESSAGES)
    return Math.max(1, Math.min(messages, Math.floor(bytes / this.averageBytes)))
  }
}
