import type { Record, SinkDefinition, SinkDelivery } from '@pulsar-io/sdk'
import type { FaultLevel } from '../faults/faults.ts'
import type { ConfigChange, Mistakes } from './config.ts'
import type { Item, StoredItem } from './item.ts'
import type { Place } from './run.ts'

/** What a record says of an item; the suite adds topic and position. */
export type RecordContent = Partial<Omit<Record, 'position' | 'ack' | 'fail'>> & { readonly value: unknown }

/** A table, queue, index or file that one test has for itself. */
export interface SinkPlace extends Place {
  /** What the external system holds now, as a reader of it sees it, in its order. */
  read(): Promise<readonly StoredItem[]>
}

/** What a sink claims to do. Its delivery comes from the definition. */
export interface SinkCapabilities {
  /** `read` answers in the order in which the records were written. */
  readonly ordered: boolean
  /** The key of a record is stored beside the value, and `read` gives it back. */
  readonly keys: boolean
  /** Properties are stored, and `read` gives them back. */
  readonly properties: boolean
  /** A record replaces the one of the same key; a change of the configuration where it has to be asked for. */
  readonly upsert: boolean | ConfigChange
  /** What a record without a value does; false where the sink says nothing of it. */
  readonly tombstone:
    | false
    | { readonly effect: 'deletes' | 'ignored' | 'stored' | 'rejected'; readonly config?: ConfigChange }
  /** The faults that the place has. */
  readonly faults: FaultLevel
  /** An instance that was replaced can write no more. */
  readonly fenced: boolean
  /** What an outage in the middle of a write may leave twice. Default: as the delivery says. */
  readonly duplicatesAfterOutage?: boolean
}

/** What the sink is held to: a transactional one without EFFECTIVELY_ONCE need not keep account of what is in. */
export function effectOf({ definition, guarantee }: SinkConformanceOptions): SinkDelivery {
  return definition.delivery === 'transactional' && guarantee === 'ATLEAST_ONCE' ? 'at-least-once' : definition.delivery
}

/** The sink under test. */
export interface SinkConformanceOptions {
  readonly definition: SinkDefinition
  readonly capabilities: SinkCapabilities
  /** A place that nobody used before, in a system that answers. */
  place(): Promise<SinkPlace>
  /** The record of an item. Default: the object itself, under its id as key. */
  record?(item: Item): RecordContent
  /** A record that the system, or the sink, can never take. */
  poison?(item: Item): RecordContent
  /** A record that is larger than the system takes. */
  tooLarge?(item: Item): RecordContent
  /** What the sink has to notice when it is opened. */
  readonly mistakes?: Mistakes
  /** What is asked for. Default: EFFECTIVELY_ONCE of a transactional sink, else ATLEAST_ONCE. */
  readonly guarantee?: 'ATLEAST_ONCE' | 'EFFECTIVELY_ONCE'
  /** Texts that must never be shown, besides the options that are marked as secret. */
  readonly secrets?: readonly string[]
  /** Characters of the text of the large record. Default 1 MiB. */
  readonly largeTextLength?: number
  /** Milliseconds to wait for something that has to happen. Default 15000. */
  readonly patienceMs?: number
}
