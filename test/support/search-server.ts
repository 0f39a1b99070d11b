import type { AvailableService } from '@pulsar-io/tooling/services'

/** What a test asks a search server, past the connector and its client. */
export class SearchServer {
  readonly url: string
  readonly #headers: { readonly [name: string]: string }

  constructor({ url, credentials }: Pick<AvailableService, 'url' | 'credentials'>) {
    this.url = url
    const login = credentials && Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')
    this.#headers = { 'content-type': 'application/json', ...(login ? { authorization: `Basic ${login}` } : {}) }
  }

  /** Gives undefined for an index that is not there, or so new that its shards are not. Throws for other failures. */
  async ask<T>(method: string, path: string, body?: unknown): Promise<T | undefined> {
    const answer = await fetch(`${this.url}${path}`, {
      method,
      headers: this.#headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (answer.status === 404) return undefined
    if (answer.status === 503 && text.includes('no_shard_available')) return undefined
    if (!answer.ok) throw new Error(`${method} ${path}: HTTP ${answer.status} ${text.slice(0, 500)}`)
    return (text === '' ? {} : JSON.parse(text)) as T
  }

  /** Documents that a search would find, after a refresh. */
  async count(index: string): Promise<number> {
    await this.ask('POST', `/${index}/_refresh`)
    return (await this.ask<{ count: number }>('GET', `/${index}/_count`))?.count ?? 0
  }

  /** Documents that were indexed so far, also those that no search finds yet. */
  async indexed(index: string): Promise<number> {
    const stats = await this.ask<{ _all: { primaries: { indexing?: { index_total: number } } } }>(
      'GET',
      `/${index}/_stats/indexing`,
    )
    return stats?._all.primaries.indexing?.index_total ?? 0
  }

  /** All documents of an index, by pages in the order of a number field that no two documents share. */
  async documents<T extends { readonly [field: string]: unknown }>(
    index: string,
    numberField: string,
  ): Promise<readonly Document<T>[]> {
    await this.ask('POST', `/${index}/_refresh`)
    const found: Document<T>[] = []
    for (let after: readonly unknown[] | undefined; ; ) {
      const page = await this.ask<{ hits: { hits: readonly (Document<T> & { sort: readonly unknown[] })[] } }>(
        'POST',
        `/${index}/_search`,
        { size: 10_000, sort: [{ [numberField]: 'asc' }], ...(after ? { search_after: after } : {}) },
      )
      const hits = page?.hits.hits ?? []
      for (const hit of hits) found.push(hit)
      after = hits.at(-1)?.sort
      if (hits.length === 0) return found
    }
  }
}

export interface Document<T> {
  readonly _id: string
  readonly _source: T
}
