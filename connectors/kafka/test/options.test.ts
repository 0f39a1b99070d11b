import { describe, expect, it } from 'vitest'
import { sink, source } from '../src/index.ts'
import { withoutEffect } from '../src/java-properties.ts'

const problems = (definition: typeof sink | typeof source, raw: object) => {
  const result = definition.parse(raw)
  return result.ok ? [] : result.problems.map(({ path, message }) => `${path}: ${message}`)
}
const sinkProblems = (raw: object) => problems(sink, { bootstrapServers: 'a:9092', topic: 't', ...raw })
const sourceProblems = (raw: object) =>
  problems(source, { bootstrapServers: 'a:9092', topic: 't', groupId: 'g', ...raw })

describe('the options', () => {
  it('are those of Pulsar, as they are written there', () => {
    expect(
      sinkProblems({
        acks: 1,
        batchSize: '16384',
        maxRequestSize: '1048576',
        securityProtocol: 'SASL_SSL',
        saslMechanism: 'PLAIN',
        saslJaasConfig: 'org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="p";',
        sslEnabledProtocols: 'TLSv1.2',
        sslEndpointIdentificationAlgorithm: 'https',
        sslTruststorePassword: '',
        keySerializerClass: 'org.apache.kafka.common.serialization.StringSerializer',
        producerConfigProperties: { 'max.block.ms': 5, 'linger.ms': '20' },
      }),
    ).toEqual([])
    expect(
      sourceProblems({
        fetchMinBytes: '1',
        autoCommitEnabled: 'true',
        autoCommitIntervalMs: 5000,
        sessionTimeoutMs: '30000',
        heartbeatIntervalMs: '3000',
        autoOffsetReset: 'latest',
        consumerConfigProperties: { 'client.id': 'x', whatever: true },
      }),
    ).toEqual([])
  })

  it('tell everything that is wrong at once', () => {
    const found = problems(source, {
      bootstrapServer: 'x',
      bootstrapServers: 'kafka://a:9092',
      groupId: '',
      topicsPattern: '(',
      topic: 'a b',
      partitions: '0',
      startFrom: 'somewhere',
      sessionTimeoutMs: 2000,
      heartbeatIntervalMs: 3000,
      saslMechanism: 'PLAIN',
      consumerConfigProperties: { 'fetch.max.bytes': 'x' },
    })
    for (const start of [
      'bootstrapServer: not an option; did you mean bootstrapServers?',
      'bootstrapServers: must be host:port',
      'groupId: must not be empty',
      'topic: cannot be combined with topicsPattern',
      'startFrom: must be earliest',
      'heartbeatIntervalMs: must be less than',
      'securityProtocol: must be SASL_SSL or SASL_PLAINTEXT because saslMechanism is set',
      'consumerConfigProperties.fetch.max.bytes: must be a number',
    ])
      expect(
        found.some(line => line.startsWith(start)),
        `${start} in\n${found.join('\n')}`,
      ).toBe(true)
  })

  it.each([
    [{ bootstrapServers: 'user:secret-word@a:9092' }, 'bootstrapServers: must be host:port'],
    [{ bootstrapServers: 'a:99999' }, 'bootstrapServers: must be host:port'],
    [{ acks: '1', producerConfigProperties: { 'enable.idempotence': 'true' } }, 'acks: must be all'],
    [{ topic: 'a{x}' }, 'topic: {x} is not known'],
    [{ positionsTopic: 'a b' }, 'positionsTopic: the name may hold only'],
    [{ securityProtocol: 'SASL_SSL' }, 'saslMechanism: required'],
    [{ securityProtocol: 'SASL_SSL', saslMechanism: 'PLAIN', username: 'u' }, 'password: required for PLAIN'],
    [
      {
        securityProtocol: 'SASL_SSL',
        saslMechanism: 'PLAIN',
        saslJaasConfig: 'a.ScramLoginModule required x="secret-word";',
      },
      'saslJaasConfig: names ScramLoginModule, but PLAIN needs PlainLoginModule',
    ],
    [
      { sslTruststoreLocation: '/ca.pem' },
      'securityProtocol: must be SSL or SASL_SSL because sslTruststoreLocation is set',
    ],
    [{ sslEnabledProtocols: 'SSLv3' }, 'sslEnabledProtocols: "SSLv3" is no TLS version'],
  ])('refuse %j', (raw, message) => {
    const found = sinkProblems(raw)
    expect(found.join('\n')).toContain(message)
    expect(found.join('\n')).not.toContain('secret-word')
  })

  it('name Java’s properties that do nothing, and the option that does it', () => {
    const given = { 'linger.ms': 5, 'max.block.ms': 1, 'batch.size': 2 }
    expect(withoutEffect('producerConfigProperties', given)).toBe(
      'producerConfigProperties: no effect of max.block.ms, batch.size (use batchSize)',
    )
    expect(withoutEffect('producerConfigProperties', { 'linger.ms': 5 })).toBeUndefined()
  })

  it('mark secrets inside of the properties', () => {
    const json = sink.jsonSchema() as { properties: { [name: string]: { properties: { [name: string]: object } } } }
    expect(json.properties.producerConfigProperties?.properties['sasl.jaas.config']).toMatchObject({ writeOnly: true })
  })
})
