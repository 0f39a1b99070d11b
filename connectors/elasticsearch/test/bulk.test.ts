import { describe, expect, it } from 'vitest'
import { bulk, type Operation } from '../src/bulk.ts'
import type { Call, Reply } from '../src/client.ts'
import type { Server } from '../src/server.ts'
import { failure } from './support.ts'

const op = (n: number, action: Operation['action'] = 'create'): Operation => ({
  action,
  index: 'i',
  id: `${n}`,
  ...(action === 'delete' ? {} : { document: `{"n":${n}}` }),
})

function serverThat(answer: (body: string, call: Call) => Partial<Reply>): Server & { readonly bodies: string[] } {
  const bodies: string[] = []
  return {
    bodies,
    title: 'test',
    where: { url: 'http://es:9200', who: 'user "jo"' },
    headers: { json: {}, lines: {} },
    pipeline: '',
    wire: {
      request: async call => {
        bodies.push(call.body ?? '')
        return { status: 200, body: { errors: false }, headers: {}, ...answer(call.body ?? '', call) }
      },
      close: async () => undefined,
    },
  }
}

const items = (...results: object[]) => ({ body: { errors: true, items: results } })
const error = (type: string, reason = 'why') => ({ error: { type, reason } })
const item = (status: number, type: string, action = 'create') => ({ [action]: { status, ...error(type) } })

