import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type OAuth2Options, oauth2Authentication } from '../../src/auth/index.ts'

/** An issuer of tokens, as small as can be. */
let server: Server
let issuerUrl: string
let forms: URLSearchParams[]
let reply: { status: number; body: object }
let time: number

beforeEach(async () => {
  forms = []
  reply = { status: 200, body: { expires_in: 600 } }
  time = 0
  server = createServer(async (request, response) => {
    if (request.url === '/tenant/.well-known/openid-configuration') {
      response.end(JSON.stringify({ token_endpoint: `${issuerUrl}/token` }))
      return
    }
    forms.push(new URLSearchParams(await text(request)))
    response.statusCode = reply.status
    response.end(JSON.stringify({ access_token: `token-${forms.length}`, ...reply.body }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  issuerUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/tenant`
})

afterEach(() => {
  server.closeAllConnections()
  server.close()
})

const KEY = JSON.stringify({ type: 'client_credentials', client_id: 'me', client_secret: 'hush' })

const make = (options: Partial<OAuth2Options> = {}) =>
  oauth2Authentication(
    {
      issuerUrl,
      privateKey: `data:application/json;base64,${Buffer.from(KEY).toString('base64')}`,
      audience: 'pulsar',
      ...options,
    },
    () => time,
  )

const shown = async (auth = make()) => Buffer.from(await auth.credentials()).toString()

describe('OAuth 2.0', () => {
  it('asks the endpoint that the issuer names', async () => {
    expect(await shown(make({ scope: 'a b' }))).toBe('token-1')
    expect(Object.fromEntries(forms[0] ?? [])).toEqual({
      grant_type: 'client_credentials',
      client_id: 'me',
      client_secret: 'hush',
      audience: 'pulsar',
      scope: 'a b',
    })
  })

  it('keeps the token until shortly before it expires', async () => {
    const auth = make()
    expect([await shown(auth), await shown(auth)]).toEqual(['token-1', 'token-1'])
    time = 539_999
    expect(await shown(auth)).toBe('token-1')
    time = 540_000
    expect(await shown(auth)).toBe('token-2')
    expect(await auth.headers?.()).toEqual({ authorization: 'Bearer token-2' })
  })

  it('asks again in time when the clock was set back, and once when it was set ahead', async () => {
    reply.body = { expires_in: 1 }
    const auth = make()
    expect(await shown(auth)).toBe('token-1')
    time = -3_600_000
    reply.body = { expires_in: 600 }
    await vi.waitFor(async () => expect(await shown(auth)).toBe('token-2'), { timeout: 10_000 })
    time = 3_600_000
    expect([await shown(auth), await shown(auth)]).toEqual(['token-3', 'token-3'])
  })

  it('asks once for many connections', async () => {
    const auth = make()
    expect(await Promise.all([shown(auth), shown(auth), shown(auth)])).toEqual(['token-1', 'token-1', 'token-1'])
  })

  it('asks again after a failure', async () => {
    const auth = make()
    reply = { status: 503, body: {} }
    await expect(auth.credentials()).rejects.toMatchObject({ code: 'PIO_PULSAR_OAUTH2', retry: 'reconnect' })
    reply = { status: 200, body: {} }
    expect(await shown(auth)).toBe('token-2')
  })

  it.each(['file://', ''])('reads the key from a file (%j)', async prefix => {
    const folder = await mkdtemp(join(tmpdir(), 'pulsar-oauth2-'))
    await writeFile(join(folder, 'key.json'), KEY)
    expect(await shown(make({ privateKey: `${prefix}${folder}/key.json` }))).toBe('token-1')
    await rm(folder, { recursive: true })
  })

  it('repeats what the issuer says of a refusal, and no secret', async () => {
    reply = { status: 401, body: { error: 'invalid_client', error_description: 'no such client' } }
    const error = await make()
      .credentials()
      .catch(e => e)
    expect(error).toMatchObject({ code: 'PIO_PULSAR_OAUTH2', retry: 'block' })
    expect(error.message).toBe(
      `${issuerUrl}/token gives no token to the client "me": it answered 401 invalid_client: no such client; check issuerUrl, audience, scope and the key file`,
    )
  })

  it.each([
    ['/none.json', 'the key file /none.json cannot be read: ENOENT'],
    ['data:,{}', 'is not JSON with client_id and client_secret'],
    ['data:application/json', 'there is no comma'],
    ['{"client_secret":"hush"}', 'the key in privateKey'],
  ])('names what is wrong with the key %s', async (privateKey, why) => {
    const error = await make({ privateKey }).credentials().catch(String)
    expect(error).toContain(why)
    expect(error).not.toContain('hush')
  })

  it('says when the issuer is not there', async () => {
    const auth = make({ issuerUrl: 'http://127.0.0.1:1' })
    await expect(auth.credentials()).rejects.toMatchObject({
      retry: 'reconnect',
      message: expect.stringContaining('cannot reach the issuer of tokens at http://127.0.0.1:1/'),
    })
  })

  it('says when the issuer has no metadata', async () => {
    const auth = make({ issuerUrl: `${issuerUrl}/other` })
    reply = { status: 404, body: {} }
    await expect(auth.credentials()).rejects.toThrow('names no token endpoint: it answered 404')
  })
})
