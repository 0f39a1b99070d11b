import type { TransactionId } from '../transaction/transaction-id.ts'
import { type PulsarOutgoingMessage, roughSize } from './outgoing.ts'
import type { SendCall } from './send-call.ts'

/** Messages of one call for one partition. */
interface Part {
  readonly call: SendCall
  readonly messages: readonly PulsarOutgoingMessage[]
  /** Where each message stands in the call; undefined: in the same place. */
  readonly places: readonly number[] | undefined
  /** What comes next. */
  next: number
}

/** Neighbours in a cut that belong to the same call. */
export interface Segment {
  readonly call: SendCall
  readonly messages: readonly PulsarOutgoingMessage[]
  readonly places: readonly number[] | undefined
  readonly from: number
  readonly to: number
}

/** Messages that go into one entry. */
export interface Cut {
  readonly segments: readonly Segment[]
  readonly count: number
  /** A little more than they will take. */
  readonly bytes: number
  readonly transaction: TransactionId | undefined
}

/** How entries are cut. */
export interface CutLimits {
  readonly maxMessages: number
  readonly maxBytes: number
  /** Only messages of one key share an entry. */
  readonly byKey: boolean
}

/** Messages that wait to be made into entries, in their order. */
export class Outbox {
  messages = 0
  private parts: Part[] = []
  private head = 0

  add(call: SendCall, messages: readonly PulsarOutgoingMessage[], places: readonly number[] | undefined): void {
    this.parts.push({ call, messages, places, next: 0 })
    this.messages += messages.length
  }

  /** Takes everything out; the calls it belongs to. */
  clear(): readonly SendCall[] {
    const calls = this.parts.slice(this.head).map(part => part.call)
    this.parts = []
    this.head = 0
    this.messages = 0
    return calls
  }

  /**
   * Cuts off what goes into the next entry. `mayFollow` says whether a message may share the entry with those before it
   * for reasons of their sequence ids.
   */
  cut(limits: CutLimits, mayFollow: (message: PulsarOutgoingMessage, before: PulsarOutgoingMessage) => boolean): Cut {
    const segments: Segment[] = []
    let count = 0
    let bytes = 0
    let last: PulsarOutgoingMessage | undefined
    let transaction: TransactionId | undefined
    let full = false
    while (!full && this.head < this.parts.length) {
      const part = this.parts[this.head] as Part
      if (part.call.settled) {
        // The call was rejected meanwhile.
        this.messages -= part.messages.length - part.next
        this.drop()
        continue
      }
      if (count > 0 && part.call.transaction !== transaction) break
      transaction = part.call.transaction
      const from = part.next
      let to = from
      for (; to < part.messages.length; to += 1) {
        const message = part.messages[to] as PulsarOutgoingMessage
        const size = roughSize(message)
        if (last !== undefined && !this.fits(message, last, count, bytes + size, limits, mayFollow)) {
          full = true
          break
        }
        count += 1
        bytes += size
        last = message
      }
      if (to > from) segments.push({ call: part.call, messages: part.messages, places: part.places, from, to })
      this.messages -= to - from
      part.next = to
      if (to === part.messages.length) this.drop()
    }
    return { segments, count, bytes, transaction }
  }

  private fits(
    message: PulsarOutgoingMessage,
    last: PulsarOutgoingMessage,
    count: number,
    bytes: number,
    limits: CutLimits,
    mayFollow: (message: PulsarOutgoingMessage, before: PulsarOutgoingMessage) => boolean,
  ): boolean {
    if (count >= limits.maxMessages || bytes > limits.maxBytes) return false
    if (message.deliverAt !== undefined || last.deliverAt !== undefined) return false
    if (limits.byKey && (message.key !== last.key || message.orderingKey !== last.orderingKey)) return false
    return mayFollow(message, last)
  }

  private drop(): void {
    this.parts[this.head] = DROPPED
    this.head += 1
    if (this.head < 64 && this.head < this.parts.length) return
    this.parts.splice(0, this.head)
    this.head = 0
  }
}

const DROPPED = undefined as unknown as Part
