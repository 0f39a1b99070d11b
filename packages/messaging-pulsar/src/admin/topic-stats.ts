import { fullTopicName, type SubscriptionStats, type TopicStats } from '@pulsar-io/messaging'
import type { Position, SubscriptionType } from '@pulsar-io/sdk'
import type { AdminClient } from './admin-client.ts'
import { topicPath } from './paths.ts'
import { schemaOf } from './schema-version.ts'

/** Of the broker's answers what is read here. Optional where an older broker leaves it out. */
interface Stats {
  readonly storageSize: number
  readonly msgInCounter: number
  readonly publishers: readonly unknown[]
  readonly subscriptions: Readonly<Record<string, SubscriptionAnswer>>
}

interface SubscriptionAnswer {
  readonly type?: string | null
  readonly msgBacklog: number
  readonly unackedMessages: number
  readonly msgInReplay?: number
  readonly consumers: readonly unknown[]
}

interface InternalStats {
  readonly entriesAddedCounter: number
  readonly numberOfEntries: number
  readonly currentLedgerEntries: number
  readonly lastConfirmedEntry: string
  readonly ledgers: readonly { readonly ledgerId: number; readonly entries: number }[]
  readonly cursors: Readonly<Record<string, { readonly markDeletePosition: string; readonly readPosition: string }>>
}

/** Entries up to which a backlog is counted message by message; the broker has to read them for it. */
const COUNTED_ENTRIES = 100

/** One partition, or a topic without any. */
interface Part {
  readonly topic: string
  readonly stats: Stats
  readonly internal: InternalStats
}

/**
 * A topic in numbers. Brokers count entries, and an entry is one message or a batch: numbers of messages are exact for
 * an empty backlog, a small one, and one that is all handed out to Shared consumers; otherwise entries times the average
 * batch since the topic was loaded.
 */
export async function topicStats(admin: AdminClient, topic: string, partitions: number): Promise<TopicStats> {
  const name = fullTopicName(topic)
  const names = partitions === 0 ? [name] : Array.from({ length: partitions }, (_, i) => `${name}-partition-${i}`)
  const parts = (await Promise.all(names.map(part => readPart(admin, part)))).filter(part => part !== undefined)
  const subscriptions = new Set(parts.flatMap(({ stats }) => Object.keys(stats.subscriptions)))
  const last = parts.at(-1)
  return {
    topic: name,
    partitions,
    messages: sum(parts, ({ stats, internal }) => Math.round(internal.numberOfEntries * batchSize(stats, internal))),
    bytes: sum(parts, ({ stats }) => stats.storageSize),
    first: parts[0] && firstPosition(parts[0].internal),
    last: last && (last.internal.numberOfEntries > 0 ? readPosition(last.internal.lastConfirmedEntry) : undefined),
    schema: await schemaOf(admin, name),
    producers: Math.max(0, ...parts.map(({ stats }) => stats.publishers.length)),
    subscriptions: await Promise.all([...subscriptions].sort().map(each => subscriptionStats(admin, parts, each))),
  }
}

/** A partition that nobody used yet may not be there. */
async function readPart(admin: AdminClient, topic: string): Promise<Part | undefined> {
  const action = `reading the statistics of ${topic}`
  const base = `/admin/v2/${topicPath(topic)}`
  const partition = /-partition-\d+$/.test(topic)
  const [stats, internal] = await Promise.all(
    ['stats?getPreciseBacklog=true', 'internalStats'].map(path =>
      admin.send('GET', { path: `${base}/${path}`, action, ...(partition ? { accept: [404] } : {}) }),
    ),
  )
  if (stats?.status !== 200 || internal?.status !== 200) return undefined
  return { topic, stats: stats.value as Stats, internal: internal.value as InternalStats }
}

async function subscriptionStats(admin: AdminClient, parts: readonly Part[], name: string): Promise<SubscriptionStats> {
  const present = parts.filter(({ stats }) => stats.subscriptions[name] !== undefined)
  const answers = present.flatMap(({ stats }) => stats.subscriptions[name] ?? [])
  const backlogs = await Promise.all(present.map(part => backlogOf(admin, part, name)))
  const consumers = Math.max(0, ...answers.map(answer => answer.consumers.length))
  return {
    name,
    // Brokers remember the type after the last consumer left.
    type: consumers === 0 ? undefined : typeOf(answers.find(answer => answer.consumers.length > 0)?.type),
    backlog: sum(backlogs, backlog => backlog),
    unacknowledged: sum(answers, answer => answer.unackedMessages),
    consumers,
    markDelete: readPosition(present[0]?.internal.cursors[name]?.markDeletePosition ?? ''),
  }
}

async function backlogOf(admin: AdminClient, part: Part, name: string): Promise<number> {
  const { stats, internal, topic } = part
  const subscription = stats.subscriptions[name]
  const entries = subscription?.msgBacklog ?? 0
  if (subscription === undefined || entries === 0) return 0
  const shared = subscription.type === 'Shared' || subscription.type === 'Key_Shared'
  const cursor = internal.cursors[name]
  if (shared && subscription.consumers.length > 0 && subscription.unackedMessages > 0 && !subscription.msgInReplay) {
    if (cursor !== undefined && isBehind(cursor.readPosition, internal.lastConfirmedEntry)) {
      return subscription.unackedMessages
    }
  }
  if (entries <= COUNTED_ENTRIES) {
    const { status, value } = await admin.send('POST', {
      path: `/admin/v2/${topicPath(topic)}/subscription/${encodeURIComponent(name)}/analyzeBacklog`,
      action: `counting the backlog of ${name} in ${topic}`,
      // An older broker, one that does not let us, or a subscription that went away meanwhile: the estimate has to do.
      accept: [401, 403, 404, 405, 409, 412, 500, 503],
    })
    const messages = (value as { readonly messages?: unknown } | undefined)?.messages
    if (status === 200 && typeof messages === 'number') return messages
  }
  return Math.round(entries * batchSize(stats, internal))
}

/** Messages per entry on average since the topic was loaded; 1 when nothing was published since. */
function batchSize({ msgInCounter }: Stats, { entriesAddedCounter }: InternalStats): number {
  return entriesAddedCounter > 0 && msgInCounter > entriesAddedCounter ? msgInCounter / entriesAddedCounter : 1
}

/** Whether everything up to `last` was read. */
function isBehind(read: string, last: string): boolean {
  const [a, b] = [read, last].map(text => text.split(':').map(Number))
  if (!a || !b) return false
  return (a[0] ?? 0) > (b[0] ?? 0) || (a[0] === b[0] && (a[1] ?? 0) > (b[1] ?? 0))
}

/** The ledger that is being written counts its entries apart. */
function firstPosition({ ledgers, currentLedgerEntries }: InternalStats): Position | undefined {
  const first = ledgers.find(
    ({ entries }, at) => entries > 0 || (at === ledgers.length - 1 && currentLedgerEntries > 0),
  )
  return first && { ledgerId: BigInt(first.ledgerId), entryId: 0n, batchIndex: -1 }
}

/** `ledger:entry`; undefined in front of the first entry. */
function readPosition(text: string): Position | undefined {
  const match = /^(\d+):(\d+)$/.exec(text)
  return match ? { ledgerId: BigInt(match[1] ?? 0), entryId: BigInt(match[2] ?? 0), batchIndex: -1 } : undefined
}

const TYPES: readonly SubscriptionType[] = ['Exclusive', 'Shared', 'Failover', 'Key_Shared']

function typeOf(text: string | null | undefined): SubscriptionType | undefined {
  return TYPES.find(type => type === text)
}

function sum<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((total, value) => total + of(value), 0)
}
