import { readFile, stat } from 'node:fs/promises'
import type { ClusterService } from '../support/pulsar.ts'
import { numbered, numberedLines } from '../support/records.ts'
import type { SearchServer } from '../support/search-server.ts'
import type { Workspace } from '../support/workspace.ts'
import type { Place } from './place.ts'

/** One way of records through the product. */
export interface Flow {
  readonly name: string
  readonly place: Place
  /** Records that go through it. */
  readonly records: number
  /** Puts the records where they come from. */
  prepare(user: Workspace): Promise<void>
  /** The command without the guarantee. */
  readonly args: readonly string[]
  /** How many records have arrived, seen from outside; need not be exact, only grow. */
  progress(user: Workspace): Promise<number>
  /** What has arrived, in order. */
  arrived(user: Workspace): Promise<readonly unknown[]>
  /** Writing a record twice cannot be seen in the end. */
  readonly overwrites: boolean
  /** Order is promised among the records of a group only; default: all are one group. */
  groupOf?(n: number): number
  /** Records that the system takes for wrong, beside those that are counted; they have to become dead letters. */
  readonly poison?: number
  /** The dead letters, in order. */
  deadLetters?(user: Workspace): Promise<readonly unknown[]>
}

const lineBytes = 36
const keyedBytes = 60

export function fileToTopic(records: number, place: Place): Flow {
  const { topic, flags } = place
  return {
    name: 'file source → topic',
    place,
    records,
    prepare: async user => {
      await user.file('in.ndjson', `${numberedLines(records).join('\n')}\n`)
    },
    args: [
      ...['--archive', 'connectors/file.tgz', '--kind', 'source', '--destination-topic-name', topic, ...flags],
      ...['--source-config', '{"path":"in.ndjson","format":"ndjson"}'],
    ],
    progress: user => place.published(user, lineBytes),
    arrived: user => values(user, topic, flags),
    overwrites: false,
  }
}

export function topicToFile(records: number, place: Place): Flow {
  const { topic, flags } = place
  return {
    name: 'topic → file sink',
    place,
    records,
    prepare: user => user.produce(topic, numberedLines(records), flags),
    args: [
      ...['--archive', 'connectors/file.tgz', '--kind', 'sink', '--inputs', topic, '--subs-position', 'Earliest'],
      ...['--sink-config', '{"path":"out.ndjson","format":"lines"}', '--batch-size', '100', ...flags],
    ],
    progress: async user => (await sizeOf(user.path('out.ndjson'))) / lineBytes,
    arrived: async user => lines(await readFile(user.path('out.ndjson'), 'utf8')),
    overwrites: false,
  }
}

/** Keys that the records of {@link topicToTopic} are divided among. */
const KEYS = 50

/** Over a topic with partitions into another one of the same cluster. */
export async function topicToTopic(records: number, place: Place, cluster: ClusterService): Promise<Flow> {
  const { topic, flags } = place
  const target = await place.another?.('copied')
  if (target === undefined) throw new Error(`there are no partitions in ${place.name}`)
  const config = {
    serviceUrl: cluster.url,
    adminUrl: cluster.adminUrl,
    topic: target,
    effectivelyOnce: 'deduplication',
  }
  const groupOf = (n: number) => n % KEYS
  return {
    name: 'topic → topic',
    place,
    records,
    prepare: user => {
      const keyed = Array.from({ length: records }, (_, n) => JSON.stringify({ ...numbered(n), k: `k${groupOf(n)}` }))
      return user.produce(topic, keyed, [...flags, '--key-field', 'k'])
    },
    args: [
      ...['--archive', 'connectors/pulsar.tgz', '--kind', 'sink', '--inputs', topic, '--subs-position', 'Earliest'],
      ...['--sink-config', JSON.stringify(config), '--batch-size', '100', ...flags],
    ],
    progress: user => place.published(user, keyedBytes, target),
    arrived: user => values(user, target, flags),
    overwrites: false,
    groupOf,
  }
}

/** Every so many records of {@link topicToElasticsearch} there is one that does not fit the index. */
const POISON_EVERY = 250

/** @param url where the command finds the server; default: where it is */
export function topicToElasticsearch(
  records: number,
  place: Place,
  server: SearchServer,
  index: string,
  url = server.url,
): Flow {
  const { topic, flags } = place
  const deadLetters = `${topic}-DLQ`
  const poison = Math.floor(records / POISON_EVERY)
  return {
    name: 'topic → Elasticsearch',
    place,
    records,
    prepare: async user => {
      await server.ask('PUT', `/${index}`, { mappings: { properties: { n: { type: 'long' } } } })
      const lines = numberedLines(records)
      for (let i = poison; i > 0; i--) lines.splice(i * POISON_EVERY, 0, JSON.stringify({ n: `poison ${i}` }))
      await user.produce(topic, lines, flags)
    },
    args: [
      ...['--archive', 'connectors/elasticsearch.tgz', '--inputs', topic, '--subs-position', 'Earliest', ...flags],
      ...['--sink-config', JSON.stringify({ elasticSearchUrl: url, indexName: index }), '--batch-size', '100'],
      ...['--dead-letter-topic', deadLetters],
    ],
    progress: () => server.indexed(index),
    arrived: async () => (await server.documents(index, 'n')).map(({ _source }) => _source),
    overwrites: true,
    poison,
    deadLetters: user => values(user, deadLetters, flags),
  }
}

async function values(user: Workspace, topic: string, flags: readonly string[]): Promise<readonly unknown[]> {
  return (await user.consume(topic, flags)).map(({ value }) => (typeof value === 'string' ? parsed(value) : value))
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0
    throw error
  }
}

function lines(text: string): readonly unknown[] {
  return text.split('\n').flatMap((line, i, all) => {
    // The text after the last newline is nothing, or a torn line, which is no JSON and so noticed.
    if (line === '' && i === all.length - 1) return []
    return [parsed(line)]
  })
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    // A torn or mixed-up line: the tally calls it alien.
    return line
  }
}
