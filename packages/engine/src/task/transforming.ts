import type { Properties, SourceRecord } from '@pulsar-io/sdk'
import { isConnectorError } from '@pulsar-io/sdk/core'
import type { Chain, Subject } from '../transform/index.ts'

/** Records behind a chain of transforms, each kind in its order. */
export interface Transformed<R> {
  readonly records: readonly R[]
  /** Kept back by a filter. */
  readonly filtered: readonly R[]
  readonly rejected: readonly { readonly record: R; readonly error: Error }[]
}

/** Sends records through a chain, one after the other. Throws what is no error of a record. */
export async function transformAll<R extends Subject>(
  records: readonly R[],
  chain: Chain | undefined,
): Promise<Transformed<R>> {
  if (chain === undefined) return { records, filtered: [], rejected: [] }
  const kept: R[] = []
  const filtered: R[] = []
  const rejected: { record: R; error: Error }[] = []
  for (const record of records) {
    try {
      const passed = chain.run(record)
      // Only an expression makes anybody wait.
      if (passed instanceof Promise ? await passed : passed) kept.push(record)
      else filtered.push(record)
    } catch (error) {
      if (!isConnectorError(error)) throw error
      rejected.push({ record, error })
    }
  }
  return { records: kept, filtered, rejected }
}

const NONE: Properties = Object.freeze({})

/** What a chain makes of a record of a source; the record itself stays as the connector handed it over. */
export class SourceSubject implements Subject {
  readonly record: SourceRecord
  readonly topic: string
  value: unknown
  key: string | undefined
  keyValue: unknown

  /** `topic`: where the record goes. */
  constructor(record: SourceRecord, topic: string) {
    this.record = record
    this.topic = topic
    this.value = record.value
    this.key = record.key
    this.keyValue = record.keyValue
  }

  get properties(): Properties {
    return this.record.properties ?? NONE
  }

  get eventTime(): number | undefined {
    return this.record.eventTime
  }
}

/** What became of each record of a source: what to publish, nothing, or why it cannot be. */
export type Outcomes = ReadonlyMap<SourceRecord, SourceSubject | 'filtered' | Error>

/** Sends records of a source through a chain. */
export async function outcomesOf(
  records: readonly SourceRecord[],
  chain: Chain,
  destination: string,
): Promise<Outcomes> {
  const subjects = records.map(record => new SourceSubject(record, record.destinationTopic ?? destination))
  const { records: kept, filtered, rejected } = await transformAll(subjects, chain)
  return new Map<SourceRecord, SourceSubject | 'filtered' | Error>([
    ...kept.map(subject => [subject.record, subject] as const),
    ...filtered.map(subject => [subject.record, 'filtered'] as const),
    ...rejected.map(({ record, error }) => [record.record, error] as const),
  ])
}
