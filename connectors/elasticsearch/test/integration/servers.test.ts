import { service } from '@pulsar-io/tooling/services'
import { describe, expect, it } from 'vitest'
import { codes, documents, openSink } from '../support.ts'

const kinds = [
  { name: 'elasticsearch', title: /^Elasticsearch 9/, mode: 'ELASTICSEARCH' },
  { name: 'elasticsearch8', title: /^Elasticsearch 8/, mode: 'ELASTICSEARCH' },
  { name: 'opensearch', title: /^OpenSearch 2/, mode: 'OPENSEARCH' },
] as const

// They start at the same time.
const servers = await Promise.all(kinds.map(async kind => ({ ...kind, server: await service(kind.name) })))

for (const { name, title, mode, server } of servers) {
  const url = server.available ? server.url : ''

  /** An index of this test's own, and what is in it. */
  const fresh = (label: string) => {
    const indexName = `sink-${label}-${Date.now()}-${process.pid}`
    return { indexName, elasticSearchUrl: url }
  }
  const ask = async (path: string, init?: RequestInit) => {
    const response = await fetch(`${url}/${path}`, init)
    return (await response.json()) as {
      hits: { total: { value: number }; hits: { _id: string; _index: string; _source: unknown }[] }
      [index: string]: unknown
    }
  }
  const content = async (index: string) => {
    await ask(`${index}/_refresh`, { method: 'POST' })
    const { hits } = await ask(`${index}/_search?size=1000&sort=_doc`)
    return hits.hits
  }

  describe.skipIf(!server.available)(`on ${name}`, () => {
    it('finds out which server it is, and says so', async () => {
      await using sink = await openSink(fresh('title'))
      const [line] = sink.context.logger.messages('info').filter(message => message.startsWith('connected to '))
      expect(line?.replace('connected to ', '')).toMatch(title)
    })

    it.each([mode, 'ELASTICSEARCH_7'])('writes in the mode %s', async compatibilityMode => {
      const options = { ...fresh(`mode-${compatibilityMode.toLowerCase()}`), compatibilityMode }
      await using sink = await openSink(options)
      expect(codes(await sink.write(documents([{ a: 1 }])))).toEqual([undefined])
      expect(await content(options.indexName)).toHaveLength(1)
    })

    it('writes what it can around poisonous documents, and tells the server’s reason', async () => {
      const options = fresh('poison')
      await using sink = await openSink(options)
      const poison = [{ n: 1 }, { n: 'text' }, '{"n":', '[1]', '{"n":1} {"n":2}', { n: 2 }]
      const outcomes = await sink.write(documents(poison))
      expect(codes(outcomes)).toEqual([
        undefined,
        'PIO_ES_REJECTED',
        'PIO_ES_MALFORMED',
        'PIO_ES_MALFORMED',
        'PIO_ES_REJECTED',
        undefined,
      ])
      expect(outcomes[1]?.message).toMatch(
        /mapper_parsing_exception|document_parsing_exception.*\[n\] of type \[long\]/,
      )
      expect(await content(options.indexName)).toHaveLength(2)
    })

    it('leaves one document for each record, however often it is delivered', async () => {
      const options = fresh('replay')
      await using sink = await openSink(options)
      const records = documents(Array.from({ length: 500 }, (_, n) => ({ n })))
      expect((await sink.write(records)).every(outcome => outcome === undefined)).toBe(true)
      expect((await sink.write(records.slice(100))).every(outcome => outcome === undefined)).toBe(true)
      expect(await content(options.indexName)).toHaveLength(500)
    })

    it('replaces by key, deletes by null value, in the order of the records', async () => {
      const options = { ...fresh('keys'), keyIgnore: false, nullValueAction: 'DELETE' }
      await using sink = await openSink(options)
      const of = (key: string, value: object | null) => documents([value], { key })
      const outcomes = await sink.write([
        ...of('a', { v: 1 }),
        ...of('b', { v: 1 }),
        ...of('a', { v: 2 }),
        ...of('b', null),
        ...of('gone', null),
      ])
      expect(codes(outcomes)).toEqual([undefined, undefined, undefined, undefined, undefined])
      const found = await content(options.indexName)
      expect(found.map(({ _id, _source }) => [_id, _source])).toEqual([['a', { v: 2 }]])
    })

    it('takes ids with any character', async () => {
      const options = { ...fresh('ids'), keyIgnore: false }
      await using sink = await openSink(options)
      const keys = ['a/b', 'ü 🙂', '"quoted"\\', 'x'.repeat(512)]
      const outcomes = await sink.write(keys.flatMap(key => documents([{ a: 1 }], { key })))
      expect(outcomes.filter(outcome => outcome !== undefined)).toEqual([])
      expect((await content(options.indexName)).map(({ _id }) => _id).sort()).toEqual([...keys].sort())
    })

    it('creates the index with its shards and replicas', async () => {
      const options = {
        ...fresh('create'),
        createIndexIfNeeded: true,
        indexNumberOfShards: 3,
        indexNumberOfReplicas: 2,
      }
      for (let i = 0; i < 2; i++) await (await openSink(options)).close()
      const answer = (await ask(`${options.indexName}/_settings?flat_settings`)) as never as {
        [index: string]: { settings: { [name: string]: string } }
      }
      const settings = answer[options.indexName]?.settings
      expect([settings?.['index.number_of_shards'], settings?.['index.number_of_replicas']]).toEqual(['3', '2'])
    })

    it('creates an index for each day on first use', async () => {
      const base = fresh('days')
      await using sink = await openSink({
        ...base,
        indexName: `${base.indexName}-%{+yyyy-MM-dd}`,
        createIndexIfNeeded: true,
      })
      const outcomes = await sink.write([
        ...documents([{ a: 1 }], { eventTime: Date.UTC(2026, 0, 1, 23, 59) }),
        ...documents([{ a: 2 }], { eventTime: Date.UTC(2026, 0, 2, 0, 1) }),
      ])
      expect(codes(outcomes)).toEqual([undefined, undefined])
      const found = await content(`${base.indexName}-*`)
      expect(found.map(({ _index }) => _index.slice(-10)).sort()).toEqual(['2026-01-01', '2026-01-02'])
    })

    it('keeps every record when the index is closed, and says why', async () => {
      const options = { ...fresh('closed'), createIndexIfNeeded: true }
      await using sink = await openSink(options)
      await ask(`${options.indexName}/_close`, { method: 'POST' })
      const [outcome] = await sink.write(documents([{ a: 1 }]))
      expect(outcome).toMatchObject({ code: 'PIO_ES_INDEX_BLOCKED', retry: 'block' })
    })

    it('keeps every record when an index is missing that nobody may create', async () => {
      const options = fresh('missing')
      await ask('_cluster/settings', setting('action.auto_create_index', `-${options.indexName},+*`))
      try {
        await using sink = await openSink(options)
        const [outcome] = await sink.write(documents([{ a: 1 }]))
        expect(outcome).toMatchObject({ code: 'PIO_ES_NO_INDEX', retry: 'block' })
      } finally {
        await ask('_cluster/settings', setting('action.auto_create_index', null))
      }
    })

    it('sends compressed requests', async () => {
      const options = { ...fresh('gzip'), compressionEnabled: true }
      await using sink = await openSink(options)
      await sink.write(documents(Array.from({ length: 200 }, (_, n) => ({ n, text: 'x'.repeat(500) }))))
      expect(await content(options.indexName)).toHaveLength(200)
    })

    it('goes on with the next node when one is away', async () => {
      const options = { ...fresh('nodes'), elasticSearchUrl: `http://127.0.0.1:9,${url}` }
      await using sink = await openSink(options)
      for (let i = 0; i < 4; i++) expect(codes(await sink.write(documents([{ i }])))).toEqual([undefined])
    })

    it('refuses a mode that does not fit the server', async () => {
      const wrong = mode === 'OPENSEARCH' ? 'ELASTICSEARCH' : 'OPENSEARCH'
      await expect(openSink({ ...fresh('wrong'), compatibilityMode: wrong })).rejects.toMatchObject({
        code: 'PIO_ES_PRODUCT',
        message: expect.stringContaining('use AUTO'),
      })
    })
  })
}

function setting(name: string, value: string | null): RequestInit {
  return {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ persistent: { [name]: value } }),
  }
}
