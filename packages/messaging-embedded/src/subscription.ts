import { Cursor } from './cursor.ts'
import type { Environment } from './environment.ts'
import type { Membership, Registry } from './registry.ts'
import { Signal } from './signal.ts'
import type { TopicLog } from './topic-log.ts'

/** One subscription of one log, as all its consumers in this thread share it. */
export class Subscription {
  readonly log: TopicLog
  readonly name: string
  readonly cursor: Cursor
  readonly registry: Registry
  readonly env: Environment
  /** Fires when members, claims or acknowledgements may have changed. */
  readonly news = new Signal()
  private seenMembers: number | undefined
  private seenDispatch: number | undefined
  private membership: Membership | undefined

  constructor(env: Environment, registry: Registry, log: TopicLog, name: string) {
    this.env = env
    this.registry = registry
    this.log = log
    this.name = name
    this.cursor = new Cursor(env, log.record.id, name, this.news)
  }

  /** Looks what others did; fires where there is something new. */
  look(): void {
    this.cursor.look()
    let changed = false
    const key: [number, string] = [this.log.record.id, this.name]
    if (!this.env.unchanged(this.env.registry, key, this.seenMembers)) {
      const members = this.registry.read(this.log.record.id, this.name)
      this.seenMembers = members?.version
      this.membership = members?.value
      changed = true
    }
    if (!this.env.unchanged(this.env.dispatch, key, this.seenDispatch)) {
      this.seenDispatch = this.env.read(this.env.dispatch, key)?.version
      changed = true
    }
    if (changed) this.news.fire()
  }

  get members(): Membership | undefined {
    return this.membership
  }

  /** Messages that are not acknowledged. */
  backlog(): number {
    const { first, next } = this.log
    return next - first - this.cursor.acknowledged.intersection(first, next).size
  }
}
