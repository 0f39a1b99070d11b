import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Where the records go. */
export interface Target {
  /** For people: a path, or an index and its server. */
  readonly place: string
  /** The sink of the pipeline, without its inputs. */
  readonly sink: { readonly name: string; readonly archive: string; readonly configs: object }
  /** Secrets that the sink takes from its environment. */
  readonly env: { readonly [name: string]: string }
  /** Records that are there, as the target itself tells. */
  count(): Promise<number>
  /** A command that shows some of them. */
  readonly look: string
}

/** A file below `folder`, which is relative to the repository. */
export function fileTarget(root: string, folder: string): Target {
  const path = `${folder}/earthquakes.ndjson`
  return {
    place: path,
    sink: { name: 'earthquakes-to-file', archive: 'connectors/file.tgz', configs: { path } },
    env: {},
    count: async () => {
      const text = await readFile(join(root, path), 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return ''
        throw error
      })
      return text.split('\n').length - 1
    },
    look: `tail -n 3 ${path}`,
  }
}

/** The variable that carries the password to the sink, so that it is in no file. */
const PASSWORD = 'EARTHQUAKES_PASSWORD'

/** The index `earthquakes` of the server at `address`, which may hold user and password. */
export function elasticsearchTarget(address: string): Target {
  const url = new URL(address)
  const [username, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)]
  url.username = ''
  url.password = ''
  const server = url.href.replace(/\/$/, '')
  const index = 'earthquakes'
  const headers = username
    ? { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` }
    : {}
  const ask = (method: string, path: string) => fetch(`${server}/${index}/${path}`, { method, headers })
  const login = username ? { username, password: `\${env:${PASSWORD}}` } : {}
  return {
    place: `index ${index} of ${server}`,
    sink: {
      name: 'earthquakes-to-elasticsearch',
      archive: 'connectors/elasticsearch.tgz',
      configs: { elasticSearchUrl: server, indexName: index, bulkEnabled: true, bulkFlushIntervalInMs: 200, ...login },
    },
    env: username ? { [PASSWORD]: password } : {},
    count: async () => {
      const refreshed = await ask('POST', '_refresh')
      if (refreshed.status === 404) return 0
      const response = refreshed.ok ? await ask('GET', '_count') : refreshed
      if (!response.ok) throw new Error(`${server} answered ${response.status}: ${await response.text()}`)
      return ((await response.json()) as { readonly count: number }).count
    },
    look: `curl ${username ? `-u ${username} ` : ''}'${server}/${index}/_search?size=3&pretty'`,
  }
}
