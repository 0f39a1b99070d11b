import { ByteReader, ByteWriter } from './bytes.ts'
import { type Environment, randomVersion } from './environment.ts'
import { subscriptionDeletedError } from './errors.ts'
import { RangeSet } from './range-set.ts'
import type { Signal } from './signal.ts'

interface CursorState {
  readonly version: number
  /** Grows with every seek: what was handed out before is forgotten. */
  readonly epoch: number
  readonly acknowledged: RangeSet
}

/** What one subscription has acknowledged of one log. Durable; shared by all consumers of this thread. */
export class Cursor {
  private readonly env: Environment
  private readonly key: [number, string]
  private readonly news: Signal
  private state: CursorState | undefined
  private pending = new RangeSet()
  private pendingEpoch = 0
  private waiters: { readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = []
  private committing = false

  constructor(env: Environment, topicId: number, subscription: string, news: Signal) {
    this.env = env
    this.key = [topicId, subscription]
    this.news = news
  }

  get exists(): boolean {
    return this.env.read(this.env.cursors, this.key) !== undefined
  }

  get epoch(): number {
    return this.load().epoch
  }

  /** Not to be changed by the caller. */
  get acknowledged(): RangeSet {
    return this.load().acknowledged
  }

  /** Everything below this ordinal is acknowledged. */
  get mark(): number {
    return this.load().acknowledged.firstAbsent(0)
  }

  get version(): number {
    return this.load().version
  }

  /** Looks whether others wrote it. Whoever looks first, all who listen hear of it. */
  look(): void {
    if (this.env.unchanged(this.env.cursors, this.key, this.state?.version)) return
    const present = this.env.read(this.env.cursors, this.key)
    this.state = present === undefined ? undefined : decode(present.value, present.version)
    this.news.fire()
  }

  /** Makes the subscription, unless it is there; then it stays where it is. */
  async ensure(from: () => number): Promise<void> {
    this.env.refresh()
    if (this.exists) return
    const acknowledged = RangeSet.of(0, from())
    await this.env.writeIf(this.env.cursors, this.key, undefined, () => {
      this.env.put(this.env.cursors, this.key, encode(0, acknowledged), randomVersion())
    })
    this.env.refresh()
  }

  /** Records acknowledgements; those of before a seek are forgotten. Several calls share one commit. */
  acknowledge(ordinals: RangeSet, epoch: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (epoch > this.pendingEpoch) {
        this.pending.clear()
        this.pendingEpoch = epoch
      }
      if (epoch === this.pendingEpoch) this.pending.addAll(ordinals)
      this.waiters.push({ resolve, reject })
      if (this.committing) return
      this.committing = true
      queueMicrotask(() => void this.commitAll())
    })
  }

  /** Moves the subscription: everything below the ordinal counts as acknowledged, nothing else does. */
  async seek(ordinal: number): Promise<void> {
    const acknowledged = RangeSet.of(0, ordinal)
    await this.env.update(this.env.cursors, this.key, present => {
      if (present === undefined) throw this.gone()
      return encode(decode(present, 0).epoch + 1, acknowledged)
    })
    this.env.refresh()
    this.look()
  }

  async remove(): Promise<void> {
    await this.env.write(this.env.cursors, () => void this.env.cursors.remove(this.key))
    this.state = undefined
    this.env.refresh()
  }

  private async commitAll(): Promise<void> {
    while (this.waiters.length > 0) {
      const group = this.waiters
      const ordinals = this.pending
      const epoch = this.pendingEpoch
      this.waiters = []
      this.pending = new RangeSet()
      try {
        await this.commit(ordinals, epoch)
        for (const { resolve } of group) resolve()
      } catch (error) {
        for (const { reject } of group) reject(error)
      }
    }
    this.committing = false
  }

  private async commit(ordinals: RangeSet, epoch: number): Promise<void> {
    const { env } = this
    for (;;) {
      const state = this.load()
      if (state.epoch !== epoch) return
      const acknowledged = state.acknowledged.clone()
      acknowledged.addAll(ordinals)
      if (acknowledged.size === state.acknowledged.size) return
      const version = randomVersion()
      const done = await env.writeIf(env.cursors, this.key, state.version, () => {
        env.put(env.cursors, this.key, encode(epoch, acknowledged), version)
      })
      if (done) {
        this.state = { version, epoch, acknowledged }
        this.news.fire()
        return
      }
      env.refresh()
      this.look()
    }
  }

  private load(): CursorState {
    if (this.state === undefined) {
      this.look()
      if (this.state === undefined) throw this.gone()
    }
    return this.state
  }

  private gone(): Error {
    return subscriptionDeletedError(this.key[1])
  }
}

function encode(epoch: number, acknowledged: RangeSet): Buffer {
  const out = new ByteWriter()
  out.varint(epoch)
  acknowledged.write(out)
  return out.finish()
}

function decode(bytes: Buffer, version: number): CursorState {
  const from = new ByteReader(bytes)
  return { version, epoch: from.varint(), acknowledged: RangeSet.read(from) }
}

/** The first ordinal that a stored cursor has not acknowledged. */
export function markOf(bytes: Buffer): number {
  return decode(bytes, 0).acknowledged.firstAbsent(0)
}
