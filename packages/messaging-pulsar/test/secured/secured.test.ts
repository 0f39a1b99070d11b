import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { pulsarBasicUser, pulsarToken, service } from '@pulsar-io/tooling/services'
import { afterEach, describe, expect, it } from 'vitest'
import { connectionOptions } from '../../src/connection/tls-options.ts'
import { httpRequest } from '../../src/http/request.ts'
import {
  type Authentication,
  basicAuthentication,
  oauth2Authentication,
  openPulsar,
  type PulsarClient,
  type PulsarOptions,
  tlsAuthentication,
  tokenAuthentication,
} from '../../src/index.ts'
import { freshTopic } from '../support/broker.ts'
import { tlsFile } from '../support/tls-file.ts'

const secured = await service('pulsar-secured')
// Roles of our own need the key of a server that we started.
const ours = secured.available && secured.origin === 'local'

const clients: PulsarClient[] = []

async function connect(
  authentication: Authentication | undefined,
  options: Partial<PulsarOptions> = {},
): Promise<PulsarClient> {
  if (!secured.available) throw new Error(secured.reason)
  const client = await openPulsar({
    serviceUrl: secured.url,
    adminUrl: secured.adminUrl,
    authentication,
    tls: { trustCerts: tlsFile('ca') },
    ...options,
  })
  clients.push(client)
  return client
}

const owner = (): Authentication => tokenAuthentication((secured.available && secured.credentials?.password) || '')

async function publish(client: PulsarClient, topic: string, text = 'hello'): Promise<void> {
  const producer = await client.createProducer({ topic })
  await producer.send([{ payload: Buffer.from(text) }])
  await producer.close()
}

async function texts(client: PulsarClient, topic: string, count: number): Promise<string[]> {
  const reader = await client.createReader({ topic })
  const messages = await reader.read({ maxMessages: count, timeoutMs: 10_000 })
  await reader.close()
  return messages.map(({ payload }) => Buffer.from(payload ?? []).toString())
}

/** Lets a role produce and consume in `public/default`. */
async function grant(role: string): Promise<void> {
  if (!secured.available) throw new Error(secured.reason)
  const answer = await httpRequest({
    method: 'POST',
    url: `${secured.adminUrl}/admin/v2/namespaces/public/default/permissions/${encodeURIComponent(role)}`,
    headers: { 'content-type': 'application/json', ...(await owner().headers?.()) },
    body: '["produce","consume"]',
    tls: host => connectionOptions({ trustCerts: tlsFile('ca') }, host),
    timeoutMs: 10_000,
  })
  if (answer.status >= 300) throw new Error(`granting to ${role}: ${answer.status} ${answer.body}`)
}

async function refusalOf(work: Promise<unknown>): Promise<{ code: string; retry: string; message: string }> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof Error)) throw new Error('it was not refused')
  const { code, retry } = error as Error & { code: string; retry: string }
  return { code, retry, message: error.message }
}

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
})

describe.skipIf(!secured.available)('a broker with TLS and tokens', () => {
  it('takes a token, and messages over TLS', async () => {
    const client = await connect(owner())
    const topic = freshTopic()
    await publish(client, topic)
    expect(await texts(client, topic, 1)).toEqual(['hello'])
    expect((await client.topics.stats(topic)).messages).toBe(1)
    expect(await client.topics.deduplication(topic)).toBe('off')
  })

  it('is found over HTTPS, too', async () => {
    const client = await connect(owner(), { serviceUrl: (secured.available && secured.adminUrl) || '' })
    const topic = freshTopic()
    await publish(client, topic)
    expect(await texts(client, topic, 1)).toEqual(['hello'])
  })

  it('refuses nobody in particular', async () => {
    expect(await refusalOf(connect(undefined))).toMatchObject({ code: 'PIO_PULSAR_AUTHENTICATION', retry: 'block' })
  })

  it('refuses a token that it did not sign, and the message does not hold it', async () => {
    const token = `${pulsarToken('mallory').split('.').slice(0, 2).join('.')}.${'A'.repeat(43)}`
    const refusal = await refusalOf(connect(tokenAuthentication(token)))
    expect(refusal).toMatchObject({ code: 'PIO_PULSAR_AUTHENTICATION', retry: 'block' })
    expect(refusal.message).toContain('with the token of "mallory"')
    expect(refusal.message).not.toContain(token.split('.')[1])
  })

  it('refuses an authority that the client does not know, from its own side', async () => {
    expect(await refusalOf(connect(owner(), { tls: {} }))).toMatchObject({
      code: 'PIO_PULSAR_TLS',
      retry: 'block',
      message: expect.stringContaining('is not from a trusted authority'),
    })
    await connect(owner(), { tls: { allowInsecure: true } })
  })

  it('closes a connection without TLS, and the message guesses why', async () => {
    const url = ((secured.available && secured.url) || '').replace('pulsar+ssl', 'pulsar')
    expect(await refusalOf(connect(owner(), { serviceUrl: url }))).toMatchObject({
      code: 'PIO_PULSAR_UNREACHABLE',
      retry: 'reconnect',
      message: expect.stringContaining('is it a Pulsar broker, and this its port without TLS (pulsar+ssl://'),
    })
  })

  it('lets one who may only consume consume, and names topic and fix when it produces', async () => {
    if (!secured.available || !secured.readOnly) return
    const topic = freshTopic()
    await publish(await connect(owner()), topic)
    const client = await connect(tokenAuthentication(secured.readOnly.password))
    const consumer = await client.subscribe({
      topics: [topic],
      subscription: 's',
      type: 'Shared',
      initialPosition: 'Earliest',
    })
    expect(await consumer.receive({ maxMessages: 1, timeoutMs: 10_000 })).toHaveLength(1)
    await consumer.close()
    const refusal = await refusalOf(client.createProducer({ topic }))
    expect(refusal).toMatchObject({ code: 'PIO_PULSAR_AUTHORIZATION', retry: 'block' })
    expect(refusal.message).toContain(topic)
    expect(refusal.message).toContain(
      'pulsar-admin namespaces grant-permission public/default --role ROLE --actions produce',
    )
    expect(await refusalOf(client.topics.list())).toMatchObject({ code: 'PIO_PULSAR_AUTHORIZATION', retry: 'block' })
    expect(await refusalOf(client.topics.delete(topic))).toMatchObject({ code: 'PIO_PULSAR_AUTHORIZATION' })
  })
})

