import type { SubscriptionType } from '@pulsar-io/sdk'
import type { Environment } from './environment.ts'
import { consumerBusyError } from './errors.ts'

/** A consumer that is connected to one log under one subscription. */
export type Member = {
  readonly id: string
  readonly name: string
  readonly session: string
  readonly pid: number
  readonly priority: number
}

/** Who is connected, in the order in which they came. */
export type Membership = {
  readonly type: SubscriptionType
  readonly members: readonly Member[]
}

/** Connected consumers of all subscriptions; volatile. */
export class Registry {
  private readonly env: Environment

  constructor(env: Environment) {
    this.env = env
  }

  read(topicId: number, subscription: string): { readonly version: number; readonly value: Membership } | undefined {
    const present = this.env.read(this.env.registry, [topicId, subscription])
    return present === undefined ? undefined : { version: present.version, value: present.value as Membership }
  }

  /** Adds a consumer. Throws `PIO_CONSUMER_BUSY` where the subscription is held in a way that excludes it. */
  async join(
    topic: string,
    topicId: number,
    subscription: string,
    type: SubscriptionType,
    member: Member,
  ): Promise<void> {
    await this.env.update(this.env.registry, [topicId, subscription], present => {
      const membership = present as Membership | undefined
      const others = (membership?.members ?? []).filter(({ id }) => id !== member.id)
      const holder = others[0]
      if (holder !== undefined && membership !== undefined) {
        const who = `consumer ${holder.name} of process ${holder.pid}`
        if (membership.type !== type) {
          throw consumerBusyError(
            topic,
            subscription,
            `it is in use as ${membership.type} by ${who}, and ${type} was asked for; use the same type or another subscription`,
          )
        }
        if (type === 'Exclusive') {
          throw consumerBusyError(
            topic,
            subscription,
            `it is Exclusive and held by ${who}; stop that one, or use another subscription or the type Failover`,
          )
        }
      }
      return { type, members: [...others, member] }
    })
    this.env.refresh()
  }

  /** Removes the members that `leaves` is true for. */
  async leave(topicId: number, subscription: string, leaves: (member: Member) => boolean): Promise<void> {
    await this.env.update(this.env.registry, [topicId, subscription], present => {
      const membership = present as Membership | undefined
      const members = membership?.members.filter(member => !leaves(member)) ?? []
      if (membership === undefined || members.length === membership.members.length) return undefined
      return { ...membership, members }
    })
    this.env.refresh()
  }

  /** Removes everything that the sessions held. */
  async removeSessions(sessions: ReadonlySet<string>): Promise<void> {
    const affected: [number, string][] = []
    for (const { key, value } of this.env.registry.getRange({ snapshot: false })) {
      if ((value as Membership).members.some(({ session }) => sessions.has(session))) {
        affected.push(key as [number, string])
      }
    }
    for (const [topicId, subscription] of affected) {
      await this.leave(topicId, subscription, ({ session }) => sessions.has(session))
    }
  }

  async remove(topicId: number, subscription: string): Promise<void> {
    await this.env.write(this.env.registry, () => {
      void this.env.registry.remove([topicId, subscription])
      void this.env.dispatch.remove([topicId, subscription])
    })
  }
}

/**
 * The active consumer of an Exclusive or Failover subscription: the first one of the lowest priority; the partitions of
 * a topic are spread over all consumers of that priority.
 */
export function activeMember(membership: Membership, partition: number): Member | undefined {
  const lowest = Math.min(...membership.members.map(({ priority }) => priority))
  const candidates = membership.members.filter(({ priority }) => priority === lowest)
  return candidates[partition % candidates.length]
}
