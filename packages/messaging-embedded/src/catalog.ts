import { fullTopicName, partitionTopicName, splitPartition, topicPattern } from '@pulsar-io/messaging'
import type { SchemaInfo } from '@pulsar-io/sdk'
import { type Environment, randomVersion } from './environment.ts'
import { usageError } from './errors.ts'

/** What the catalog holds of a topic or of one partition. */
export type TopicRecord = {
  /** Never used again, also when the topic is made anew. */
  readonly id: number
  /** Creation time in milliseconds since 1970, made unique: the ledger id of all its positions. */
  readonly ledger: number
  /** 0: messages are here; otherwise they are in so many partitions, which have records of their own. */
  readonly partitions: number
  /** Full name without a partition suffix. */
  readonly topic: string
  readonly partition: number
}

/** What can change about a topic. */
export type TopicSettings = {
  readonly schemas: readonly SchemaInfo[]
  readonly retention?: { readonly sizeBytes: number; readonly timeMs: number }
}

type CatalogState = { readonly nextId: number; readonly lastLedger: number }

const MAX_NAME_BYTES = 1_000
const MAX_PARTITIONS = 10_000

/** Topics by name. Everything in it is shared by all processes. */
export class Catalog {
  private readonly env: Environment

  constructor(env: Environment) {
    this.env = env
  }

  /** The record of a full name. */
  find(fullName: string): TopicRecord | undefined {
    return this.env.read(this.env.topics, fullName)?.value as TopicRecord | undefined
  }

  /** Changes with every topic that is made or deleted. */
  revision(): number {
    return this.env.read(this.env.meta, 'catalog')?.version ?? -1
  }

  /** Full names of topics, partitioned ones once. */
  list(pattern?: string): string[] {
    const matches = pattern === undefined ? () => true : topicPattern(pattern)
    const names: string[] = []
    for (const { key, value } of this.env.topics.getRange({ snapshot: false })) {
      const record = value as TopicRecord
      const name = String(key)
      if ((record.topic === name || record.partition < 0) && matches(name)) names.push(name)
    }
    return names
  }

  /** Every log there is: topics without partitions, and partitions. */
  logs(): TopicRecord[] {
    const records: TopicRecord[] = []
    for (const { value } of this.env.topics.getRange({ snapshot: false })) {
      const record = value as TopicRecord
      if (record.partitions === 0) records.push(record)
    }
    return records
  }

  /** The logs of a topic: itself, or its partitions. Makes the topic when it is not there. */
  async open(topic: string): Promise<TopicRecord[]> {
    const name = fullTopicName(topic)
    let record = this.find(name)
    if (record === undefined) {
      await this.create(name, 0)
      record = this.find(name)
    }
    return record === undefined ? [] : this.logsOf(name, record)
  }

  /** The logs of a topic that is there. */
  logsOf(name: string, record: TopicRecord): TopicRecord[] {
    if (record.partitions === 0) return [record]
    const logs: TopicRecord[] = []
    for (let i = 0; i < record.partitions; i += 1) {
      const log = this.find(partitionTopicName(name, i))
      if (log !== undefined) logs.push(log)
    }
    return logs
  }

  /** Makes a topic unless it is there. */
  async create(fullName: string, partitions: number): Promise<void> {
    if (Buffer.byteLength(fullName) > MAX_NAME_BYTES) {
      throw usageError(`the topic name ${fullName.slice(0, 60)}… is longer than ${MAX_NAME_BYTES} bytes`)
    }
    if (!Number.isInteger(partitions) || partitions < 0 || partitions > MAX_PARTITIONS) {
      throw usageError(`${fullName}: a topic has 0 to ${MAX_PARTITIONS} partitions, got ${partitions}`)
    }
    const { env } = this
    for (;;) {
      env.refresh()
      if (this.find(fullName) !== undefined) return
      const present = env.read(env.meta, 'catalog')
      const state = (present?.value ?? { nextId: 1, lastLedger: 0 }) as CatalogState
      const made: [string, TopicRecord][] = []
      let { nextId, lastLedger } = state
      const add = (name: string, topic: string, partition: number, count: number) => {
        lastLedger = Math.max(lastLedger + 1, Date.now())
        made.push([name, { id: nextId, ledger: lastLedger, partitions: count, topic, partition }])
        nextId += 1
      }
      const own = this.partitionOf(fullName)
      add(fullName, own?.topic ?? fullName, own?.partition ?? 0, partitions)
      for (let i = 0; i < partitions; i += 1) add(partitionTopicName(fullName, i), fullName, i, 0)
      const done = await env.writeIf(env.meta, 'catalog', present?.version, () => {
        env.put(env.meta, 'catalog', { nextId, lastLedger }, randomVersion())
        for (const [name, record] of made) {
          env.put(env.topics, name, record, 0)
          if (record.partitions === 0) env.put(env.heads, record.id, emptyHead(), randomVersion())
        }
      })
      env.refresh()
      if (done) return
    }
  }