describe.skipIf(!ours)('roles of a broker with TLS', () => {
  it('whose token has expired are refused, saying when it did', async () => {
    const expiresAt = new Date('2020-01-01T00:00:00Z')
    const refusal = await refusalOf(connect(tokenAuthentication(pulsarToken('alice', { expiresAt }))))
    expect(refusal.code).toBe('PIO_PULSAR_AUTHENTICATION')
    expect(refusal.message).toContain('with the token of "alice", which expired at 2020-01-01T00:00:00.000Z')
  })

  it('show a new token when the old one expires, and go on', async () => {
    await grant('short')
    let asked = 0
    const client = await connect(
      tokenAuthentication(() => {
        asked += 1
        return pulsarToken('short', { expiresAt: new Date(Date.now() + 2_000) })
      }),
    )
    const topic = freshTopic()
    const producer = await client.createProducer({ topic })
    const before = asked
    await expect.poll(() => asked, { timeout: 15_000 }).toBeGreaterThan(before + 1)
    await producer.send([{ payload: Buffer.from('after') }])
    expect(await texts(client, topic, 1)).toEqual(['after'])
  }, 30_000)

  it('are cut off when the new token is refused', async () => {
    await grant('fading')
    const expiresAt = new Date(Date.now() + 2_000)
    const client = await connect(tokenAuthentication(pulsarToken('fading', { expiresAt })), {
      operationTimeoutMs: 3_000,
    })
    const topic = freshTopic()
    const producer = await client.createProducer({ topic, sendTimeoutMs: 2_000 })
    await sleep(expiresAt.getTime() + 2_000 - Date.now())
    const refusal = await refusalOf(producer.send([{ payload: Buffer.from('late') }]))
    expect(refusal).toMatchObject({ retry: expect.stringMatching(/block|reconnect/) })
    expect(await refusalOf(client.createProducer({ topic }))).toMatchObject({ code: 'PIO_PULSAR_AUTHENTICATION' })
  }, 30_000)

  it('are known by their certificate', async () => {
    const certificate = tlsAuthentication(tlsFile('client'), tlsFile('client'))
    const topic = freshTopic()
    await publish(await connect(owner()), topic, 'first')
    const client = await connect(certificate)
    await grant('client')
    // Brokers keep permissions for a moment.
    await expect.poll(() => publish(client, topic, 'second').then(() => true, String), { timeout: 10_000 }).toBe(true)
    expect(await texts(client, topic, 2)).toContain('first')
  })

  it('are known by user and password', async () => {
    const { username, password } = pulsarBasicUser
    const client = await connect(basicAuthentication(username, password))
    expect(await refusalOf(client.createProducer({ topic: freshTopic() }))).toMatchObject({
      code: 'PIO_PULSAR_AUTHORIZATION',
    })
    const refusal = await refusalOf(connect(basicAuthentication(username, 'hush')))
    expect(refusal).toMatchObject({ code: 'PIO_PULSAR_AUTHENTICATION', retry: 'block' })
    expect(refusal.message).toContain('with the user "basic"')
    expect(refusal.message).not.toContain('hush')
  })

  it('are known by a token of an issuer (OAuth 2.0)', async () => {
    await grant('from-issuer')
    const issuer = createServer((request, response) => {
      const at = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}`
      response.end(
        JSON.stringify(
          request.method === 'GET'
            ? { token_endpoint: `${at}/token` }
            : { access_token: pulsarToken('from-issuer'), expires_in: 60 },
        ),
      )
    })
    issuer.listen(0, '127.0.0.1')
    await once(issuer, 'listening')
    try {
      const client = await connect(
        oauth2Authentication({
          issuerUrl: `http://127.0.0.1:${(issuer.address() as AddressInfo).port}`,
          privateKey: 'data:application/json,{"client_id":"c","client_secret":"s"}',
        }),
      )
      const topic = freshTopic()
      await expect.poll(() => publish(client, topic).then(() => true, String), { timeout: 10_000 }).toBe(true)
    } finally {
      issuer.closeAllConnections()
      issuer.close()
    }
  })
})
