import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { AdminClient, type AdminOptions } from '../../src/admin/admin-client.ts'
import { missingOf } from '../../src/admin/missing.ts'
import { tokenAuthentication } from '../../src/auth/index.ts'

const servers: Server[] = []

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

/** What no real broker can be brought to answer on demand. */
async function answering(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const NOBODY = 'http://127.0.0.1:1'

const clientOf = (urls: string | readonly string[], options: Partial<AdminOptions> = {}) =>
  new AdminClient({ urls: typeof urls === 'string' ? [urls] : urls, ...options })

const ask = (client: AdminClient) => client.get({ path: '/admin/v2/tenants', action: 'listing tenants' })

describe('the admin interface', () => {
  it('is asked at the next address when one does not answer', async () => {
    const url = await answering((_, response) => response.end('["a"]'))
    const client = clientOf([NOBODY, url])
    expect(await ask(client)).toEqual(['a'])
    expect(await ask(client)).toEqual(['a'])
  })

  it('that is not there is named, to be tried again', async () => {
    await expect(ask(clientOf(NOBODY))).rejects.toMatchObject({
      code: 'PIO_PULSAR_ADMIN_UNREACHABLE',
      retry: 'reconnect',
      message: expect.stringMatching(/^listing tenants: the admin interface of Pulsar at http:\S+ does not answer/),
    })
  })

  it('that never answers is given up', async () => {
    const url = await answering(() => undefined)
    await expect(ask(clientOf(url, { timeoutMs: 50 }))).rejects.toMatchObject({ retry: 'reconnect' })
  })

  it.each([
    [401, '{"reason":"Authentication required"}', 'PIO_PULSAR_AUTHENTICATION', 'block'],
    [401, '{"reason":"Unauthorized to validateTopicOperation"}', 'PIO_PULSAR_AUTHORIZATION', 'block'],
    [401, '{"reason":"This operation requires super-user access"}', 'PIO_PULSAR_AUTHORIZATION', 'block'],
    [403, '', 'PIO_PULSAR_AUTHORIZATION', 'block'],
    [404, '{"reason":"Namespace not found"}', 'PIO_NOT_FOUND', 'stop'],
    [412, '{"reason":"Subscription has active connected consumers"}', 'PIO_PULSAR_ADMIN_REFUSED', 'stop'],
    [503, '<html>busy</html>', 'PIO_PULSAR_ADMIN', 'reconnect'],
  ])('that answers %d %s', async (status, body, code, retry) => {
    const url = await answering((_, response) => {
      response.statusCode = status
      response.end(body)
    })
    const reason = /"reason":"(.*)"/.exec(body)?.[1]
    await expect(ask(clientOf(url))).rejects.toMatchObject({
      code,
      retry,
      message: expect.stringContaining(
        `listing tenants: ${url} answered ${status}${reason === undefined ? '' : ` ${reason}`}`,
      ),
    })
  })

  it('tells of a refused token whose it is and never what it is', async () => {
    const url = await answering((_, response) => {
      response.statusCode = 401
      response.end('{"reason":"Failed to authenticate"}')
    })
    const claims = Buffer.from('{"sub":"alice","exp":1}').toString('base64url')
    const authentication = tokenAuthentication(`e30.${claims}.hush`)
    const error = await ask(clientOf(url, { authentication })).catch(String)
    expect(error).toContain('to the token of "alice", which expired at 1970-01-01')
    expect(error).not.toContain('hush')
  })

  it('sends on to the broker that owns it, with method, body and credentials', async () => {
    const seen: unknown[] = []
    const owner = await answering(async (request, response) => {
      seen.push([request.method, request.url, await text(request), request.headers.authorization])
      response.statusCode = 204
      response.end()
    })
    const url = await answering((request, response) => {
      response.writeHead(307, { location: `${owner}${request.url}&authoritative=true` })
      response.end()
    })
    const client = clientOf(url, { authentication: tokenAuthentication('abc') })
    await client.send('POST', { path: '/admin/v2/x?a=1', action: 'doing', body: { n: 1 } })
    expect(seen).toEqual([['POST', '/admin/v2/x?a=1&authoritative=true', '{"n":1}', 'Bearer abc']])
  })

  it('that sends in a circle is given up', async () => {
    const url = await answering((request, response) => {
      response.writeHead(307, { location: request.url ?? '' })
      response.end()
    })
    await expect(ask(clientOf(url))).rejects.toThrow('more than 8 redirects')
  })
})

describe('what of a namespace is missing', () => {
  it('is the tenant, the namespace, or nothing; and nothing where nobody tells', async () => {
    const url = await answering((request, response) => {
      if (request.url === '/admin/v2/namespaces/public') response.end('["public/default"]')
      else if (request.url === '/admin/v2/namespaces/secret') response.writeHead(403).end('{"reason":"no"}')
      else response.writeHead(404).end('{"reason":"Tenant does not exist"}')
    })
    const missing = (tenant: string, namespace: string) => missingOf(clientOf(url), tenant, namespace)
    expect(await missing('public', 'default')).toBeUndefined()
    expect(await missing('public', 'nope')).toBe('namespace')
    expect(await missing('nope', 'default')).toBe('tenant')
    expect(await missing('secret', 'default')).toBeUndefined()
    expect(await missingOf(clientOf(NOBODY), 'public', 'default')).toBeUndefined()
  })
})
