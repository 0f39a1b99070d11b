import type { Delivery } from './delivery.ts'

/** Entries that came and wait to be handed out, in their order. */
export class DeliveryQueue {
  /** Messages in it; whoever takes some of an entry says so. */
  messages = 0
  private entries: Delivery[] = []
  private head = 0

  get first(): Delivery | undefined {
    return this.entries[this.head]
  }

  push(delivery: Delivery): void {
    this.entries.push(delivery)
    this.messages += delivery.left
  }

  /** Takes the first one away, of which nothing is left. */
  shift(): void {
    this.head += 1
    if (this.head < 64 && this.head < this.entries.length) return
    this.entries.splice(0, this.head)
    this.head = 0
  }

  includes(delivery: Delivery): boolean {
    return this.entries.includes(delivery)
  }

  clear(): void {
    this.entries = []
    this.head = 0
    this.messages = 0
  }
}
