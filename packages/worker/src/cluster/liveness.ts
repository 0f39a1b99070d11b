import type { MemberRecord } from './records.ts'

/** Milliseconds that whatever a process has started gets to notice that the process is gone. */
const ORPHANS_END_MS = 500

/** How the lives of others are judged. */
export interface LivenessOptions {
  /** Milliseconds beyond a lease. */
  readonly marginMs: number
  /** Milliseconds without a look after which nothing is known about the time between. */
  readonly blindAfterMs: number
  /** Whether the member's process can be seen to have ended. */
  readonly hasEnded: (member: MemberRecord) => boolean
}

interface Life {
  beat: number
  /** When the last change was seen, or could have been. */
  changed: number
  endSeen: number | undefined
  gone: boolean
}

/**
 * Which members are gone, by what this observer saw and when, on its own clock. A heartbeat is seen after it was sent, so
 * a lease has ended for its holder before it has ended here.
 */
export class Liveness {
  readonly #options: LivenessOptions
  readonly #lives = new Map<string, Life>()
  #lastLook: number | undefined

  constructor(options: LivenessOptions) {
    this.#options = options
  }

  /** Takes in what a read told that was asked for at one time and answered at another, in milliseconds of the own clock. */
  observe(members: ReadonlyMap<string, MemberRecord>, asked: number, answered: number): void {
    const blind = this.#lastLook === undefined || asked - this.#lastLook > this.#options.blindAfterMs
    this.#lastLook = answered
    for (const id of this.#lives.keys()) if (!members.has(id)) this.#lives.delete(id)
    for (const [id, member] of members) {
      let life = this.#lives.get(id)
      if (life === undefined) {
        life = { beat: member.beat, changed: answered, endSeen: undefined, gone: false }
        this.#lives.set(id, life)
      }
      if (!life.gone) this.#look(life, member, blind, asked, answered)
    }
  }

  /** Whether the member's lease has ended for certain. One that left is gone as well. */
  isGone(id: string): boolean {
    return this.#lives.get(id)?.gone ?? true
  }

  #look(life: Life, member: MemberRecord, blind: boolean, asked: number, answered: number): void {
    if (this.#options.hasEnded(member)) life.endSeen ??= answered
    if (life.beat !== member.beat || blind) {
      life.beat = member.beat
      life.changed = answered
    }
    life.gone =
      asked - life.changed >= member.leaseMs + this.#options.marginMs ||
      (life.endSeen !== undefined && asked - life.endSeen >= ORPHANS_END_MS)
  }
}