  /** Takes the names away at once and hands over what is to be cleared; empty when the topic is not there. */
  async delete(fullName: string): Promise<TopicRecord[]> {
    const { env } = this
    for (;;) {
      env.refresh()
      const record = this.find(fullName)
      if (record === undefined) return []
      const logs = this.logsOf(fullName, record)
      const names = record.partitions === 0 ? [] : logs.map(log => partitionTopicName(fullName, log.partition))
      const present = env.read(env.meta, 'catalog')
      const done = await env.writeIf(env.meta, 'catalog', present?.version, () => {
        env.put(env.meta, 'catalog', present?.value, randomVersion())
        for (const name of [fullName, ...names]) void env.topics.remove(name)
        for (const log of logs) {
          // Without its head a log takes no message any more.
          void env.heads.remove(log.id)
          env.put(env.meta, ['trash', log.id], { id: log.id }, 0)
        }
      })
      env.refresh()
      if (done) return logs
    }
  }

  /** The schemas of a topic in the order of their versions, which count from 0. */
  schemas(id: number): readonly SchemaInfo[] {
    return this.settings(id).schemas.map((schema, version) => ({ ...schema, version: String(version) }))
  }

  settings(id: number): TopicSettings {
    return (this.env.read(this.env.settings, id)?.value as TopicSettings | undefined) ?? NO_SETTINGS
  }

  /** Registers a schema and returns its index; the same schema keeps its index. */
  async addSchema(id: number, given: SchemaInfo): Promise<number> {
    const { version: _, ...schema } = given
    const wanted = canonical(schema)
    let index = -1
    await this.env.update(this.env.settings, id, present => {
      const settings = (present as TopicSettings | undefined) ?? NO_SETTINGS
      index = settings.schemas.findIndex(known => canonical(known) === wanted)
      if (index >= 0) return undefined
      index = settings.schemas.length
      return { ...settings, schemas: [...settings.schemas, schema] }
    })
    this.env.refresh()
    return index
  }

  async setRetention(id: number, retention: NonNullable<TopicSettings['retention']>): Promise<void> {
    await this.env.update(this.env.settings, id, present => ({
      ...((present as TopicSettings | undefined) ?? NO_SETTINGS),
      retention,
    }))
  }

  /** `t-partition-2` is a partition only where `t` has partitions; otherwise it is a name like any other. */
  private partitionOf(fullName: string): { readonly topic: string; readonly partition: number } | undefined {
    const { topic, partition } = splitPartition(fullName)
    return partition >= 0 && (this.find(topic)?.partitions ?? 0) > 0 ? { topic, partition } : undefined
  }
}

const NO_SETTINGS: TopicSettings = { schemas: [] }

function emptyHead(): Buffer {
  return Buffer.alloc(24)
}

/** A text that is the same for schemas that mean the same; the version is ours to give. */
function canonical(schema: SchemaInfo): string {
  return JSON.stringify(partsOf(schema))
}

function partsOf({ type, name, definition, properties, keyValue }: SchemaInfo): unknown {
  return [
    type,
    name ?? '',
    definition ?? '',
    Object.entries(properties ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)),
    ...(keyValue ? [keyValue.encoding, partsOf(keyValue.key), partsOf(keyValue.value)] : []),
  ]
}
