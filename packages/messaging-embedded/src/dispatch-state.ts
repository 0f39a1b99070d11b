import { ByteReader, ByteWriter } from './bytes.ts'
import type { Entry } from './entry.ts'
import type { Delivery } from './message.ts'
import { EmbeddedMessage } from './message.ts'
import { RangeSet } from './range-set.ts'
import type { TopicLog } from './topic-log.ts'

/** Counts above are not told apart. */
const MAX_COUNT = 1_000
/** Key_Shared: messages that were passed over because another consumer gets them, at most. */
const MAX_PASSED = 10_000

/** What one `take` may hand out. */
export interface TakeRequest {
  readonly consumer: string
  readonly delivery: Delivery
  readonly log: TopicLog
  readonly acknowledged: RangeSet
  readonly maxMessages: number
  readonly maxBytes: number
  readonly now: number
  /** Key_Shared: whether the message is this consumer's; absent: all are. */
  readonly accepts?: ((entry: Entry, index: number) => boolean) | undefined
}

/** What was taken. */
export interface Taken {
  readonly messages: EmbeddedMessage[]
  readonly ordinals: RangeSet
  readonly bytes: number
}

/**
 * Who holds which messages of a subscription. Every ordinal below `cursor` is in exactly one place: acknowledged (kept
 * elsewhere), claimed by a consumer, ready to be handed out again, or delayed.
 */
export class DispatchState {
  epoch: number
  cursor: number
  /** Consumers that the claims were last brought in line with. */
  members: string[] = []
  /** Ordinals below were handed out under other members. */
  fence = 0
  readonly ready = new RangeSet()
  readonly claims = new Map<string, RangeSet>()
  private delayed: { readonly at: number; readonly ordinals: RangeSet }[] = []
  /** At index n: ordinals that were handed out n + 1 times before their next delivery. */
  private readonly counts: RangeSet[] = []

  constructor(epoch: number, cursor: number) {
    this.epoch = epoch
    this.cursor = cursor
  }

  /** When the next delayed message is due, in milliseconds since 1970. */
  get nextDue(): number | undefined {
    return this.delayed[0]?.at
  }

  /** Hands out what is ready first, then what was never handed out. */
  take(request: TakeRequest): Taken {
    this.wake(request.now)
    const taken: Taken & { bytes: number } = { messages: [], ordinals: new RangeSet(), bytes: 0 }
    if (this.ready.size > 0) this.takeReady(request, taken)
    this.takeFresh(request, taken)
    if (taken.ordinals.size > 0) {
      const claims = this.claims.get(request.consumer)
      if (claims === undefined) this.claims.set(request.consumer, taken.ordinals.clone())
      else claims.addAll(taken.ordinals)
    }
    return taken
  }

  /** Takes messages from a consumer and makes them ready again, at once or at a time; `counted`: as a redelivery. */
  release(consumer: string, ordinals: RangeSet, at: number, now: number): void {
    const claims = this.claims.get(consumer)
    if (claims === undefined) return
    const released = new RangeSet()
    ordinals.visit((start, end) => released.addAll(claims.intersection(start, end)))
    if (released.size === 0) return
    claims.removeAll(released)
    if (claims.size === 0) this.claims.delete(consumer)
    this.countUp(released)
    if (at <= now) {
      this.ready.addAll(released)
      return
    }
    const same = this.delayed.find(group => group.at === at)
    if (same !== undefined) same.ordinals.addAll(released)
    else {
      this.delayed.push({ at, ordinals: released })
      this.delayed.sort((a, b) => a.at - b.at)
    }
  }

  /** Releases what consumers hold that are not among the members any more. */
  keepMembers(members: readonly string[], now: number): boolean {
    let changed = false
    const present = new Set(members)
    for (const [consumer, ordinals] of [...this.claims]) {
      if (present.has(consumer)) continue
      this.release(consumer, ordinals.clone(), now, now)
      changed = true
    }
    if (members.length !== this.members.length || members.some((member, i) => member !== this.members[i])) {
      this.members = [...members]
      this.fence = this.cursor
      changed = true
    }
    return changed
  }

  /** Forgets what is acknowledged. */
  settle(acknowledged: RangeSet): void {
    this.ready.removeAll(acknowledged)
    for (const [consumer, ordinals] of this.claims) {
      ordinals.removeAll(acknowledged)
      if (ordinals.size === 0) this.claims.delete(consumer)
    }
    for (const { ordinals } of this.delayed) ordinals.removeAll(acknowledged)
    this.delayed = this.delayed.filter(({ ordinals }) => ordinals.size > 0)
    for (const ordinals of this.counts) ordinals.removeAll(acknowledged)
    while (this.counts.length > 0 && this.counts.at(-1)?.size === 0) this.counts.pop()
  }

