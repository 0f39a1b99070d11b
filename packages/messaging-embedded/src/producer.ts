import type { OutgoingMessage, Producer } from '@pulsar-io/messaging'
import type { Position } from '@pulsar-io/sdk'
import type { SequencedMessage } from './entry.ts'
import { closedError, producerFencedError, topicDeletedError, usageError } from './errors.ts'
import { hash } from './key-slots.ts'
import type { ProducerSeat } from './producer-seats.ts'
import type { TopicLog } from './topic-log.ts'

/** What a producer needs from its client. */
export interface ProducerSettings {
  readonly topic: string
  readonly name: string
  /** Whether the name was given: then its sequence ids are kept. */
  readonly named: boolean
  readonly lanes: readonly { readonly log: TopicLog; readonly schema: number; readonly seat: ProducerSeat }[]
  readonly lastSequenceId: bigint
  readonly onClose: () => Promise<void>
}

/** A producer over one log or the partitions of a topic. */
export class EmbeddedProducer implements Producer {
  readonly topic: string
  readonly name: string
  private readonly settings: ProducerSettings
  /** The last sequence id that is stored. */
  private last: bigint
  /** The last one that was given to a message. */
  private lastGiven: bigint
  private numbering: 'own' | 'given' | undefined
  private turn = 0
  private inFlight = new Set<Promise<unknown>>()
  private closing: Promise<void> | undefined

  constructor(settings: ProducerSettings) {
    this.topic = settings.topic
    this.name = settings.name
    this.settings = settings
    this.last = settings.lastSequenceId
    this.lastGiven = settings.lastSequenceId
  }

  get lastSequenceId(): bigint {
    return this.last
  }

  async send(messages: readonly OutgoingMessage[]): Promise<readonly (Position | null)[]> {
    if (this.closing !== undefined) throw closedError(`the producer ${this.name} of ${this.topic}`)
    if (messages.length === 0) return []
    const numbered = this.number(messages)
    const sending = this.sendAll(numbered)
    this.inFlight.add(sending)
    try {
      const positions = await sending
      const sequence = numbered.at(-1)?.sequence ?? -1n
      if (sequence > this.last) this.last = sequence
      return positions
    } finally {
      this.inFlight.delete(sending)
    }
  }

  close(): Promise<void> {
    this.closing ??= Promise.allSettled(this.inFlight).then(this.settings.onClose)
    return this.closing
  }

  private number(messages: readonly OutgoingMessage[]): SequencedMessage[] {
    const given = messages[0]?.sequenceId !== undefined
    const numbering = given ? 'given' : 'own'
    this.numbering ??= numbering
    if (this.numbering !== numbering || messages.some(({ sequenceId }) => (sequenceId !== undefined) !== given)) {
      throw usageError(
        `producer ${this.name} of ${this.topic}: some messages have a sequence id and some have none; give one to all or to none`,
      )
    }
    const numbered: SequencedMessage[] = new Array(messages.length)
    let last = this.lastGiven
    for (let i = 0; i < messages.length; i += 1) {
      const message = messages[i] as OutgoingMessage
      const sequence = message.sequenceId ?? last + 1n
      if (sequence > last) last = sequence
      numbered[i] = { message, sequence }
    }
    this.lastGiven = last
    return numbered
  }

  private async sendAll(messages: readonly SequencedMessage[]): Promise<readonly (Position | null)[]> {
    const { lanes } = this.settings
    const positions: (Position | null)[] = new Array(messages.length).fill(null)
    if (lanes.length === 1) {
      await this.sendLane(0, messages, undefined, positions)
      return positions
    }
    const routed = new Map<number, { readonly messages: SequencedMessage[]; readonly places: number[] }>()
    const keyless = this.turn++ % lanes.length
    for (let i = 0; i < messages.length; i += 1) {
      const one = messages[i] as SequencedMessage
      const key = one.message.orderingKey ?? one.message.key
      const lane = key === undefined ? keyless : hash(key, 0) % lanes.length
      let route = routed.get(lane)
      if (route === undefined) {
        route = { messages: [], places: [] }
        routed.set(lane, route)
      }
      route.messages.push(one)
      route.places.push(i)
    }
    await Promise.all(
      [...routed].map(([lane, { messages: own, places }]) => this.sendLane(lane, own, places, positions)),
    )
    return positions
  }

  private async sendLane(
    index: number,
    messages: readonly SequencedMessage[],
    places: readonly number[] | undefined,
    positions: (Position | null)[],
  ): Promise<void> {
    const lane = this.settings.lanes[index]
    if (lane === undefined) throw usageError(`${this.topic} has no partition ${index}`)
    const { log, schema, seat } = lane
    const { bases, indexes } = await log.append({
      producer: this.name,
      schema,
      messages,
      named: this.settings.named,
      check: () => {
        const { state } = seat
        if (state === 'held') return
        throw log.deleted
          ? topicDeletedError(this.topic)
          : producerFencedError(this.topic, this.name, state === 'taken')
      },
    })
    for (let i = 0; i < messages.length; i += 1) {
      const base = bases[i] as number
      if (base < 0) continue
      const place = places === undefined ? i : (places[i] as number)
      positions[place] = { ledgerId: log.ledger, entryId: BigInt(base), batchIndex: indexes[i] as number }
    }
  }
}
