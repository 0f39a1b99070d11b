/** Whether an instance gets on, as it tells itself. */
export interface Liveness {
  /** Grows with everything that comes in, is settled, or is answered. */
  readonly progress: number
  /** What it waits for with work before it; undefined when it has none, or waits on purpose and says so. */
  readonly waitsFor: string | undefined
  /** It holds records; else messages wait for it and do not come. */
  readonly inHand: boolean
}

/** What a watch found. */
export interface StuckFinding {
  /** What the instance waits for, to be read behind "no progress for …:". */
  readonly waitsFor: string
  /** It does not even tell how it is, and will not hear either. */
  readonly silent: boolean
}

/** Looks in the time of the limit. */
const LOOKS = 10
/** Milliseconds between looks at most, and at least. */
const LOOK_AT_MOST_MS = 5_000
const LOOK_AT_LEAST_MS = 50

const SILENT = 'it does not answer: its code keeps the thread, or its process stands still'

/**
 * Finds an instance that has work and does nothing. It counts its own looks, not the time that passed, so that a machine
 * that slept or a runtime that stood still does not blame an instance.
 */
export class StuckWatch {
  readonly #limitMs: number
  readonly #everyMs: number
  readonly #found: (finding: StuckFinding) => void
  #timer: NodeJS.Timeout | undefined
  #last: Liveness | undefined
  /** Since the last look: heard of it, and it gets on or has nothing to do. */
  #heard = false
  #moved = false
  #silentMs = 0
  #stalledMs = 0
  /** An earlier life was ended because messages did not come; a restart that did not help is not repeated. */
  #askedForMore = false

  /** `found` is called at most once between {@link begin} and {@link end}. A limit of 0 finds nothing. */
  constructor(limitMs: number, found: (finding: StuckFinding) => void) {
    this.#limitMs = limitMs
    this.#everyMs = Math.min(LOOK_AT_MOST_MS, Math.max(LOOK_AT_LEAST_MS, limitMs / LOOKS))
    this.#found = found
  }

  /** A life of the instance begins. It counts from the first word on. */
  begin(): void {
    this.end()
    this.#last = undefined
    this.#silentMs = 0
    this.#stalledMs = 0
    if (this.#limitMs <= 0) return
    this.#timer = setInterval(() => this.#look(), this.#everyMs)
    this.#timer.unref()
  }

  /** The instance tells how it is; `received` is what came in since it began. */
  hear(now: Liveness, received: number): void {
    this.#heard = true
    if (now.progress !== this.#last?.progress || now.waitsFor === undefined) this.#moved = true
    if (received > 0) this.#askedForMore = false
    this.#last = now
  }

  /** Nobody has to look any more. */
  end(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #look(): void {
    const last = this.#last
    if (last === undefined) return
    this.#silentMs = this.#heard ? 0 : this.#silentMs + this.#everyMs
    this.#stalledMs = this.#moved ? 0 : this.#stalledMs + this.#everyMs
    this.#heard = false
    this.#moved = false
    if (this.#stalledMs < this.#limitMs) return
    const silent = this.#silentMs >= this.#limitMs / 2
    if (!silent && !last.inHand) {
      if (this.#askedForMore) return
      this.#askedForMore = true
    }
    this.end()
    this.#found({ silent, waitsFor: silent ? SILENT : (last.waitsFor ?? SILENT) })
  }
}
