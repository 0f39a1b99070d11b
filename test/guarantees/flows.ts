import { readFile, stat } from 'node:fs/promises'
import { numberedLines } from '../support/records.ts'
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
}

const lineBytes = 36

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
    arrived: async user =>
      (await user.consume(topic, flags)).map(({ value }) => (typeof value === 'string' ? parsed(value) : value)),
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

export function topicToElasticsearch(records: number, place: Place, server: SearchServer, index: string): Flow {
  const { topic, flags } = place
  return {
    name: 'topic → Elasticsearch',
    place,
    records,
    prepare: user => user.produce(topic, numberedLines(records), flags),
    args: [
      ...['--archive', 'connectors/elasticsearch.tgz', '--inputs', topic, '--subs-position', 'Earliest', ...flags],
      ...['--sink-config', JSON.stringify({ elasticSearchUrl: server.url, indexName: index }), '--batch-size', '100'],
    ],
    progress: () => server.indexed(index),
    arrived: async () => (await server.documents(index, 'n')).map(({ _source }) => _source),
    overwrites: true,
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
