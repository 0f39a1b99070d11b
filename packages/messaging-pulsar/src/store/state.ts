import type { StoreRecord } from './record.ts'

interface Slot {
  identity: string
  value: Uint8Array | undefined
  /** By writer. */
  readonly counters: Map<string, { readonly identity: string; readonly sum: bigint }>
}

/** The map that a store's topic describes. It depends on the newest record of each kind only, not on their order. */
export class StoreState {
  private readonly slots = new Map<string, Slot>()

  apply(record: StoreRecord): void {
    let slot = this.slots.get(record.key)
    if (slot === undefined) {
      slot = { identity: '', value: undefined, counters: new Map() }
      this.slots.set(record.key, slot)
    }
    if (record.kind === 'value') {
      slot.identity = record.identity
      slot.value = record.value
    } else if (record.kind === 'counter') {
      slot.counters.set(record.writer, { identity: record.identity, sum: record.sum })
    } else slot.counters.delete(record.writer)
    if (slot.identity === '' && slot.value === undefined && slot.counters.size === 0) this.slots.delete(record.key)
  }

  get(key: string): Uint8Array | undefined {
    const slot = this.slots.get(key)
    if (slot === undefined) return undefined
    let added: bigint | undefined
    for (const { identity, sum } of slot.counters.values()) {
      // What was added to an earlier value went with it.
      if (identity === slot.identity) added = (added ?? 0n) + sum
    }
    return added === undefined ? slot.value : Buffer.from((numberOf(slot.value) + added).toString())
  }

  /** All keys that begin so, in the order of their UTF-8 bytes. */
  keys(prefix: string): readonly string[] {
    const keys = [...this.slots.keys()].filter(key => key.startsWith(prefix) && this.get(key) !== undefined)
    return keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  }

  /** What the value is known by now; empty for a value that was never written. */
  identity(key: string): string {
    return this.slots.get(key)?.identity ?? ''
  }

  /** What a writer has added to the value as it is known now. */
  sum(key: string, writer: string): bigint {
    const slot = this.slots.get(key)
    const counter = slot?.counters.get(writer)
    return counter !== undefined && counter.identity === slot?.identity ? counter.sum : 0n
  }

  /** Who ever added to it. */
  writers(key: string): readonly string[] {
    return [...(this.slots.get(key)?.counters.keys() ?? [])]
  }
}

function numberOf(value: Uint8Array | undefined): bigint {
  const text = Buffer.from(value ?? []).toString()
  return /^-?\d+$/.test(text) ? BigInt(text) : 0n
}
