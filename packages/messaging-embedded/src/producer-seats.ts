import type { ProducerAccess } from '@pulsar-io/messaging'
import type { Environment } from './environment.ts'
import { producerBusyError } from './errors.ts'

/** One producer that is connected to one log. */
type Seated = {
  readonly id: string
  readonly name: string
  readonly session: string
  readonly pid: number
  readonly exclusive: boolean
}

type Seats = { readonly producers: readonly Seated[] }

/** Holds a producer's place. */
export interface ProducerSeat {
  /** `held`; `taken` by another producer; `lost` to nobody. */
  readonly state: 'held' | 'taken' | 'lost'
  leave(): Promise<void>
}

/** Connected producers of all logs; volatile. */
export class ProducerSeats {
  private readonly env: Environment

  constructor(env: Environment) {
    this.env = env
  }

  /** How many producers are connected to a log. */
  count(topicId: number): number {
    return this.read(topicId).length
  }

  /** Takes a seat, or throws `PIO_PRODUCER_BUSY`. */
  async take(
    topic: string,
    topicId: number,
    producer: Omit<Seated, 'exclusive'>,
    access: ProducerAccess,
  ): Promise<ProducerSeat> {
    const { env } = this
    const exclusive = access !== 'Shared'
    const fencing = access === 'ExclusiveWithFencing'
    await env.update(env.producers, topicId, present => {
      const others = ((present as Seats | undefined)?.producers ?? []).filter(({ id }) => id !== producer.id)
      const seated = { ...producer, exclusive }
      if (fencing) return { producers: [seated] }
      const who = ({ name, pid }: Seated) => `producer ${name} of process ${pid}`
      const same = others.find(({ name }) => name === producer.name)
      if (same !== undefined) {
        throw producerBusyError(topic, `${who(same)} has the same name; stop that one or take another name`)
      }
      const holder = others.find(other => other.exclusive)
      if (holder !== undefined) throw producerBusyError(topic, `${who(holder)} has exclusive access; stop that one`)
      if (exclusive && others[0] !== undefined) {
        throw producerBusyError(
          topic,
          `exclusive access was asked for, and ${who(others[0])} is connected; stop that one`,
        )
      }
      return { producers: [...others, seated] }
    })
    env.refresh()
    // Others notice that they lost their seat when their next conditional write fails.
    if (fencing) await env.update(env.heads, topicId, head => head && Buffer.from(head))
    const seats = this
    return {
      get state() {
        const seated = seats.read(topicId)
        if (seated.some(({ id }) => id === producer.id)) return 'held'
        return seated.some(other => other.exclusive || other.name === producer.name) ? 'taken' : 'lost'
      },
      leave: () => seats.removeIf(topicId, ({ id }) => id === producer.id),
    }
  }

  /** Removes everything that the sessions held. */
  async removeSessions(sessions: ReadonlySet<string>): Promise<void> {
    const affected: number[] = []
    for (const { key, value } of this.env.producers.getRange({ snapshot: false })) {
      if ((value as Seats).producers.some(({ session }) => sessions.has(session))) affected.push(Number(key))
    }
    for (const topicId of affected) await this.removeIf(topicId, ({ session }) => sessions.has(session))
  }

  private async removeIf(topicId: number, leaves: (producer: Seated) => boolean): Promise<void> {
    await this.env.update(this.env.producers, topicId, present => {
      const producers = (present as Seats | undefined)?.producers ?? []
      const left = producers.filter(producer => !leaves(producer))
      return left.length === producers.length ? undefined : { producers: left }
    })
    this.env.refresh()
  }

  private read(topicId: number): readonly Seated[] {
    return (this.env.read(this.env.producers, topicId)?.value as Seats | undefined)?.producers ?? []
  }
}
