import { service } from '@pulsar-io/tooling/services'
import { describe, expect, it } from 'vitest'
import { codes, documents, failure, openSink } from '../support.ts'

const kinds = ['elasticsearch', 'elasticsearch8', 'opensearch'] as const

// They start at the same time.
const servers = await Promise.all(kinds.map(async name => ({ name, server: await service(name) })))

interface Answer {
  readonly [field: string]: unknown
  readonly hits?: { readonly hits: readonly { _id: string; _version: number; _source: { [field: string]: unknown } }[] }
}

for (const { name, server } of servers) {
  const url = server.available ? server.url : ''
  const fresh = (label: string) => `target-${label}-${Date.now()}-${process.pid}`
  const ask = async (method: string, path: string, body?: object): Promise<{ status: number; body: Answer }> => {
    const headers = { 'content-type': 'application/json' }
    const init = { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) }
    const response = await fetch(`${url}/${path}`, init)
    return { status: response.status, body: (await response.json()) as Answer }
  }
  const content = async (index: string) => {
    await ask('POST', `${index}/_refresh`)
    const { body } = await ask('GET', `${index}/_search?size=1000&sort=_doc&version=true`)
    return body.hits?.hits ?? []
  }
  const openOn = (indexName: string, more: object = {}) => openSink({ elasticSearchUrl: url, indexName, ...more })

  /** Not every server that is started from packages has all modules. */
  const has = async (path: string) => server.available && (await ask('GET', path)).status < 300
  const [streams, processors] = await Promise.all([
    has('_data_stream'),
    has('_ingest/processor/grok').then(async grok => grok && (await simulates())),
  ])
  async function simulates(): Promise<boolean> {
    const pipeline = { processors: [{ set: { field: 'a', value: 1 } }] }
    const { status } = await ask('POST', '_ingest/pipeline/_simulate', { pipeline, docs: [{ _source: {} }] })
    return status === 200
  }

  describe.skipIf(!server.available)(`keyed documents on ${name}`, () => {
    const keyed = { keyIgnore: false, nullValueAction: 'DELETE' }

    it('are never overwritten by an old record that comes again, and not deleted by one either', async () => {
      const index = fresh('versions')
      const records = [
        ...documents([{ v: 1 }, { v: 2 }, null, { v: 3 }], { key: 'a', publishTime: Date.UTC(2026, 0, 1) }),
      ]
      await using first = await openOn(index, keyed)
      expect(codes(await first.write(records))).toEqual([undefined, undefined, undefined, undefined])
      // Another instance gets all but the last again, in any order.
      await using second = await openOn(index, keyed)
      for (const at of [1, 0, 2]) expect(codes(await second.write(records.slice(at, at + 1)))).toEqual([undefined])
      expect((await content(index)).map(({ _id, _source }) => [_id, _source])).toEqual([['a', { v: 3 }]])
      // And the last one is the same again.
      expect(codes(await second.write(records.slice(3)))).toEqual([undefined])
      expect((await content(index)).map(({ _source }) => _source)).toEqual([{ v: 3 }])
    })

    it('stay deleted when an older record comes again', async () => {
      const index = fresh('deleted')
      const records = documents([{ v: 1 }, null], { key: 'a', publishTime: Date.UTC(2026, 0, 1) })
      await using sink = await openOn(index, keyed)
      await sink.write(records)
      expect(codes(await sink.write(records.slice(0, 1)))).toEqual([undefined])
      expect(await content(index)).toEqual([])
    })

    it('go on where the server has counted versions so far', async () => {
      const index = fresh('adopted')
      await using before = await openOn(index, { ...keyed, documentVersion: 'NONE' })
      await before.write(documents([{ v: 1 }, { v: 2 }], { key: 'a' }))
      await using after = await openOn(index, keyed)
      expect(codes(await after.write(documents([{ v: 3 }], { key: 'a', publishTime: Date.now() })))).toEqual([
        undefined,
      ])
      expect((await content(index)).map(({ _source }) => _source)).toEqual([{ v: 3 }])
    })
  })

  describe.skipIf(!server.available)(`an index template on ${name}`, () => {
    it('is made once, shapes the index, and its mapping refuses what does not fit with the server’s words', async () => {
      const indexName = fresh('template')
      const template = (type: string) => ({
        index_patterns: [`${indexName}*`],
        template: {
          settings: { number_of_shards: 2, number_of_replicas: 0 },
          mappings: { properties: { n: { type } } },
        },
      })
      const options = { createIndexIfNeeded: true, indexTemplateName: indexName, indexTemplate: template('integer') }
      await using sink = await openOn(indexName, options)
      const outcomes = await sink.write(documents([{ n: 1 }, { n: 'one' }, { n: 2 }]))
      expect(codes(outcomes)).toEqual([undefined, 'PIO_ES_REJECTED', undefined])
      expect(outcomes[1]?.message).toMatch(/failed to parse field \[n\] of type \[integer\]/)
      expect(await content(indexName)).toHaveLength(2)
      const { body } = await ask('GET', `${indexName}/_settings?flat_settings`)
      expect(body[indexName]).toMatchObject({ settings: { 'index.number_of_shards': '2' } })
      // Somebody may have changed it since: it stays.
      await (await openOn(indexName, { ...options, indexTemplate: template('keyword') })).close()
      expect(JSON.stringify((await ask('GET', `_index_template/${indexName}`)).body)).toContain('"integer"')
    })

    it('that is none is told in the server’s words', async () => {
      const options = { indexTemplateName: fresh('wrong'), indexTemplate: { index_patterns: ['x'], nonsense: 1 } }
      const error = await failure(openOn(fresh('wrong'), options))
      expect(error).toMatchObject({ code: 'PIO_ES_REQUEST_REFUSED', retry: 'block' })
      expect(error.message).toContain('nonsense')
    })
  })

  describe.skipIf(!streams)(`a data stream on ${name}`, () => {
    const streamOf = (indexName: string) => ({
      dataStream: true,
      createIndexIfNeeded: true,
      indexTemplateName: indexName,
      indexTemplate: { index_patterns: [`${indexName}*`], data_stream: {} },
    })

    it('is made, takes each record once, and dates what has no date', async () => {
      const indexName = fresh('stream')
      await using sink = await openOn(indexName, streamOf(indexName))
      const publishTime = Date.UTC(2026, 0, 1)
      const records = documents([{ n: 1 }, { n: 2, '@timestamp': '2025-01-01T00:00:00.000Z' }], { publishTime })
      for (let i = 0; i < 2; i++) expect(codes(await sink.write(records))).toEqual([undefined, undefined])
      const found = await content(indexName)
      expect(found.map(({ _source }) => [_source.n, _source['@timestamp']])).toEqual([
        [1, '2026-01-01T00:00:00.000Z'],
        [2, '2025-01-01T00:00:00.000Z'],
      ])
      expect((await ask('GET', `_data_stream/${indexName}`)).status).toBe(200)
      // The next instance finds it.
      await (await openOn(indexName, { dataStream: true })).close()
    })

    it('goes on when the stream begins a new index', async () => {
      const indexName = fresh('rollover')
      await using sink = await openOn(indexName, streamOf(indexName))
      const records = documents([{ n: 1 }, { n: 2 }, { n: 3 }])
      await sink.write(records.slice(0, 2))
      await ask('POST', `${indexName}/_rollover`)
      expect(codes(await sink.write(records.slice(2)))).toEqual([undefined])
      expect(await content(indexName)).toHaveLength(3)
    })

    it('that is missing is not replaced by an index of its name', async () => {
      const indexName = fresh('no-stream')
      const error = await failure(openOn(indexName, { dataStream: true }))
      expect(error).toMatchObject({ code: 'PIO_ES_NO_INDEX', retry: 'block' })
      expect(error.message).toContain(`PUT /_data_stream/${indexName}`)
      const unmatched = await failure(openOn(indexName, { dataStream: true, createIndexIfNeeded: true }))
      expect(unmatched).toMatchObject({ code: 'PIO_ES_REQUEST_REFUSED', message: expect.stringContaining('template') })
      expect((await ask('HEAD', indexName).catch(() => ({ status: 404 }))).status).toBe(404)
    })
  })

  describe.skipIf(!server.available)(`an ingest pipeline on ${name}`, () => {
    it('that is missing stops the sink, also when it goes missing later, and no document is lost', async () => {
      const pipeline = fresh('pipeline')
      const index = fresh('no-pipeline')
      const error = await failure(openOn(index, { pipeline }))
      expect(error).toMatchObject({ code: 'PIO_ES_NO_PIPELINE', retry: 'block' })
      expect(error.message).toContain(pipeline)
      await ask('PUT', `_ingest/pipeline/${pipeline}`, { processors: [] })
      await using sink = await openOn(index, { pipeline })
      expect(codes(await sink.write(documents([{ n: 1 }])))).toEqual([undefined])
      await ask('DELETE', `_ingest/pipeline/${pipeline}`)
      const [lost] = await sink.write(documents([{ n: 2 }], { key: 'later' }))
      expect(lost).toMatchObject({ code: 'PIO_ES_NO_PIPELINE', retry: 'block' })
    })

    it.skipIf(!processors)('changes documents, drops some, and refuses some with its own words', async () => {
      const [pipeline, index] = [fresh('pipeline'), fresh('piped')]
      await ask('PUT', `_ingest/pipeline/${pipeline}`, {
        processors: [
          { set: { field: 'seen', value: true } },
          { drop: { if: 'ctx.n == 2' } },
          { fail: { if: 'ctx.n == 3', message: 'three is not wanted' } },
          { convert: { field: 'n', type: 'integer' } },
        ],
      })
      await using sink = await openOn(index, { pipeline })
      const outcomes = await sink.write(documents([{ n: 1 }, { n: 2 }, { n: 3 }, { n: 'four' }, { n: 5 }]))
      expect(codes(outcomes)).toEqual([undefined, undefined, 'PIO_ES_REJECTED', 'PIO_ES_REJECTED', undefined])
      expect(outcomes[2]?.message).toContain('three is not wanted')
      expect(outcomes[3]?.message).toContain('four')
      expect((await content(index)).map(({ _source }) => _source)).toEqual([
        { n: 1, seen: true },
        { n: 5, seen: true },
      ])
    })
  })
}
