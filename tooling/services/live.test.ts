import { afterAll, describe, expect, it } from 'vitest'
import { type Credentials, service } from './index.ts'

const elasticsearch = await service('elasticsearch')
const secured = await service('elasticsearch8-secured')
const dedicated = await service('elasticsearch', { dedicated: true })

afterAll(async () => {
  if (dedicated.available) await dedicated.close()
})

/** Another run may use the same server at the same time. */
const unique = `services-${process.pid}`

const authorization = ({ username, password }: Credentials): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`

async function index(url: string, path: string, user?: Credentials): Promise<number> {
  const headers = { 'content-type': 'application/json', ...(user ? { authorization: authorization(user) } : {}) }
  const response = await fetch(`${url}${path}`, { method: 'PUT', headers, body: '{"a":1}' })
  return response.status
}

describe.skipIf(!elasticsearch.available)('a shared elasticsearch', () => {
  it('answers GET / with its version', async () => {
    if (!elasticsearch.available) return
    const response = await fetch(elasticsearch.url)
    const body = (await response.json()) as { version: { number: string } }
    expect(response.status).toBe(200)
    expect(body.version.number).toBe(elasticsearch.version)
  })

  it('is the same server for everybody', async () => {
    expect(await service('elasticsearch')).toEqual(elasticsearch)
  })
})

describe.skipIf(!dedicated.available)('a dedicated elasticsearch', () => {
  it('is down after kill, and back on the same port with its data after start', async () => {
    if (!dedicated.available) return
    expect(await index(dedicated.url, '/kept/_doc/1')).toBe(201)
    await dedicated.kill()
    await expect(fetch(dedicated.url)).rejects.toThrow()
    await dedicated.start()
    expect((await fetch(`${dedicated.url}/kept/_doc/1`)).status).toBe(200)
    await dedicated.restart()
    expect((await fetch(`${dedicated.url}/kept/_doc/1`)).status).toBe(200)
  }, 120_000)

  it('is another server than the shared one', () => {
    if (!dedicated.available || !elasticsearch.available) return
    expect(dedicated.url).not.toBe(elasticsearch.url)
  })
})

describe.skipIf(!secured.available)('an elasticsearch with security', () => {
  it('tells apart its users, a wrong password and nobody', async () => {
    if (!secured.available) return
    const { url, credentials, readOnly } = secured
    if (!credentials || !readOnly) throw new Error('the users are missing')
    expect(await index(url, `/${unique}/_doc/1?refresh`, credentials)).toBe(201)
    expect(await index(url, `/${unique}/_doc/2`, readOnly)).toBe(403)
    expect(await index(url, `/${unique}/_doc/2`, { ...credentials, password: 'wrong' })).toBe(401)
    expect(await index(url, `/${unique}/_doc/2`)).toBe(401)
    const headers = { authorization: authorization(readOnly) }
    expect((await fetch(`${url}/${unique}/_doc/1`, { headers })).status).toBe(200)
  })
})
