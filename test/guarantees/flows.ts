import { readFile, stat } from 'node:fs/promises'
import { openEmbedded } from '../../packages/messaging-embedded/src/index.ts'
import { numberedLines } from '../support/records.ts'
import type { SearchServer } from '../support/search-server.ts'
import type { Workspace } from '../support/workspace.ts'

/** One way of records through the product. */
export interface Flow {
  readonly name: string
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
  /** Where records arrived is left in the order in which they came. */
  readonly showsOrder: boolean
  /** Writing a record twice cannot be seen in the end. */
  readonly overwrites: boolean
}

const lineBytes = 36

export function fileToTopic(records: number): Flow {
  return {
    name: 'file source → topic',
    records,
    prepare: async user => {
      await user.file('in.ndjson', `${numberedLines(records).join('\n')}\n`)
    },
    args: [
      ...['--archive', 'connectors/file.tgz', '--kind', 'source', '--destination-topic-name', 'events'],
      ...['--source-config', '{"path":"in.ndjson","format":"ndjson"}'],
    ],
    progress: user => messagesIn(user, 'events'),
    arrived: async user => (await user.consume('events')).map(record => record.value),
    showsOrder: true,
    overwrites: false,
  }
}

export function topicToFile(records: number): Flow {
  return {
    name: 'topic → file sink',
    records,
    prepare: user => user.produce('events', numberedLines(records)),
    args: [
      ...['--archive', 'connectors/file.tgz', '--kind', 'sink', '--inputs', 'events', '--subs-position', 'Earliest'],
      ...['--sink-config', '{"path":"out.ndjson","format":"lines"}', '--batch-size', '100'],
    ],
    progress: async user => (await sizeOf(user.path('out.ndjson'))) / lineBytes,
    arrived: async user => lines(await readFile(user.path('out.ndjson'), 'utf8')),
    showsOrder: true,
    overwrites: false,
  }
}

export function topicToElasticsearch(records: number, server: SearchServer, index: string): Flow {
  return {
    name: 'topic → Elasticsearch',
    records,
    prepare: user => user.produce('events', numberedLines(records)),
    args: [
      ...['--archive', 'connectors/elasticsearch.tgz', '--inputs', 'events', '--subs-position', 'Earliest'],
      ...['--sink-config', JSON.stringify({ elasticSearchUrl: server.url, indexName: index }), '--batch-size', '100'],
    ],
    progress: () => server.indexed(index),
    arrived: async () => (await server.documents(index, 'n')).map(({ _source }) => _source),
    showsOrder: false,
    overwrites: true,
  }
}

async function messagesIn(user: Workspace, topic: string): Promise<number> {
  const client = await openEmbedded({ directory: user.path('.pulsar-io') })
  try {
    if (!(await client.topics.exists(topic))) return 0
    return (await client.topics.stats(topic)).messages
  } finally {
    await client.close()
  }
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
