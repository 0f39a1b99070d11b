import type { SourceDefinition, SourceRecord } from '@pulsar-io/sdk'
import type { FaultLevel } from '../faults/faults.ts'
import type { ConfigChange, Mistakes } from './config.ts'
import type { Item, StoredItem } from './item.ts'
import type { Place } from './run.ts'

/** A queue, topic, port or file that one test has for itself. */
export interface SourcePlace extends Place {
  /** Puts items into the external system, in order; resolves when it has them. */
  write(items: readonly StoredItem[]): Promise<void>
  /** Puts something in that the source cannot make a record of. */
  poison?(): Promise<void>
  /** Puts in a deletion, for a source that claims tombstones. */
  tombstone?(key: string): Promise<void>
  /** Items that the system has handed to the source and that are not acknowledged, where it tells. */
  unacked?(): Promise<number>
}

/** What a source claims to do. Its delivery comes from the definition. */
export interface SourceCapabilities {
  /** What was there before the source was opened is read; false for one that only listens. */
  readonly readsEarlier: boolean
  /** The external system keeps what was not acknowledged and hands it out again at the next open. */
  readonly acks: boolean
  /** Records carry the key of the item. */
  readonly keys: boolean
  /** Records carry the properties of the item. */
  readonly properties: boolean
  /** Items come out in the order in which they went in. */
  readonly ordered: boolean
  /** The place has input of which no record can be made. */
  readonly poison: boolean
  /** Records without a value are handed on. */
  readonly tombstones: boolean
  /** The faults that the place has. */
  readonly faults: FaultLevel
  /**
   * Records that are taken from the system at most while nobody takes them from the source. A pull source is only asked
   * for it where the place tells of what is not acknowledged.
   */
  readonly readAhead: number
  /** The source ends by itself when all is read; a change of the configuration where it has to be asked for. */
  readonly ends: boolean | ConfigChange
  /** Line ends in a text survive. Default true. */
  readonly lineEnds?: boolean
}

/** The source under test. */
export interface SourceConformanceOptions {
  readonly definition: SourceDefinition
  readonly capabilities: SourceCapabilities
  /** A place that nobody used before, in a system that answers. */
  place(): Promise<SourcePlace>
  /** The item of a record. Default: the value is an object with `id` and `text`, or JSON of one as text or bytes. */
  item?(record: SourceRecord): Item
  /** What the source has to notice when it is opened. */
  readonly mistakes?: Mistakes
  /** Texts that must never be shown, besides the options that are marked as secret. */
  readonly secrets?: readonly string[]
  /** Characters of the text of the large record. Default 1 MiB. */
  readonly largeTextLength?: number
  /** Milliseconds to wait for something that has to happen. Default 15000. */
  readonly patienceMs?: number
  /** Milliseconds to wait for something that must not happen. Default 300. */
  readonly quietMs?: number
}