describe('bulk', () => {
  it('puts one line for the action and one for the document', async () => {
    const server = serverThat(() => ({}))
    await bulk(server, [op(1), op(2, 'index'), op(3, 'delete')])
    expect(server.bodies).toEqual([
      '{"create":{"_id":"1"}}\n{"n":1}\n{"index":{"_id":"2"}}\n{"n":2}\n{"delete":{"_id":"3"}}\n',
    ])
  })

  it('says the version of what it replaces or deletes, and takes a later one there for success', async () => {
    const server = serverThat(() =>
      items(item(409, 'version_conflict_engine_exception', 'index'), item(409, 'version_conflict', 'delete')),
    )
    const version = 1_767_225_600_000_000n
    const results = await bulk(server, [
      { ...op(1, 'index'), version },
      { ...op(2, 'delete'), version: 7n },
    ])
    expect(results).toEqual([undefined, undefined])
    expect(server.bodies).toEqual([
      `{"index":{"_id":"1","version":${version},"version_type":"external_gte"}}\n{"n":1}\n` +
        '{"delete":{"_id":"2","version":7,"version_type":"external_gte"}}\n',
    ])
  })

  it('names the pipeline that documents go through', async () => {
    const queries: Call['query'][] = []
    const server = serverThat((_, { query }) => {
      queries.push(query)
      return {}
    })
    await bulk({ ...server, pipeline: 'enrich' }, [op(1)])
    await bulk(server, [op(1)])
    expect(queries.map(query => query?.pipeline)).toEqual(['enrich', undefined])
  })

  it('keeps what meets a missing pipeline, and not what a pipeline refuses', async () => {
    const server = serverThat(() =>
      items(
        { create: { status: 400, ...error('illegal_argument_exception', 'pipeline with id [p] does not exist') } },
        { create: { status: 500, ...error('fail_processor_exception', 'no such country') } },
      ),
    )
    const [missing, refused] = await bulk(server, [op(1), op(2)])
    expect(missing).toMatchObject({ code: 'PIO_ES_NO_PIPELINE', retry: 'block' })
    expect(refused).toMatchObject({ code: 'PIO_ES_REJECTED', message: expect.stringContaining('no such country') })
  })

  it('finds each result by its id where the answer is in another order', async () => {
    const all: { [id: string]: object } = {
      1: { create: { _id: '1', status: 201 } },
      2: { create: { _id: '2', status: 400, ...error('document_parsing_exception', 'of 2') } },
      3: { create: { _id: '3', status: 500, ...error('fail_processor_exception', 'of 3') } },
    }
    const server = serverThat(() => items(all[1] ?? {}, all[3] ?? {}, all[2] ?? {}))
    const results = await bulk(server, [op(1), op(2), op(3)])
    expect(results.map(result => result?.message.match(/of \d/)?.[0])).toEqual([undefined, 'of 2', 'of 3'])
    expect(server.bodies).toHaveLength(1)
  })

  it('does again alone what shares an id with others in such an answer', async () => {
    const server = serverThat(body => {
      if (body.split('\n').length === 3)
        return body.includes('"n":2') ? items({ index: { status: 400, ...error('document_parsing_exception') } }) : {}
      const refused = { index: { _id: '1', status: 400, ...error('document_parsing_exception') } }
      return items(refused, { index: { _id: '3', status: 200 } }, { index: { _id: '1', status: 200 } })
    })
    const results = await bulk(server, [op(1, 'index'), { ...op(2, 'index'), id: '1' }, op(3, 'index')])
    expect(results.map(result => result?.code)).toEqual([undefined, 'PIO_ES_REJECTED', undefined])
    expect(server.bodies).toHaveLength(3)
  })

  it('keeps to the order where a pipeline gives other ids', async () => {
    const server = serverThat(() =>
      items(
        { create: { _id: 'x', status: 201 } },
        { create: { _id: 'y', status: 400, ...error('document_parsing_exception') } },
      ),
    )
    expect((await bulk(server, [op(1), op(2)])).map(result => result?.code)).toEqual([undefined, 'PIO_ES_REJECTED'])
  })

  it('names the index in each action where there are several', async () => {
    const server = serverThat((_, call) => ({ body: { errors: call.path !== '/_bulk', items: [] } }))
    await bulk(server, [op(1), { ...op(2), index: 'j' }])
    expect(server.bodies[0]).toContain('{"create":{"_index":"j","_id":"2"}}')
  })

  it.each([
    [201, '', 'create', undefined, undefined],
    [409, 'version_conflict_engine_exception', 'create', undefined, undefined],
    [404, '', 'delete', undefined, undefined],
    [409, 'version_conflict_engine_exception', 'index', 'PIO_ES_BUSY', 'retry'],
    [429, 'es_rejected_execution_exception', 'create', 'PIO_ES_BUSY', 'retry'],
    [503, 'unavailable_shards_exception', 'create', 'PIO_ES_BUSY', 'retry'],
    [500, 'whatever', 'create', 'PIO_ES_BUSY', 'retry'],
    [400, 'document_parsing_exception', 'create', 'PIO_ES_REJECTED', 'reject'],
    [400, 'strict_dynamic_mapping_exception', 'create', 'PIO_ES_REJECTED', 'reject'],
    [400, 'validation_exception', 'create', 'PIO_ES_REQUEST_REFUSED', 'block'],
    [400, 'index_closed_exception', 'create', 'PIO_ES_INDEX_BLOCKED', 'block'],
    [403, 'cluster_block_exception', 'create', 'PIO_ES_INDEX_BLOCKED', 'block'],
    [429, 'cluster_block_exception', 'create', 'PIO_ES_INDEX_BLOCKED', 'block'],
    [403, 'security_exception', 'create', 'PIO_ES_FORBIDDEN', 'block'],
    [401, 'security_exception', 'create', 'PIO_ES_AUTH', 'block'],
    [404, 'index_not_found_exception', 'create', 'PIO_ES_NO_INDEX', 'block'],
  ] as const)('an item with %i %s of %s is %s (%s)', async (status, type, action, code, retry) => {
    const server = serverThat(() => items(item(201, ''), item(status, type, action)))
    const [first, second] = await bulk(server, [op(1), op(2, action)])
    expect(first).toBeUndefined()
    expect([second?.code, second?.retry]).toEqual([code, retry])
  })

  it('says what the server said, of which index and where', async () => {
    const server = serverThat(() =>
      items({ create: { status: 400, ...error('document_parsing_exception', 'bad [a]') } }),
    )
    const [refused] = await bulk(server, [op(1)])
    expect(refused?.message).toBe(
      'index i at http://es:9200 refuses the document (HTTP 400, document_parsing_exception, bad [a])',
    )
  })

  it.each([
    [401, 'PIO_ES_AUTH', 'block'],
    [403, 'PIO_ES_FORBIDDEN', 'block'],
    [404, 'PIO_ES_REQUEST_REFUSED', 'block'],
    [429, 'PIO_ES_BUSY', 'retry'],
    [502, 'PIO_ES_UNAVAILABLE', 'reconnect'],
    [503, 'PIO_ES_UNAVAILABLE', 'reconnect'],
  ])('a request with %i as a whole is %s (%s)', async (status, code, retry) => {
    const server = serverThat(() => ({ status, body: 'no' }))
    expect(await failure(bulk(server, [op(1)]))).toMatchObject({ code, retry })
  })

  it('waits as long as the server asks', async () => {
    const server = serverThat(() => ({ status: 429, body: '', headers: { 'retry-after': '3' } }))
    expect(await failure(bulk(server, [op(1)]))).toMatchObject({ retryAfterMs: 3000 })
  })

  it.each([413, 400])('finds the one document that makes a request fail with %i', async status => {
    const refusal = { status, body: error('illegal_argument_exception', 'too much') }
    const server = serverThat(body => (body.includes('{"n":3}') ? refusal : {}))
    const results = await bulk(
      server,
      [1, 2, 3, 4, 5].map(n => op(n)),
    )
    expect(results.map(result => result?.retry)).toEqual([undefined, undefined, 'reject', undefined, undefined])
  })

  it('blames no document for a 400 about something else', async () => {
    const server = serverThat(() => ({ status: 400, body: error('media_type_header_exception') }))
    expect(await failure(bulk(server, [op(1), op(2)]))).toMatchObject({ retry: 'block' })
    expect(server.bodies).toHaveLength(1)
  })

  it('keeps what the first half did when the second fails', async () => {
    const server = serverThat(body => {
      if (body.includes('{"n":1}') && body.includes('{"n":4}')) return { status: 413, body: '' }
      return body.includes('{"n":4}') ? { status: 503, body: '' } : {}
    })
    const results = await bulk(
      server,
      [1, 2, 3, 4].map(n => op(n)),
    )
    expect(results.map(result => result?.retry)).toEqual([undefined, undefined, 'reconnect', 'reconnect'])
  })

  it('believes no answer that does not name every item', async () => {
    const server = serverThat(() => items(item(201, '')))
    expect(await failure(bulk(server, [op(1), op(2)]))).toMatchObject({ retry: 'reconnect' })
  })
})
