import type { Position } from '@pulsar-io/sdk'
import type { TransactionId } from '../transaction/transaction-id.ts'

/** One call of `send`: the positions of its messages come in from one or several partitions. */
export class SendCall {
  readonly positions: (Position | null)[]
  readonly promise: Promise<readonly (Position | null)[]>
  readonly transaction: TransactionId | undefined
  settled = false
  private open: number
  private resolve!: (positions: readonly (Position | null)[]) => void
  private refuse!: (error: unknown) => void

  constructor(count: number, transaction: TransactionId | undefined) {
    this.positions = new Array(count).fill(null)
    this.open = count
    this.transaction = transaction
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.refuse = reject
    })
  }

  /** So many messages are confirmed. */
  confirm(count: number): void {
    this.open -= count
    if (this.open > 0 || this.settled) return
    this.settled = true
    this.resolve(this.positions)
  }

  reject(error: unknown): void {
    if (this.settled) return
    this.settled = true
    this.refuse(error)
  }
}
