import { fileURLToPath } from 'node:url'
import { sinkFaults, sourceFaults, tcpProxy } from '@pulsar-io/testkit'
import { type Item, type RawConfig, sinkConformance, sourceConformance } from '@pulsar-io/testkit/conformance'
import { service } from '@pulsar-io/tooling/services'
import { afterAll, describe } from 'vitest'
import { sink, source } from '../../src/index.ts'
import { Cluster, proxiedListener, serversOf, unique } from '../support.ts'

const server = await service('kafka', { dedicated: true })
const secured = await service('kafka-secured')
const cluster = server.available ? new Cluster(serversOf(server)) : undefined
// A server started from packages has one; that of a container is reached as it is.
const proxied = server.available && server.origin === 'local' && cluster ? await proxiedListener(cluster) : undefined
afterAll(async () => {
  await cluster?.close()
  if (server.available) await server.close()
})

function there(): Cluster {
  if (!cluster) throw new Error('no server')
  return cluster
}

/** A way to the server that can be disturbed. */
async function way() {
  if (!proxied) return { bootstrapServers: there().servers, proxy: undefined, close: async () => undefined }
  const proxy = await tcpProxy(proxied.target, proxied.port)
  return { bootstrapServers: `${proxy.host}:${proxy.port}`, proxy, close: () => proxy.close() }
}

// Short, so that a clause about a silent server does not take half a minute.
const times = { 'request.timeout.ms': 3000, 'socket.connection.setup.timeout.ms': 1000 }

const mistakes = (list: string) => ({
  wrongAddress: {
    config: (config: RawConfig) => ({ ...config, bootstrapServers: '127.0.0.1:1' }),
    names: '127.0.0.1:1',
  },
  ...(secured.available
    ? {
        wrongCredentials: {
          config: (config: RawConfig) => ({
            ...config,
            bootstrapServers: serversOf(secured),
            securityProtocol: 'SASL_SSL',
            sslTruststoreLocation: authority,
            saslMechanism: 'SCRAM-SHA-256',
            username: 'owner',
            password: 'not-the-word',
          }),
          secret: 'not-the-word',
        },
      }
    : {}),
  missingTarget: {
    config: (config: RawConfig) => ({
      ...config,
      topic: 'nowhere',
      ...(list === 'consumer'
        ? { consumerConfigProperties: { ...times, 'allow.auto.create.topics': false } }
        : { autoCreateTopic: false }),
    }),
    names: 'nowhere',
  },
})

const authority = fileURLToPath(new URL('../../../../tooling/services/tls/ca.pem', import.meta.url))

describe.skipIf(!server.available)('kafka', () => {
  for (const guarantee of ['EFFECTIVELY_ONCE', 'ATLEAST_ONCE'] as const)
    sinkConformance(`kafka sink, ${guarantee}`, {
      definition: sink,
      guarantee,
      capabilities: {
        ordered: true,
        keys: true,
        properties: true,
        upsert: false,
        tombstone: { effect: 'stored' },
        faults: proxied ? 'network' : 'none',
        fenced: guarantee === 'EFFECTIVELY_ONCE',
      },
      place: async () => {
        const topic = await there().create(unique('sink'), 1, { 'max.message.bytes': '4000000' })
        const { bootstrapServers, proxy, close } = await way()
        return {
          config: {
            bootstrapServers,
            topic,
            copyHeadersEnabled: true,
            maxRequestSize: 4_000_000,
            // The suite gives all instances one name, and each test a target of its own.
            positionsTopic: unique('positions'),
            retryWithin: 500,
            producerConfigProperties: times,
          },
          faults: proxy && sinkFaults(proxy),
          read: async () =>
            (await there().read(topic)).map(({ key, value, headers }) => ({
              ...(value === null ? { id: key ?? '', text: '' } : (JSON.parse(value) as Item)),
              key,
              properties: Object.fromEntries(headers),
            })),
          close,
        }
      },
      record: ({ id, text }) => ({ key: id, value: JSON.stringify({ id, text }) }),
      poison: ({ id }) => ({ key: id, value: Number.NaN, eventTime: -5 }),
      tooLarge: ({ id }) => ({ key: id, value: 'x'.repeat(5_000_000) }),
      mistakes: mistakes('producer'),
    })

  sourceConformance('kafka source', {
    definition: source,
    capabilities: {
      readsEarlier: true,
      acks: true,
      keys: true,
      properties: true,
      ordered: true,
      poison: false,
      tombstones: true,
      faults: proxied ? 'network' : 'none',
      readAhead: 10_000,
      ends: false,
    },
    place: async () => {
      const topic = await there().create(unique('source'), 1, { 'max.message.bytes': '4000000' })
      const { bootstrapServers, proxy, close } = await way()
      return {
        config: {
          bootstrapServers,
          topic,
          groupId: unique('group'),
          copyHeadersEnabled: true,
          headerValues: 'text',
          autoCommitEnabled: false,
          sessionTimeoutMs: 6000,
          heartbeatIntervalMs: 500,
          consumerConfigProperties: times,
        },
        faults: proxy && sourceFaults(proxy),
        write: items =>
          there().produce(
            topic,
            items.map(({ id, text, key, properties }) => ({
              key: key ?? id,
              value: JSON.stringify({ id, text }),
              ...(properties ? { headers: properties } : {}),
            })),
          ),
        tombstone: key => there().produce(topic, [{ key, value: null }]),
        close,
      }
    },
    mistakes: mistakes('consumer'),
  })
})