  redeliveryCount(ordinal: number): number {
    for (let n = this.counts.length - 1; n >= 0; n -= 1) if (this.counts[n]?.has(ordinal)) return n + 1
    return 0
  }

  encode(): Buffer {
    const out = new ByteWriter()
    out.varint(this.epoch)
    out.varint(this.cursor)
    out.varint(this.fence)
    out.varint(this.members.length)
    for (const member of this.members) out.text(member)
    this.ready.write(out)
    out.varint(this.delayed.length)
    for (const { at, ordinals } of this.delayed) {
      out.varint(at)
      ordinals.write(out)
    }
    out.varint(this.claims.size)
    for (const [consumer, ordinals] of this.claims) {
      out.text(consumer)
      ordinals.write(out)
    }
    out.varint(this.counts.length)
    for (const ordinals of this.counts) ordinals.write(out)
    return out.finish()
  }

  static decode(bytes: Buffer): DispatchState {
    const from = new ByteReader(bytes)
    const state = new DispatchState(from.varint(), from.varint())
    state.fence = from.varint()
    for (let n = from.varint(); n > 0; n -= 1) state.members.push(from.text())
    state.ready.addAll(RangeSet.read(from))
    for (let n = from.varint(); n > 0; n -= 1) state.delayed.push({ at: from.varint(), ordinals: RangeSet.read(from) })
    for (let n = from.varint(); n > 0; n -= 1) state.claims.set(from.text(), RangeSet.read(from))
    for (let n = from.varint(); n > 0; n -= 1) state.counts.push(RangeSet.read(from))
    return state
  }

  private wake(now: number): void {
    while (this.delayed.length > 0 && (this.delayed[0]?.at ?? 0) <= now) {
      const due = this.delayed.shift()
      if (due !== undefined) this.ready.addAll(due.ordinals)
    }
  }

  private takeReady(request: TakeRequest, taken: Taken & { bytes: number }): void {
    const gone = new RangeSet()
    this.ready.visit((start, end) => {
      for (let ordinal = start; ordinal < end; ordinal += 1) {
        if (taken.messages.length >= request.maxMessages) return false
        if (request.acknowledged.has(ordinal)) {
          gone.add(ordinal, ordinal + 1)
          continue
        }
        const entry = request.log.entryAt(ordinal)
        if (entry === undefined || entry.base > ordinal) {
          // Retention took it away.
          gone.add(ordinal, ordinal + 1)
          continue
        }
        if (request.accepts?.(entry, ordinal - entry.base) === false) continue
        if (!this.hand(request, taken, entry, ordinal)) return false
      }
      return true
    })
    this.ready.removeAll(gone)
    this.ready.removeAll(taken.ordinals)
  }

  private takeFresh(request: TakeRequest, taken: Taken & { bytes: number }): void {
    const { log, acknowledged } = request
    const head = log.next
    while (this.cursor < head && taken.messages.length < request.maxMessages) {
      const ordinal = this.cursor
      if (acknowledged.has(ordinal)) {
        this.cursor = Math.min(head, acknowledged.firstAbsent(ordinal))
        continue
      }
      const entry = log.entryAt(ordinal)
      if (entry === undefined) return
      if (entry.base > ordinal) {
        // Retention took away what was in between.
        this.cursor = entry.base
        continue
      }
      if (request.accepts?.(entry, ordinal - entry.base) === false) {
        if (this.ready.size >= MAX_PASSED) return
        this.ready.add(ordinal, ordinal + 1)
      } else if (!this.hand(request, taken, entry, ordinal)) return
      this.cursor = ordinal + 1
    }
  }

  /** False when the message does not fit into what may be handed out any more. */
  private hand(request: TakeRequest, taken: Taken & { bytes: number }, entry: Entry, ordinal: number): boolean {
    const index = ordinal - entry.base
    const size = entry.size(index)
    if (taken.messages.length > 0 && taken.bytes + size > request.maxBytes) return false
    taken.bytes += size
    taken.ordinals.add(ordinal, ordinal + 1)
    const count = this.counts.length === 0 ? 0 : this.redeliveryCount(ordinal)
    taken.messages.push(new EmbeddedMessage(request.delivery, entry, index, count))
    return true
  }

  private countUp(ordinals: RangeSet): void {
    const rest = ordinals.clone()
    for (let n = Math.min(this.counts.length, MAX_COUNT) - 1; n >= 0; n -= 1) {
      const group = this.counts[n] as RangeSet
      const moved = new RangeSet()
      rest.visit((start, end) => moved.addAll(group.intersection(start, end)))
      if (moved.size === 0) continue
      rest.removeAll(moved)
      if (n + 1 >= MAX_COUNT) continue
      group.removeAll(moved)
      this.counts[n + 1] ??= new RangeSet()
      this.counts[n + 1]?.addAll(moved)
    }
    if (rest.size === 0) return
    this.counts[0] ??= new RangeSet()
    this.counts[0].addAll(rest)
  }
}
