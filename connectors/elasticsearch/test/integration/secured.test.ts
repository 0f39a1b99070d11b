import { type Credentials, service } from '@pulsar-io/tooling/services'
import { describe, expect, it } from 'vitest'
import { codes, documents, failure, openSink } from '../support.ts'

const server = await service('elasticsearch8-secured')
const url = server.available ? server.url : ''
const owner = (server.available ? server.credentials : undefined) ?? { username: '', password: '' }
const readOnly = server.available ? server.readOnly : undefined

const basic = ({ username, password }: Credentials) =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
const post = async (path: string, body: object): Promise<{ readonly [field: string]: string }> => {
  const headers = { authorization: basic(owner), 'content-type': 'application/json' }
  const response = await fetch(`${url}/${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  return (await response.json()) as { [field: string]: string }
}
const options = (label: string) => ({ elasticSearchUrl: url, indexName: `sec-${label}-${Date.now()}-${process.pid}` })

describe.skipIf(!server.available)('a server with security', () => {
  it('lets the right user write', async () => {
    await using sink = await openSink({ ...options('user'), ...owner })
    expect(codes(await sink.write(documents([{ a: 1 }])))).toEqual([undefined])
  })

  it('lets an API key write, as far as it goes', async () => {
    const { indexName, elasticSearchUrl } = options('key')
    const role = { cluster: [], indices: [{ names: [indexName], privileges: ['create_doc', 'auto_configure'] }] }
    const { encoded: apiKey } = await post('_security/api_key', { name: indexName, role_descriptors: { role } })
    await using sink = await openSink({ elasticSearchUrl, indexName, apiKey })
    expect(codes(await sink.write(documents([{ a: 1 }])))).toEqual([undefined])
    await using other = await openSink({ elasticSearchUrl, indexName: `${indexName}-other`, apiKey })
    const [outcome] = await other.write(documents([{ a: 1 }]))
    expect(outcome).toMatchObject({ code: 'PIO_ES_FORBIDDEN', retry: 'block' })
    expect(outcome?.message).toContain(`the API key at ${url} may not write to index ${indexName}-other`)
  })

  it('lets a token write', async () => {
    const { access_token: token } = await post('_security/oauth2/token', { grant_type: 'client_credentials' })
    await using sink = await openSink({ ...options('token'), token })
    expect(codes(await sink.write(documents([{ a: 1 }])))).toEqual([undefined])
  })

  it.each([
    [{ username: 'elastic', password: 'wrong' }, 'user "elastic"'],
    [{ token: 'wrong' }, 'the token'],
    [{ apiKey: 'd3Jvbmc6d3Jvbmc=' }, 'the API key'],
    [{}, 'a request without credentials'],
  ])('blocks %o, and names who it is', async (credentials, who) => {
    const error = await failure(openSink({ ...options('wrong'), ...credentials }))
    expect(error).toMatchObject({ code: 'PIO_ES_AUTH', retry: 'block' })
    expect(error.message).toContain(`${url} does not accept ${who}`)
    expect(error.message).not.toContain('password":"wrong')
  })

  it.skipIf(!readOnly)('blocks a user that may only read, and drops nothing', async () => {
    await using sink = await openSink({ ...options('read'), ...readOnly })
    const error = await failure(sink.write(documents([{ a: 1 }, { a: 2 }])))
    expect(error).toMatchObject({ code: 'PIO_ES_FORBIDDEN', retry: 'block' })
    expect(error.message).toMatch(/user "reader".*sec-read.*"create_doc"/)
  })

  it('says which privilege is missing to create an index', async () => {
    const { indexName, elasticSearchUrl } = options('create')
    const role = { cluster: [], indices: [{ names: [indexName], privileges: ['view_index_metadata', 'write'] }] }
    const { encoded: apiKey } = await post('_security/api_key', { name: indexName, role_descriptors: { role } })
    const creating = { elasticSearchUrl, indexName, apiKey, createIndexIfNeeded: true }
    const error = await failure(openSink(creating))
    expect(error).toMatchObject({ code: 'PIO_ES_FORBIDDEN', retry: 'block' })
    expect(error.message).toMatch(/the API key.* may not create index sec-create.*privileges \[.*create_index/)
    await (await openSink({ ...creating, ...owner, apiKey: '' })).close()
    await using sink = await openSink(creating)
    expect(codes(await sink.write(documents([{ a: 1 }])))).toEqual([undefined])
  })

  it.skipIf(!readOnly)('lets the first write tell where an index can be neither seen nor created', async () => {
    await using sink = await openSink({ ...options('blind'), ...readOnly, createIndexIfNeeded: true })
    expect(sink.context.logger.messages('info').join()).toContain('may neither see nor create index')
  })
})
