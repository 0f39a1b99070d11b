import { fileURLToPath } from 'node:url'
import { service } from '@pulsar-io/tooling/services'
import { describe, expect, it } from 'vitest'
import { failure, openSink, openSource, recordsOf, serversOf, texts, unique } from '../support.ts'

const kafka = await service('kafka-secured')
const file = (name: string): string =>
  fileURLToPath(new URL(`../../../../tooling/services/tls/${name}`, import.meta.url))

describe.skipIf(!kafka.available || !kafka.credentials)('a server with TLS and users', { timeout: 60_000 }, () => {
  if (!kafka.available || !kafka.credentials || !kafka.readOnly) return
  const { username, password } = kafka.credentials
  const reader = kafka.readOnly
  const tls = {
    bootstrapServers: serversOf(kafka),
    securityProtocol: 'SASL_SSL',
    sslTruststoreLocation: file('ca.pem'),
  }
  const jaas = (module: string, options: string) => `org.apache.kafka.common.security.${module} required ${options};`

  it.each([
    ['PLAIN', { saslMechanism: 'PLAIN', username, password }],
    ['SCRAM-SHA-256', { saslMechanism: 'SCRAM-SHA-256', username, password }],
    [
      'SCRAM-SHA-512 by JAAS, with a certificate of our own',
      {
        saslMechanism: 'SCRAM-SHA-512',
        saslJaasConfig: jaas('scram.ScramLoginModule', `username="${username}" password="${password}"`),
        sslKeystoreLocation: file('client.pem'),
      },
    ],
    [
      'OAUTHBEARER',
      {
        saslMechanism: 'OAUTHBEARER',
        saslJaasConfig: jaas('oauthbearer.OAuthBearerLoginModule', `unsecuredLoginStringClaim_sub="${username}"`),
      },
    ],
  ])('is written to and read from by %s', async (_, login) => {
    const topic = unique('secured')
    await using sink = await openSink(
      { ...tls, ...login, topic },
      { guarantee: 'EFFECTIVELY_ONCE', context: { name: topic } },
    )
    await sink.committed()
    expect(await sink.write(recordsOf(['a', 'b']))).toBeUndefined()
    await using source = await openSource({ ...tls, ...login, topic, groupId: unique('g') })
    expect(texts(await source.take(2))).toEqual(['a', 'b'])
  })

  const login = { saslMechanism: 'SCRAM-SHA-256', username, password }

  it('refuses a wrong password, which blocks and is not shown', async () => {
    const wrong = { ...tls, ...login, password: 'not-the-word', topic: 'x' }
    const error = await failure(openSink(wrong))
    expect(error).toMatchObject({
      code: 'PIO_KAFKA_AUTH',
      retry: 'block',
      message: expect.stringContaining('user "owner"'),
    })
    expect(error.message).not.toContain('not-the-word')
    expect(await failure(openSource({ ...wrong, groupId: 'g' }))).toMatchObject({
      code: 'PIO_KAFKA_AUTH',
      retry: 'block',
    })
  })

  it('says at start that a user may not write, and lets it read', async () => {
    const topic = unique('read-only')
    await using sink = await openSink({ ...tls, ...login, topic })
    await sink.write(recordsOf(['a']))
    const may = { ...tls, saslMechanism: 'PLAIN', ...reader, topic }
    expect(await failure(openSink(may))).toMatchObject({
      code: 'PIO_KAFKA_FORBIDDEN',
      retry: 'block',
      message: expect.stringContaining(topic),
    })
    await using source = await openSource({ ...may, groupId: unique('g') })
    expect(texts(await source.take(1))).toEqual(['a'])
  })

  it('names what is missing for TLS', async () => {
    const { sslTruststoreLocation: _, ...untrusted } = tls
    expect(await failure(openSink({ ...untrusted, ...login, topic: 'x' }))).toMatchObject({
      code: 'PIO_KAFKA_TLS',
      message: expect.stringContaining('sslTruststoreLocation'),
    })
    const plaintext = { bootstrapServers: tls.bootstrapServers, topic: 'x' }
    expect(await failure(openSink(plaintext))).toMatchObject({
      retry: 'reconnect',
      message: expect.stringContaining('securityProtocol'),
    })
    const nowhere = await failure(openSink({ ...tls, ...login, sslTruststoreLocation: '/no/such/file', topic: 'x' }))
    expect(nowhere).toMatchObject({
      code: 'PIO_CONFIG',
      message: expect.stringContaining('sslTruststoreLocation: cannot read'),
    })
  })
})
