/** What became of one message of an entry. */
export const OPEN = 0
/** Handed out, and nobody said what became of it. */
export const HELD = 1
/** To be handed out again later. */
export const REFUSED = 2
const ACKNOWLEDGED = 3

/** What is known of an entry of which something was handed out; outlives its deliveries. */
export class EntryState {
  readonly ledgerId: bigint
  readonly entryId: bigint
  /** By index in the batch. */
  readonly states: Uint8Array
  /** Messages that are not acknowledged. */
  remaining: number
  /** Messages that are handed out and not settled. */
  held = 0
  /** The other chunks of a chunked message: they are acknowledged with it. */
  readonly chunks: readonly { readonly ledgerId: bigint; readonly entryId: bigint }[] | undefined
  /** Counts the seeks of its consumer: what was handed out before one is forgotten. */
  readonly epoch: number

  constructor(
    ledgerId: bigint,
    entryId: bigint,
    count: number,
    epoch: number,
    chunks?: readonly { readonly ledgerId: bigint; readonly entryId: bigint }[],
  ) {
    this.ledgerId = ledgerId
    this.entryId = entryId
    this.states = new Uint8Array(count)
    this.remaining = count
    this.epoch = epoch
    this.chunks = chunks
  }

  /** The message is acknowledged; false when it was before. */
  acknowledge(index: number): boolean {
    const before = this.states[index]
    if (before === ACKNOWLEDGED || before === undefined) return false
    if (before === HELD) this.held -= 1
    this.states[index] = ACKNOWLEDGED
    this.remaining -= 1
    return true
  }

  /** Takes an acknowledgement back: the message may be handed out again. */
  reopen(index: number): void {
    if (this.states[index] !== ACKNOWLEDGED) return
    this.states[index] = OPEN
    this.remaining += 1
  }

  /** The bits of what is not acknowledged. */
  ackSet(): readonly bigint[] {
    return bitsOf(this.states.length, index => this.states[index] !== ACKNOWLEDGED)
  }
}

/** Bits as the protocol has them: 64 to a number, the first index lowest. */
export function bitsOf(count: number, isSet: (index: number) => boolean): readonly bigint[] {
  const words: bigint[] = []
  for (let from = 0; from < count; from += 64) {
    let low = 0
    let high = 0
    for (let bit = 0; bit < 64 && from + bit < count; bit += 1) {
      if (!isSet(from + bit)) continue
      if (bit < 32) low |= 1 << bit
      else high |= 1 << (bit - 32)
    }
    words.push(BigInt.asIntN(64, (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)))
  }
  return words
}

/** The entries of one partition of which something is out or half acknowledged. */
export class UnsettledEntries {
  private readonly ledgers = new Map<bigint, Map<bigint, EntryState>>()

  get(ledgerId: bigint, entryId: bigint): EntryState | undefined {
    return this.ledgers.get(ledgerId)?.get(entryId)
  }

  add(state: EntryState): void {
    let ledger = this.ledgers.get(state.ledgerId)
    if (ledger === undefined) {
      ledger = new Map()
      this.ledgers.set(state.ledgerId, ledger)
    }
    ledger.set(state.entryId, state)
  }

  remove(state: EntryState): void {
    const ledger = this.ledgers.get(state.ledgerId)
    if (ledger?.get(state.entryId) !== state) return
    ledger.delete(state.entryId)
    if (ledger.size === 0) this.ledgers.delete(state.ledgerId)
  }

  *all(): Generator<EntryState> {
    for (const ledger of this.ledgers.values()) yield* ledger.values()
  }

  clear(): void {
    this.ledgers.clear()
  }
}
