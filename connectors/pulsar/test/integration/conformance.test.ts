import type { SourceContext, SourceDefinition } from '@pulsar-io/sdk'
import { sinkFaults, sourceFaults, tcpProxy } from '@pulsar-io/testkit'
import { type RawConfig, sinkConformance, sourceConformance } from '@pulsar-io/testkit/conformance'
import { afterAll, describe } from 'vitest'
import { freshNamespace, pulsar } from '../../../../test/support/pulsar.ts'
import { addressOf, colleague, proxied, readAll } from '../support.ts'

const client = pulsar.available ? await colleague(pulsar) : undefined
const namespaces = { once: '', plain: '' }
if (pulsar.available) {
  namespaces.once = await freshNamespace({ deduplication: true })
  namespaces.plain = await freshNamespace({})
}
afterAll(() => client?.close())

let topics = 0
const fresh = (namespace: string): string => `persistent://${namespace}/t${topics++}`

function available() {
  if (!pulsar.available || !client) throw new Error('no cluster')
  return { pulsar, client }
}

const elsewhere = {
  config: (config: RawConfig) => ({ ...config, serviceUrl: 'pulsar://127.0.0.1:1' }),
  names: '127.0.0.1:1',
}

/** The suite asks for no guarantee; numbers come with this one. */
const numbered: SourceDefinition = {
  ...proxied.source,
  create: () => {
    const source = proxied.source.create()
    return {
      open: (config: unknown, context: SourceContext) =>
        source.open(config as never, { ...context, guarantee: 'EFFECTIVELY_ONCE' }),
      read: () => source.read(),
      close: () => source.close(),
    }
  },
}

describe.skipIf(!pulsar.available)('pulsar', () => {
  for (const mode of ['at-least-once', 'transactions', 'deduplication'] as const) {
    const byNumbers = mode === 'deduplication'
    sinkConformance(`pulsar, ${mode}`, {
      definition: byNumbers ? { ...proxied.sink, delivery: 'idempotent' } : proxied.sink,
      guarantee: mode === 'at-least-once' ? 'ATLEAST_ONCE' : 'EFFECTIVELY_ONCE',
      capabilities: {
        ordered: true,
        keys: true,
        properties: true,
        upsert: false,
        tombstone: { effect: 'stored' },
        faults: 'network',
        fenced: mode === 'transactions',
      },
      place: async () => {
        const { pulsar, client } = available()
        const proxy = await tcpProxy(pulsar.url)
        const topic = fresh(byNumbers ? namespaces.once : namespaces.plain)
        return {
          config: {
            ...addressOf(pulsar, proxy.url),
            topic,
            sendTimeout: '2s',
            transactionTimeout: '3s',
            positionsTopic: `${topic}-positions`,
            ...(byNumbers ? { effectivelyOnce: mode } : {}),
          },
          faults: sinkFaults(proxy),
          read: async () =>
            (await readAll(client, topic)).map(({ text, key, properties }) => {
              const item = JSON.parse(text ?? '{}') as { id: string; text: string }
              return { ...item, ...(key === undefined ? {} : { key }), properties }
            }),
          close: () => proxy.close(),
        }
      },
      // A bigint is fine, a circle is not.
      poison: item => ({ value: circle(item) }),
      mistakes: {
        wrongAddress: elsewhere,
        missingTarget: {
          config: config => ({ ...config, topic: 'persistent://public/nowhere/t' }),
          names: 'public/nowhere',
        },
      },
    })
  }

  for (const mode of ['Shared', 'Failover', 'EFFECTIVELY_ONCE'] as const) {
    const once = mode === 'EFFECTIVELY_ONCE'
    const subscriptionType = once ? 'Shared' : mode
    sourceConformance(`pulsar, ${mode}`, {
      definition: once ? numbered : { ...proxied.source, delivery: 'at-least-once' },
      capabilities: {
        readsEarlier: true,
        acks: true,
        keys: true,
        properties: true,
        ordered: true,
        poison: true,
        tombstones: true,
        faults: 'network',
        readAhead: 500,
        ends: false,
      },
      place: async () => {
        const { pulsar, client } = available()
        const proxy = await tcpProxy(pulsar.url)
        const topic = fresh(namespaces.plain)
        const producer = await client.createProducer({ topic })
        return {
          config: {
            ...addressOf(pulsar, proxy.url),
            topics: [topic],
            subscriptionType,
            subscriptionInitialPosition: 'Earliest',
            schemaType: 'JSON',
            onMalformed: 'skip',
            receiverQueueSize: 500,
          },
          faults: sourceFaults(proxy),
          write: async list => {
            await producer.send(
              list.map(({ id, text, key, properties }) => ({
                payload: Buffer.from(JSON.stringify({ id, text })),
                key,
                properties,
              })),
            )
          },
          poison: async () => {
            await producer.send([{ payload: Buffer.from('{no JSON') }])
          },
          tombstone: async key => {
            await producer.send([{ payload: null, key }])
          },
          close: async () => {
            await proxy.close()
            await producer.close()
          },
        }
      },
      mistakes: {
        wrongAddress: elsewhere,
        missingTarget: {
          config: config => ({ ...config, topics: ['persistent://public/nowhere/t'] }),
          names: 'public/nowhere',
        },
      },
    })
  }
})

function circle(item: object): unknown {
  const value: { self?: unknown } = { ...item }
  value.self = value
  return value
}
